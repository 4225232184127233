//! Child processes: how they end, what ends with them, and what they may take.

mod ending;
mod environment;
mod group;
mod keeper;
mod mark;
mod memory;
mod tether;

pub(super) use ending::how_it_ended;
pub(super) use environment::{inherit, scrub};
pub(super) use group::{Deadline, Ended, Group, signal_group};
pub(super) use keeper::Kept;
pub use keeper::{VERB as KEEPER, enable as enable_keeper, keep};
pub(super) use mark::Mark;
pub(super) use memory::{resident, resident_of_all};
pub(super) use tether::{fenced_in, tethered};
