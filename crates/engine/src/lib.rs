//! Euterpe as a library: a graph opened, and everything that can be done with it.

pub mod assembly;
pub mod builtin;
#[cfg(feature = "faults")]
pub mod faults;
pub mod run;
