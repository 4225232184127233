//! Positions in a graph file, and values that know theirs.

use serde::Serialize;

/// A line and a column of a file, both from 1. Line 0 stands for something outside of the file, such as a flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

/// A value with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it begins.
    pub position: Position,
}

impl<T> At<T> {
    /// The value at a position.
    pub fn new(value: T, position: Position) -> Self {
        Self { value, position }
    }
}
