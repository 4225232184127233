//! Euterpe runs graphs of media jobs over whole catalogues: each output once, every entity accounted for.

pub mod address;
pub mod app;
pub mod assembly;
pub mod broker;
pub mod cli;
pub mod config;
#[cfg(feature = "faults")]
pub mod faults;
pub mod graph;
pub mod run;
pub mod storage;
pub mod telemetry;
pub mod transform;

/// The example in the manual for other programs' authors, compiled.
#[cfg(doctest)]
#[doc = include_str!("../docs/amqp.md")]
mod manual {}
