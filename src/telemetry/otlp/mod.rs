//! Sends spans to a collector by OTLP over HTTP, as protobuf, in a thread of its own.
//!
//! `settings` says where, `exporter` when, `collector` how, `wire` in which bytes.

mod collector;
mod exporter;
mod settings;
mod wire;

pub use exporter::Exporter;
pub use settings::TraceSettings;
