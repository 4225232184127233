//! The broker port: queues of encoded messages, at least once.

mod delivery;
mod format;
pub mod in_process;
mod port;

pub use delivery::{Delivery, Ticket};
pub use format::{BodyFormat, ForeignProperties};
pub use port::{Broker, BrokerError, Outgoing, Subscription};
