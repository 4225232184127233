//! The claims port: nodes agree on which of them works on a target, so that no work is done twice.
//!
//! A claim saves cost and nothing else. Without one, after one was lost, or with two for one target, work is done twice
//! and the results are the same: storage alone says what is done, and a write never lowers a stamp.

mod claim;
mod lease;
pub mod memory;
mod port;

pub use claim::{Claim, OnLost};
pub use lease::{Lease, Leased};
pub use port::{Claimed, Claims, TTL};
