//! The transforms that come with the program, and the registry in which a graph file finds them by name.
//!
//! Every transform is deterministic: the same inputs and options give the same bytes, whatever the time or the machine's
//! load. A new one is a file beside these and a line in [`Registry::with_builtins`].

pub mod audio;
pub mod command;
#[cfg(feature = "faults")]
pub mod faulty;
pub mod isolated;
pub mod json_merge;
pub mod options;
pub mod process;
pub mod python;
pub mod registry;
pub mod synth;
pub mod worker;

pub use options::{NoOptions, OptionProblem, Settings};
pub use registry::{Entry, InputRule, OpenContext, OutputShape, Registry};
