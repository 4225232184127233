//! One run on one machine: what exists is listed, what is missing is fed to the pools, each entity followed to its end.
//!
//! ```text
//! ids ──▶ survey: all there? ──yes──▶ counted as existing
//!                    │ no
//!                    ▼
//!         feed ──▶ broker ⇄ node        tracker ◀── events of the node
//! ```

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
