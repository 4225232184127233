//! The transform port: the code that a job runs on one entity.

pub mod blocking;
mod entry;
mod input_rule;
mod opening;
mod options;
mod port;
mod registry;
mod samples;
mod scratch;
mod work;

pub use entry::Entry;
pub use input_rule::InputRule;
pub use opening::{Limits, OpenContext, OutputShape};
pub use options::{NoOptions, OptionProblem, Settings, read};
pub use port::{Transform, TransformFactory, inline};
pub use registry::Registry;
pub use samples::{SampleCodec, SampleFormat, SamplePlace};
pub use scratch::{Scratch, remove_folder, scratch_problem};
pub use work::{Input, Product, Work};
