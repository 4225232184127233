//! The tests of a graph: those that stand in its file, and those of its Python transforms.

mod case;
mod checks;
mod found;
#[cfg(feature = "python")]
mod python;

pub use case::run_case;
#[cfg(feature = "python")]
pub use python::{PythonTests, python_tests};
