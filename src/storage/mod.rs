//! Where objects live: folders and buckets, adapters of the storage port, and the lock of a folder.

pub mod absent;
pub mod local;
pub mod lock;
pub mod s3;
