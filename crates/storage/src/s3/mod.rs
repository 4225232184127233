//! Objects in a bucket, on any server that speaks S3.
//!
//! A key is the path of the object behind the store's prefix. Every object appears in one step: one PUT, or a multipart
//! upload that is completed. The stamp is metadata of the object (`stamps`). Every write has a condition, on the ETag of the
//! object that it may replace or on there being none (`write`), so of several nodes that write at once none overwrites what
//! it has not seen. Calls run on threads of their own (`runtime`); the SDK tries again what fails on the way.
//!
//! ```text
//! storage                     the store: the port, and the sweeps
//! claims, lock                leases as claims and as the lock of a state
//! sweep, sweep_leases         uploads and leases of dead processes
//! probe                       which promises of S3 a server keeps
//! lease, age                  a lease on a key; its age by the server's clock
//! write, parts, measure       put an object in place; in parts; hash and checksums first
//! read, buffers               one version of an object, into memory or a file
//! read_through                the cache, asked before the server
//! list, bucket, answering     list; look and delete; tell absence from a server that is away
//! stamps                      metadata
//! cache, cached_copy          copies on this machine
//! client, resolver, credentials   a client of the SDK
//! error, remedies             what an answer means; what to do about it
//! settings, keys, condition, checksums, findings, in_place, scratch_file, runtime
//! ```

mod age;
mod answering;
mod bucket;
mod buffers;
mod cache;
mod cache_usage;
mod cached_copy;
mod checksums;
mod claims;
mod client;
mod condition;
mod credentials;
mod error;
#[cfg(test)]
mod fake_server;
mod findings;
mod in_place;
mod key_ranges;
mod keys;
mod lease;
mod list;
#[cfg(test)]
mod list_tests;
mod lock;
mod measure;
mod parts;
mod probe;
mod read;
mod read_through;
#[cfg(test)]
mod refusal_tests;
mod remedies;
mod resolver;
mod runtime;
mod scratch_file;
mod settings;
mod stamps;
mod storage;
mod sweep;
mod sweep_leases;
mod write;

pub use cache::Cache;
pub use cache_usage::CacheUsage;
pub use claims::BucketClaims;
pub use findings::{ConditionSupport, Findings};
pub use lock::{BucketLock, BucketLockError};
pub use runtime::wait;
pub use settings::{S3Settings, Tuning};
pub use storage::S3Storage;
