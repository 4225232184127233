//! Rows as comma-separated values: what is not there is empty, lists are JSON.

use std::io::{self, Write};

use super::RowWriter;
use super::jsonl::Typed;
use crate::error::TableError;
use crate::learn::columns::Column;
use crate::learn::kind::Kind;
use crate::values::value::Value;
use crate::values::view::{Seen, View};

/// Writes comma-separated values.
pub struct Csv<'w> {
    columns: &'w [Column],
    to: csv::Writer<&'w mut (dyn Write + Send)>,
}

impl<'w> Csv<'w> {
    /// Writes the line of names.
    pub fn new(columns: &'w [Column], to: &'w mut (dyn Write + Send)) -> Result<Self, TableError> {
        let mut to = csv::Writer::from_writer(to);
        to.write_record(columns.iter().map(|column| &column.name)).map_err(failed)?;
        Ok(Self { columns, to })
    }
}

impl RowWriter for Csv<'_> {
    fn row(&mut self, cells: &[View<'_>]) -> Result<(), TableError> {
        let cells = self.columns.iter().zip(cells).map(|(column, cell)| match (cell.seen(), &column.kind) {
            (Seen::Null, _) => String::new(),
            (_, Kind::List(_)) => Typed { value: *cell, kind: &column.kind }.text(),
            (Seen::Int(whole), Kind::Float) => View::Of(&Value::Float(whole as f64)).text(),
            _ => cell.text(),
        });
        self.to.write_record(cells).map_err(failed)?;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), TableError> {
        Ok(self.to.flush()?)
    }
}

fn failed(error: csv::Error) -> TableError {
    TableError::Write(match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")), // lines are of one length
    })
}
