//! What tests are made of: one suite for each port, work for transforms, a store of any size, and the seeded simulator.
//!
//! An adapter passes the suite of its port: [`broker_suite`], [`mod@claims_suite`], [`mod@storage_suite`]. The
//! simulator ([`sim`]) runs the production actors in a world in which everything happens when a seed says so; the suite that runs
//! its seeds is `tests/simulator.rs` of this crate.

pub mod broker_suite;
pub mod claims_suite;
pub mod letters;
pub mod made_up;
pub mod sim;
pub mod storage_suite;
pub mod work;
