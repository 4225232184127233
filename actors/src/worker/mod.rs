//! One worker: takes a delivery when it is free, brings its message to an outcome, takes the next.
//!
//! Read `lifecycle` first: the life of one message, from its arrival to its acknowledgement, and how a decision is carried
//! out. The protocol is in `steps`: what is to become of a message.

mod actor;
mod arrive;
mod awaited;
mod claim;
mod cores;
mod decision;
mod executor;
mod give_up;
mod in_work;
mod input_files;
mod inputs;
mod lifecycle;
mod machine;
mod outputs;
mod pass_on;
mod patience;
mod pause;
mod phase;
mod pool_shared;
mod requests;
mod setup;
mod span;
mod stamp;
mod steps;
mod stopwatch;
mod unknown_waiters;
mod work;

pub(crate) use actor::{Worker, WorkerStopped};
pub(crate) use executor::Executor;
pub(crate) use phase::{Phase, PhaseSwitch};
pub(crate) use pool_shared::PoolShared;
