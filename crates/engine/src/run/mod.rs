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
//! [`serve`] and tells of its events by its [`reporter`]. Over a broker `hearing` hears of that, and `looks` asks storage where
//! nobody tells.

pub mod addressing;
pub mod arrivals;
mod doubtful;
mod dropped_names;
pub mod embedded;
#[cfg(feature = "amqp")]
pub mod fitting;
pub mod follow;
pub mod former;
pub mod found;
#[cfg(feature = "amqp")]
pub mod given_up;
#[cfg(feature = "amqp")]
pub mod hearing;
mod held_back;
pub mod ids;
pub mod in_hand;
pub mod intake;
mod last_look;
pub mod limit;
mod lines;
mod listed_for;
pub mod listing;
pub mod listings;
#[cfg(feature = "amqp")]
pub mod looks;
#[cfg(feature = "amqp")]
pub mod node_views;
pub mod outdated;
pub mod over;
pub mod passed;
#[cfg(feature = "amqp")]
pub mod queue_watch;
mod records;
#[cfg(feature = "amqp")]
pub mod remote;
pub mod report;
#[cfg(feature = "amqp")]
pub mod reporter;
pub mod resumption;
pub mod retrial;
#[cfg(feature = "amqp")]
pub mod retry_ends;
pub mod running;
mod seen;
#[cfg(feature = "amqp")]
pub mod serve;
pub mod sink;
pub mod statuses;
pub mod stream;
pub mod survey;
pub mod tally;
pub mod tracker;
#[cfg(test)]
mod two_jobs;
pub mod walk;
pub mod watch;
pub mod work_times;

use std::sync::Arc;

use euterpe_actors::events::Observer;

use crate::metrics::Metrics;
use crate::traces::Traces;

/// Adds to an observer what counts its events and what makes spans of them, where there is any, and in test builds the ledger
/// that the environment asks for.
fn watched(
    observer: Arc<dyn Observer>,
    metrics: Option<&Arc<Metrics>>,
    traces: Option<&Arc<Traces>>,
    node: &str,
) -> Arc<dyn Observer> {
    let observer = match metrics {
        Some(metrics) => metrics.beside(observer),
        None => observer,
    };
    let observer = match traces {
        Some(traces) => traces.beside(observer, node),
        None => observer,
    };
    #[cfg(feature = "faults")]
    return crate::faults::with_ledger(observer);
    #[cfg(not(feature = "faults"))]
    observer
}
