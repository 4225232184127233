//! What tests are made of: one suite per port, toy transforms and the seeded simulator.

pub mod broker_suite;
pub mod claims_suite;
pub mod sim;
pub mod storage_suite;
