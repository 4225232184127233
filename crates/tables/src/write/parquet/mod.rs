//! Rows as Apache Parquet: a row group at a time, so that one of them is in memory.
//!
//! A list is `optional group (LIST) { repeated group list { optional element } }`, as the format's specification asks of
//! writers ("LogicalTypes.md", Lists).

mod leaf;
mod schema;

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;

use super::RowWriter;
use crate::error::TableError;
use crate::learn::columns::Column;
use crate::values::view::View;
use leaf::Leaf;

/// How many rows a row group has at the most; readers divide their work by row groups.
const ROWS: usize = 1 << 17;
/// How many bytes of values wait at the most, as they lie in memory.
const BYTES: usize = 32 << 20;

/// Writes Parquet.
pub struct Parquet<'w> {
    to: SerializedFileWriter<&'w mut (dyn Write + Send)>,
    leaves: Vec<Leaf<'w>>,
    rows: usize,
    bytes: usize,
    rows_at_most: usize,
}

impl<'w> Parquet<'w> {
    /// Writes the beginning.
    pub fn new(columns: &'w [Column], to: &'w mut (dyn Write + Send)) -> Result<Self, TableError> {
        Self::with_row_groups(columns, to, ROWS)
    }

    /// The same with so many rows in a row group at the most.
    fn with_row_groups(
        columns: &'w [Column],
        to: &'w mut (dyn Write + Send),
        rows_at_most: usize,
    ) -> Result<Self, TableError> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
        let properties = properties.set_created_by(format!("euterpe {}", env!("CARGO_PKG_VERSION"))).build();
        let schema = schema::of(columns).map_err(failed)?;
        let to = SerializedFileWriter::new(to, schema, Arc::new(properties)).map_err(failed)?;
        let leaves = columns.iter().map(Leaf::of).collect();
        Ok(Self { to, leaves, rows: 0, bytes: 0, rows_at_most })
    }

    fn write_group(&mut self) -> Result<(), TableError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.to.next_row_group().map_err(failed)?;
        for leaf in &mut self.leaves {
            let Some(mut column) = group.next_column().map_err(failed)? else { break };
            leaf.write(&mut column).map_err(failed)?;
            column.close().map_err(failed)?;
        }
        group.close().map_err(failed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl RowWriter for Parquet<'_> {
    fn row(&mut self, cells: &[View<'_>]) -> Result<(), TableError> {
        for (leaf, cell) in self.leaves.iter_mut().zip(cells) {
            self.bytes += leaf.put(*cell);
        }
        self.rows += 1;
        if self.rows >= self.rows_at_most || self.bytes >= BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), TableError> {
        self.write_group()?;
        self.to.finish().map_err(failed)?;
        Ok(self.to.flush()?)
    }
}

fn failed(error: ParquetError) -> TableError {
    TableError::Write(match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    })
}

#[cfg(test)]
mod tests;
