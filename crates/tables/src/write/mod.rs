//! Rows as files of a format.

mod csv;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;

use std::io::Write;

use crate::error::TableError;
use crate::learn::columns::Column;
use crate::values::view::View;

/// A format of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet, compressed by Snappy.
    Parquet,
    /// Comma-separated values (RFC 4180) with a line of names.
    Csv,
    /// A JSON object in each line.
    Jsonl,
}

impl Format {
    /// The format that a name of a file tells by its end.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Format::Parquet),
            "csv" => Some(Format::Csv),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            _ => None,
        }
    }

    /// Whether this program has it.
    ///
    /// # Errors
    /// [`TableError::NoParquet`] where it was built without.
    pub fn check(self) -> Result<(), TableError> {
        match self {
            Format::Parquet if !cfg!(feature = "parquet") => Err(TableError::NoParquet),
            Format::Parquet | Format::Csv | Format::Jsonl => Ok(()),
        }
    }
}

/// Writes rows, each with a value for each column.
pub trait RowWriter {
    /// Writes a row.
    ///
    /// # Errors
    /// What keeps it from being written.
    fn row(&mut self, cells: &[View<'_>]) -> Result<(), TableError>;

    /// Writes what is still to be written.
    ///
    /// # Errors
    /// What keeps it from being written.
    fn finish(self: Box<Self>) -> Result<(), TableError>;
}

/// Begins a table.
///
/// # Errors
/// A format that this program does not have; what keeps the beginning from being written.
pub fn writer<'w>(
    format: Format,
    columns: &'w [Column],
    to: &'w mut (dyn Write + Send),
) -> Result<Box<dyn RowWriter + 'w>, TableError> {
    Ok(match format {
        Format::Csv => Box::new(csv::Csv::new(columns, to)?),
        Format::Jsonl => Box::new(jsonl::JsonLines::new(columns, to)),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(parquet::Parquet::new(columns, to)?),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => return Err(TableError::NoParquet),
    })
}
