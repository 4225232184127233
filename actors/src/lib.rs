//! x
pub mod broker;
pub mod ids;
pub mod message;
pub mod mutants;
pub mod outcome;
pub mod plan;
pub mod retry;
pub mod storage;
pub mod template;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod transform;
