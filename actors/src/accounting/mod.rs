//! How "nothing lost" is computed: from storage and records alone, never from counters and never from the broker.

mod accountant;
mod dead_targets;
mod forecast;
mod unsayable;
mod view;

pub use accountant::{Accountant, TargetStatus};
pub use forecast::{Expected, Fate, Forecaster};
pub use unsayable::{gone_jobs, is_taken};
pub use view::RunView;

pub use crate::addressing::{
    first_messages, forced, origins, origins_among, overflows, reached, required, required_from, resume_messages,
    roots, starts,
};
