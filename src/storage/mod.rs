//! Where objects live: folders and buckets, adapters of the storage port; who holds a folder, which process that is, and the
//! home of a process.

pub mod absent;
pub mod home;
pub mod local;
pub mod lock;
pub mod process;
pub mod s3;
