//! A table that is being gathered: rows come in any number, and their columns are known when all have come.

use std::io::Write;
use std::path::Path;

use crate::error::TableError;
use crate::layout::{Arrays, Holds, Layout, Piece, Row};
use crate::learn::columns::{Column, Place, columns};
use crate::learn::fields::{Fields, Teacher};
use crate::spool::Spool;
use crate::values::value::Value;
use crate::values::view::View;
use crate::values::{npy, record, summary::summarize};
use crate::write::{Format, writer};

/// The state of an output that is there and holds something else than its suffix says.
const UNREADABLE: &str = "unreadable";

/// A table that is being gathered.
#[derive(Debug)]
pub struct Draft {
    layout: Layout,
    /// What is known of each output.
    fields: Vec<Fields>,
    rows: Spool,
    written: Written,
    record: Vec<u8>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The rows.
    pub rows: u64,
    /// The columns.
    pub columns: usize,
    /// The outputs that are there and hold something else than their suffix says.
    pub unreadable: u64,
    /// One of these: the entity, the job, and what is wrong.
    pub unreadable_example: Option<(String, String, String)>,
}

impl Draft {
    /// A table without rows, which keeps them in a file in the folder `scratch`.
    ///
    /// # Errors
    /// A folder that takes no file.
    pub fn new(layout: Layout, scratch: &Path) -> Result<Self, TableError> {
        let outputs = layout.jobs.iter().map(|job| job.outputs.len()).sum();
        Ok(Self {
            layout,
            fields: vec![Fields::default(); outputs],
            rows: Spool::create(scratch)?,
            written: Written::default(),
            record: Vec::new(),
        })
    }

    /// Adds an entity.
    ///
    /// # Errors
    /// A value that does not go together with those of other entities; a disk that takes no more.
    pub fn add(&mut self, row: Row) -> Result<(), TableError> {
        let Row { id, parts, jobs } = row;
        let mut front = vec![Value::Text(id.clone())];
        front.extend(parts.into_iter().map(text));
        let (mut values, mut at) = (Vec::with_capacity(self.fields.len()), 0);
        for (job, cells) in self.layout.jobs.iter().zip(jobs) {
            let (mut status, mut reason) = (cells.status, cells.reason);
            let mut pieces = cells.outputs.into_iter();
            for output in &job.outputs {
                let value = match read(pieces.next().unwrap_or_default(), output.holds, &self.layout.arrays) {
                    Ok(value) => value,
                    Err(why) => {
                        self.written.unreadable += 1;
                        let example = || (id.clone(), job.name.clone(), why.clone());
                        self.written.unreadable_example.get_or_insert_with(example);
                        (status, reason) = (Some(UNREADABLE.to_owned()), Some(why));
                        Value::Null
                    }
                };
                let teacher = Teacher { entity: &id, output: &output.name, loose: self.layout.loose };
                self.fields[at].learn(&value, teacher)?;
                values.push(value);
                at += 1;
            }
            front.extend([text(status), text(reason)]);
        }
        self.record.clear();
        front.iter().chain(&values).for_each(|value| record::put(value, &mut self.record));
        self.rows.put(&self.record)?;
        self.written.rows += 1;
        Ok(())
    }

    /// Writes the table.
    ///
    /// # Errors
    /// What keeps it from being written; a format that this program does not have.
    pub fn write(self, format: Format, to: &mut (dyn Write + Send)) -> Result<Written, TableError> {
        let columns = columns(&self.layout, &self.fields);
        let front = columns.iter().filter(|column| matches!(column.place, Place::Front(_))).count();
        let (many, mut written) = (front + self.fields.len(), self.written);
        written.columns = columns.len();
        let mut writer = writer(format, &columns, to)?;
        let (mut records, mut bytes, mut row) = (self.rows.read()?, Vec::new(), Vec::with_capacity(many));
        while records.next(&mut bytes)? {
            let mut rest = &bytes[..];
            row.clear();
            for _ in 0..many {
                row.push(record::take(&mut rest).ok_or_else(|| records.damaged())?);
            }
            let cells: Vec<View<'_>> = columns.iter().map(|column| cell(column, &row, front)).collect();
            writer.row(&cells)?;
        }
        writer.finish()?;
        Ok(written)
    }
}

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}

/// What an output holds.
fn read(piece: Piece, holds: Holds, arrays: &Arrays) -> Result<Value, String> {
    match (piece, holds) {
        (Piece::Absent, _) | (Piece::Bytes(_), Holds::Other) => Ok(Value::Null),
        (Piece::Place(place), _) => Ok(Value::Text(place)),
        (Piece::Bytes(bytes), Holds::Json) => match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(json) => Ok(Value::from(json)),
            Err(error) => Err(format!("it is no JSON: {error}")),
        },
        (Piece::Bytes(bytes), Holds::Npy) => {
            let array = npy::read(&bytes)?;
            Ok(match arrays {
                Arrays::Lists => Value::Array(array),
                Arrays::Summaries(statistics) => summarize(&array, statistics),
            })
        }
    }
}

/// The value of a column in a row, of which the first `front` stand before the outputs.
fn cell<'r>(column: &Column, row: &'r [Value], front: usize) -> View<'r> {
    match &column.place {
        Place::Front(at) => View::Of(&row[*at]),
        Place::Field(output, path) => {
            let field = path.iter().try_fold(&row[front + output], |value, name| match value {
                Value::Object(fields) => fields.get(name),
                _ => None,
            });
            View::Of(field.unwrap_or(&Value::Null))
        }
    }
}

#[cfg(test)]
mod tests;
