//! Where objects live: folders and buckets, adapters of the storage port; who holds a folder, and which process that is.

pub mod absent;
pub mod local;
pub mod lock;
pub mod process;
pub mod s3;
