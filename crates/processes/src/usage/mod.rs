//! What processes take of a machine: CPU and memory, of this one, of its children, and of a tree over time.
//!
//! For measurements by hand and by `euterpe profile`. Everything here reads files of `/proc` or asks the kernel, so it does not
//! belong on the thread of the actors.

mod cpu;
mod sampler;
mod tree;

pub use cpu::{Cpu, ended_children_cpu, ended_children_peak, own_cpu, process_cpu};
pub use sampler::{Sample, Sampled, Sampler};
pub use tree::{Memory, own_children};
