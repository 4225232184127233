//! What other programs publish: a body becomes a message for the job in whose queue it lies, or a sentence that says why not.
//!
//! `text/plain` is an entity id: the job is done for it, then the job's children, like a run that starts at this job.
//! `application/json` says more, see [`schema()`]. A body may be as long as a message, and no bytes make the reader panic.

mod json;
mod message;
mod publish_id;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod text;

pub use message::{ForeignMessage, Unreadable};
pub use publish_id::{PublishId, digest};
pub use read::read;
pub use schema::schema;
pub(crate) use text::run_ahead;
