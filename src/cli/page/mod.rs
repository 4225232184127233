//! What people and other programs see: text and JSON on standard output, progress on standard error.

pub mod account;
mod bars;
pub mod cost;
pub mod forecast;
pub mod interrupts;
pub mod inventory;
mod output;
pub mod progress;
pub mod signals;
pub mod story;
pub mod summary;
mod terminal;
pub mod words;

pub use output::Output;
pub use terminal::Terminal;
