//! The values of one column until their row group is written, with their levels.
//!
//! A column of lists has two definition levels more for each depth: an empty list, and a null within one. So a value in
//! a list has 3, a null there 2, an empty list 1, no list 0. The repetition level says which list goes on: 0 begins a row.

use ::parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, FloatType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::writer::SerializedColumnWriter;

use crate::learn::columns::Column;
use crate::learn::kind::Kind;
use crate::values::view::{Seen, View};

/// What a text takes beside its bytes: the handle of its buffer, and what is counted there.
const TEXT: usize = 64;

/// The values of one column.
pub struct Leaf<'c> {
    kind: &'c Kind,
    /// Whether each row has a value: there are no levels then.
    required: bool,
    values: Values,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
}

enum Values {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float32(Vec<f32>),
    Float(Vec<f64>),
    Text(Vec<ByteArray>),
}

impl<'c> Leaf<'c> {
    /// An empty one.
    pub fn of(column: &'c Column) -> Self {
        let mut element = &column.kind;
        while let Kind::List(of) = element {
            element = of;
        }
        let values = match element {
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Int => Values::Int(Vec::new()),
            Kind::Float32 => Values::Float32(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Text | Kind::Json | Kind::Null | Kind::List(_) => Values::Text(Vec::new()),
        };
        let Column { kind, required, .. } = column;
        Self { kind, required: *required, values, definitions: Vec::new(), repetitions: Vec::new() }
    }

    /// Takes the value of a row; how many bytes it takes.
    pub fn put(&mut self, value: View<'_>) -> usize {
        let before = self.bytes();
        let text = self.shred(value, self.kind, (0, 0), 0);
        self.bytes() - before + text
    }

    /// Takes a value within so many lists, with the definition level that it has if it is null, and its repetition level; how
    /// many bytes its texts take.
    fn shred(&mut self, value: View<'_>, kind: &Kind, (definition, repetition): (i16, i16), depth: i16) -> usize {
        match (value.seen(), kind) {
            (Seen::Null, _) => self.level(definition, repetition),
            (Seen::List(0), Kind::List(_)) => self.level(definition + 1, repetition),
            (Seen::List(_), Kind::List(of)) => {
                let first = std::iter::once(repetition).chain(std::iter::repeat(depth + 1));
                return value
                    .items()
                    .zip(first)
                    .map(|(item, at)| self.shred(item, of, (definition + 2, at), depth + 1))
                    .sum();
            }
            (seen, _) => {
                self.level(definition + 1, repetition);
                return self.values.push(seen, value);
            }
        }
        0
    }

    fn level(&mut self, definition: i16, repetition: i16) {
        if self.required {
            return;
        }
        self.definitions.push(definition);
        if matches!(self.kind, Kind::List(_)) {
            self.repetitions.push(repetition);
        }
    }

    fn bytes(&self) -> usize {
        2 * (self.definitions.len() + self.repetitions.len()) + self.values.bytes()
    }

    /// Writes what was taken, and forgets it.
    ///
    /// # Errors
    /// What keeps it from being written.
    pub fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let definitions = (!self.required).then_some(&self.definitions[..]);
        let repetitions = matches!(self.kind, Kind::List(_)).then_some(&self.repetitions[..]);
        match &mut self.values {
            Values::Bool(values) => {
                column.typed::<BoolType>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Int(values) => {
                column.typed::<Int64Type>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Float32(values) => {
                column.typed::<FloatType>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Float(values) => {
                column.typed::<DoubleType>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
            Values::Text(values) => {
                column.typed::<ByteArrayType>().write_batch(values, definitions, repetitions)?;
                values.clear();
            }
        }
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}

impl Values {
    /// Takes a value that is there; how many bytes its text takes. Its column was made to hold it.
    fn push(&mut self, seen: Seen<'_>, value: View<'_>) -> usize {
        match (self, seen) {
            (Values::Bool(values), seen) => values.push(seen == Seen::Bool(true)),
            (Values::Int(values), Seen::Int(whole)) => values.push(whole),
            (Values::Int(values), _) => values.push(0),
            (Values::Float32(values), seen) => values.push(float(seen) as f32),
            (Values::Float(values), seen) => values.push(float(seen)),
            (Values::Text(values), _) => {
                let text = value.text();
                let length = text.len();
                values.push(ByteArray::from(text.into_bytes()));
                return length;
            }
        }
        0
    }

    fn bytes(&self) -> usize {
        match self {
            Values::Bool(values) => values.len(),
            Values::Int(values) => 8 * values.len(),
            Values::Float32(values) => 4 * values.len(),
            Values::Float(values) => 8 * values.len(),
            Values::Text(values) => TEXT * values.len(),
        }
    }
}

fn float(seen: Seen<'_>) -> f64 {
    match seen {
        Seen::Int(whole) => whole as f64,
        Seen::Float32(float) => f64::from(float),
        Seen::Float(float) => float,
        _ => f64::NAN, // no column of floats was made to hold it
    }
}
