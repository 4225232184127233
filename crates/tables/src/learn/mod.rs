//! Which columns a table has, and of what type: learned from all rows before the first is written.

pub mod columns;
pub mod fields;
pub mod kind;
