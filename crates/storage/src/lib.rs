//! Where objects live: adapters of the storage port, and of the claims port, over folders and buckets.
//!
//! [`local`] has folders, claims in them and their sweeping; [`s3`] has buckets, what each was found to promise, leases in
//! them, and the cache of their objects on this machine; [`absent`] is a folder that nobody has made yet.

pub mod absent;
pub mod local;
#[cfg(feature = "s3")]
pub mod s3;
