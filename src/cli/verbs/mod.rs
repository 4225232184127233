//! The verbs, a file or folder for each.

pub mod completions;
pub mod config_show;
pub mod create;
pub mod dead;
pub mod explain;
pub mod gc;
pub mod graph;
pub mod lint;
pub mod node;
pub mod plan;
pub mod publish;
pub mod run;
pub mod runs;
pub mod schema;
pub mod status;
pub mod test;
pub mod verify;
