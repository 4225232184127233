//! Where objects live: folders and buckets, adapters of the storage port; the lock of a folder, the home of a process.

pub mod absent;
pub mod home;
pub mod local;
pub mod lock;
pub mod s3;
