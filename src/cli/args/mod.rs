//! Flags that several verbs share, and their meaning.

mod broker;
mod cache;
mod entities;
mod graph_file;
mod memory;
mod metrics;
mod place;
mod prices;
mod select;
mod traces;

#[cfg(feature = "amqp")]
pub use broker::PATIENCE;
pub use broker::{BrokerArgs, duration};
pub use cache::CacheArgs;
pub use entities::Entities;
pub use graph_file::{GraphFile, show_problems};
pub use memory::MemoryArgs;
#[cfg(feature = "ui")]
pub use metrics::address as listen_address;
pub use metrics::{MetricsArgs, serve_metrics};
pub use place::{Place, wait_for};
pub use prices::Prices;
pub use select::{Machine, Select};
pub use traces::{Asked as TracesAsked, TracesArgs};
