//! Rows as lines of JSON, and values as JSON of the type of their column.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::RowWriter;
use crate::error::TableError;
use crate::learn::columns::Column;
use crate::learn::kind::Kind;
use crate::values::view::{Seen, View};

/// Writes a JSON object in each line, with all columns in their order.
pub struct JsonLines<'w> {
    columns: &'w [Column],
    to: &'w mut (dyn Write + Send),
    line: Vec<u8>,
}

impl<'w> JsonLines<'w> {
    /// Begins.
    pub fn new(columns: &'w [Column], to: &'w mut (dyn Write + Send)) -> Self {
        Self { columns, to, line: Vec::new() }
    }
}

impl RowWriter for JsonLines<'_> {
    fn row(&mut self, cells: &[View<'_>]) -> Result<(), TableError> {
        self.line.clear();
        let cells = self.columns.iter().zip(cells);
        let cells = cells.map(|(column, cell)| (&column.name, Typed { value: *cell, kind: &column.kind }));
        serde_json::Serializer::new(&mut self.line).collect_map(cells).map_err(io::Error::from)?;
        self.line.push(b'\n');
        Ok(self.to.write_all(&self.line)?)
    }

    fn finish(self: Box<Self>) -> Result<(), TableError> {
        Ok(self.to.flush()?)
    }
}

/// A value as its column has it: a whole number among floats is a float.
pub struct Typed<'v> {
    /// The value.
    pub value: View<'v>,
    /// The type of its column.
    pub kind: &'v Kind,
}

impl Typed<'_> {
    /// Its JSON.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // names are text, so this is always JSON
    }
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.value.seen(), self.kind) {
            (Seen::Null, _) => to.serialize_unit(),
            (Seen::Int(whole), Kind::Float) => to.serialize_f64(whole as f64),
            (Seen::List(count), Kind::List(kind)) => {
                let mut list = to.serialize_seq(Some(count))?;
                for value in self.value.items() {
                    list.serialize_element(&Typed { value, kind })?;
                }
                list.end()
            }
            (_, Kind::Json) => to.serialize_str(&self.value.text()),
            _ => self.value.serialize(to),
        }
    }
}
