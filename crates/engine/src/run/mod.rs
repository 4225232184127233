//! One run: what exists is listed, what is missing is fed to the pools, each entity followed to its end.
//!
//! ```text
//! ids ──▶ survey: all there? ──yes──▶ counted as existing
//!                    │ no
//!                    ▼
//!         feed ──▶ broker ⇄ node        tracker ◀── events of the node
//! ```
//!
//! [`embedded`] has broker and node in this process. [`remote`] publishes to a broker whose nodes are elsewhere, each of
//! which is a [`serve`], and hears of their events from their [`reporter`]s.

use std::sync::Arc;

use euterpe_actors::events::Observer;

pub mod embedded;
pub mod feed;
mod fuse;
pub mod ids;
pub mod intake;
pub mod remote;
pub mod report;
pub mod reporter;
pub mod serve;
pub mod standing;
pub mod survey;
pub mod tally;
pub mod tracker;

pub use embedded::{Ended, Request, Stop, run};
pub use ids::{Found, Ids, Listing};
pub use intake::Intake;
pub use tally::{JobTally, Tally};
pub use tracker::Tracker;

/// Who watches a node; in test builds with a ledger beside, where one is asked for.
fn watched(observer: Arc<dyn Observer>) -> Arc<dyn Observer> {
    #[cfg(feature = "faults")]
    return crate::faults::with_ledger(observer);
    #[cfg(not(feature = "faults"))]
    observer
}
