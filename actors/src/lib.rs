//! x
pub mod broker;
pub mod ids;
pub mod message;
pub mod outcome;
pub mod plan;
pub mod retry;
pub mod storage;
pub mod template;
pub mod transform;
