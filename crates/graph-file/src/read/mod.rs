//! Reads the tree of a graph file into the written form; every wrong shape and unknown key is a problem.

mod fields;
mod graph_file;
mod job;

pub use fields::listed;
pub use graph_file::graph_file;
