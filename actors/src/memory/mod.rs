//! What a node remembers. All of it may be forgotten: the price is work or messages too many, never a lost entity.

mod confirmed;
mod doubt;
mod failures;
mod fingerprint;
mod in_flight;
mod known_recipes;
mod listed_dates;
mod passed_on;
mod pending_requests;
mod presence;
mod publish_ids;
mod setups;
mod sorted_times;
mod times;
mod tries;
mod unreadable_inputs;

pub use confirmed::ConfirmedOutputs;
pub use doubt::FormerOutputs;
pub(crate) use failures::KnownFailures;
pub use fingerprint::Fingerprint;
pub(crate) use in_flight::{HoldTurn, InFlight, TargetHold};
pub(crate) use known_recipes::KnownRecipes;
pub use listed_dates::{Glance, ListedDates, ListedPart};
pub(crate) use passed_on::{PassTurn, PassedOn, wake_up_key, wave_key};
pub(crate) use pending_requests::{AskTurn, PendingRequests};
pub use presence::Presence;
pub(crate) use publish_ids::PublishIds;
pub(crate) use setups::OtherSetups;
pub use sorted_times::{SortedTimes, UnsortedTimes};
pub(crate) use tries::NextTries;
pub(crate) use unreadable_inputs::UnreadableInputs;
