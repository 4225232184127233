//! The seeded simulator: production actors in a world in which everything happens when the seed says so.
//!
//! One thread, paused time. Each call of a store, of the broker or of a transform stays under way until the schedule
//! ends it, when everything else waits. Which call ends next, and how, is drawn from the seed. So are the graph, what is
//! submitted, what was there before, and the faults: nodes crash in the middle of calls and start again, or are taken for
//! dead and go on; messages come twice, late and in any order; confirms are lost; stores refuse calls, are out or answer
//! wrongly; outputs are deleted; transforms fail, panic, hang and decline.
//!
//! When nothing is left to happen, everything that was submitted must be accounted for, from the stores alone:
//! [`simulate`] reports each rule that does not hold. The same seed gives the same [`Report`], its trace included.

mod changes;
mod checks;
mod cluster;
mod compare;
mod contents;
mod current;
mod execution_log;
mod existing;
mod faults;
mod final_state;
mod graph;
mod incarnation;
mod injection;
mod listing;
mod queues;
mod requirements;
mod scenario;
mod schedule;
mod sim_broker;
mod sim_claims;
mod sim_storage;
mod sim_transform;
mod simulation;
mod state;
mod trace;
mod versions;
mod world;

pub use changes::simulate_changes;
pub use simulation::{Report, simulate};
