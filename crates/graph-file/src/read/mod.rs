//! Reads the tree of a graph file into its written form. Every wrong shape and unknown key is a problem.

mod fields;
mod graph_file;
mod job;

pub use graph_file::graph_file;
