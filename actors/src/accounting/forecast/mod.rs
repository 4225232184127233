//! What a run would do for an entity, without doing it: the worker's rules, applied without their effects.

mod fate;
mod forecaster;
mod needs;

pub use fate::{Expected, Fate};
pub use forecaster::Forecaster;
