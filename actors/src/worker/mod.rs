//! One worker: takes a delivery when it is free, brings its message to an outcome, takes the next.
//!
//! Read `lifecycle` first: the life of one message, from its arrival to its acknowledgement. The protocol is in `steps`
//! (what is to become of a message) and `settle` (carrying that out).

mod actor;
mod arrive;
mod claim;
mod decision;
mod executor;
mod give_up;
mod inputs;
mod lifecycle;
mod outputs;
mod pass_on;
mod pool_shared;
mod publish;
mod requests;
mod settle;
mod stamp;
mod steps;
mod work;

pub(crate) use actor::{Phase, Worker, WorkerStopped};
pub(crate) use executor::Executor;
pub(crate) use pool_shared::PoolShared;
