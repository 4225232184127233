//! The verbs, a file or folder for each.

#[cfg(not(feature = "amqp"))]
pub mod absent;
pub mod cluster;
pub mod completions;
pub mod config_show;
pub mod create;
pub mod credentials;
pub mod dead;
#[cfg(feature = "amqp")]
pub mod deploy;
pub mod explain;
pub mod gc;
pub mod graph;
pub mod lint;
#[cfg(feature = "amqp")]
pub mod node;
pub mod plan;
#[cfg(feature = "amqp")]
pub mod publish;
pub mod run;
pub mod runs;
pub mod schema;
#[cfg(feature = "amqp")]
pub mod status;
pub mod test;
pub mod verify;
