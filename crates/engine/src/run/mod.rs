//! How a run goes: what exists is listed, what is missing is fed to the pools, each entity is followed to its end.
//!
//! ```text
//! ids ──▶ survey: all there? ──yes──▶ counted as existing
//!                    │ no
//!                    ▼
//!        feeder ──▶ sink ──▶ broker ⇄ node        tracker ◀── events of the node
//! ```
//!
//! A feeder says what is sent: [`intake`] the entities of a new run, [`resumption`] what is open of an old one, [`retrial`]
//! the messages of dead letters. [`follow`] is the same for all of them: it runs the feeder over the broker of this process
//! ([`embedded`]) or over one whose nodes are elsewhere ([`remote`]), while somebody watches. Each of those nodes is a
//! [`serve`] and tells of its events by its [`reporter`].

pub mod addressing;
pub mod embedded;
pub mod follow;
#[cfg(feature = "amqp")]
pub mod given_up;
pub mod ids;
pub mod intake;
pub mod listings;
#[cfg(feature = "amqp")]
pub mod node_views;
pub mod over;
#[cfg(feature = "amqp")]
pub mod remote;
pub mod report;
#[cfg(feature = "amqp")]
pub mod reporter;
pub mod resumption;
pub mod retrial;
pub mod running;
#[cfg(feature = "amqp")]
pub mod serve;
pub mod sink;
pub mod survey;
pub mod tally;
pub mod tracker;
pub mod watch;

use std::sync::Arc;

use euterpe_actors::events::Observer;

/// Adds, in test builds, the ledger that the environment asks for beside an observer.
fn watched(observer: Arc<dyn Observer>) -> Arc<dyn Observer> {
    #[cfg(feature = "faults")]
    return crate::faults::with_ledger(observer);
    #[cfg(not(feature = "faults"))]
    observer
}
