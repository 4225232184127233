//! Child processes: transforms that run in them, and what keeps them from harming or outliving a node.
//!
//! ```text
//! python ──▶ worker ──▶ children ◀── command        transforms: a Python function, a program that stays, a program for
//!               │           ▲                       each entity
//!               └▶ isolated ┘                       suspect work of any transform, in a child of this binary
//! home, lock                                        the folders of this process, and who may write to a state
//! ```
//!
//! [`children`] has what all of them need: groups that end together, marks by which what escaped is found, limits.

pub mod children;
pub mod command;
pub mod home;
pub mod isolated;
pub mod lock;
pub mod python;
pub mod worker;

use std::sync::Arc;

use euterpe_actors::transform::{Registry, SampleCodec};

/// Adds the transforms of this crate. Workers get tracks as samples by way of `codec`, where the program has one.
pub fn register(registry: &mut Registry, codec: Option<Arc<dyn SampleCodec>>) {
    registry.register(command::entry());
    registry.register(worker::entry(codec));
}
