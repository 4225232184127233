//! Euterpe runs graphs of media jobs over whole catalogues: each output once, every entity accounted for.

pub mod app;
pub mod cli;
pub mod telemetry;

/// The example in the manual for other programs' authors, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/amqp.md")]
mod manual {}
