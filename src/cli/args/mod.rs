//! Flags that several verbs share, and their meaning.

mod broker;
mod cache;
mod graph_file;
mod place;
mod select;

pub use broker::{BrokerArgs, PATIENCE, duration};
pub use cache::CacheArgs;
pub use graph_file::GraphFile;
pub use place::{Place, wait_for};
pub use select::{Machine, Select};
