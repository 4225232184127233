//! The stores of Euterpe: adapters of the storage port and of the claims port, over folders and buckets.
//!
//! Both kinds of stores keep the same promises, which one suite checks (`euterpe_testkit::storage_suite`): an object is
//! visible whole or not at all, its stamp appears together with its content, and a write never replaces an object with a
//! newer stamp. How each of them does so is said on the first page of its folder.
//!
//! ```text
//! local    folders: objects as files, stamps as attributes; claims as files; sweeping
//! s3       buckets: objects, stamps as metadata; a probe of what the server promises; claims and locks as leases;
//!          a read-through cache of objects on this machine
//! absent   a folder that is not there yet
//! pages    reading a listing while it goes on
//! swept    the result of a sweep
//! unrenewed leases whose time says nothing of their age
//! ```

pub mod absent;
pub mod local;
mod pages;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(not(feature = "s3"))]
#[path = "without_s3.rs"]
pub mod s3;
mod swept;
mod unrenewed;

pub use swept::Swept;
