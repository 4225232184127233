//! The settings of a store in a bucket.

use std::{path::PathBuf, time::Duration};

use aws_sdk_s3::config::SharedCredentialsProvider;

use super::cache::Cache;

/// A part of a bucket that is a store.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// The start of every key, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The server that the graph file names. Without it the SDK decides: by the environment, or Amazon's.
    pub endpoint: Option<String>,
    /// The region. Without it the SDK decides.
    pub region: Option<String>,
    /// The folder for objects that are too large to be held in memory. It is made when it is needed.
    pub scratch: PathBuf,
    /// The cache of objects on this machine, if there is one; its files are in `scratch`.
    pub cache: Option<Cache>,
    /// The credentials, where an embedding program gives them. Without them the SDK finds some.
    pub identity: Option<SharedCredentialsProvider>,
    /// Sizes and times.
    pub tuning: Tuning,
}

impl S3Settings {
    /// The location, for people.
    pub(super) fn place(&self) -> String {
        let url = match self.prefix.as_str() {
            "" => format!("s3://{}", self.bucket),
            prefix => format!("s3://{}/{prefix}", self.bucket),
        };
        self.endpoint.as_ref().map_or_else(|| url.clone(), |endpoint| format!("{url} at {endpoint}"))
    }
}

/// Sizes and times of a store's requests.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// From how many bytes on an object is uploaded in parts.
    pub in_parts_from: u64,
    /// How many bytes a part has, of uploads and of downloads; at least 5 MiB for most servers.
    pub part: u64,
    /// How many requests move bytes at once, over all objects of the store.
    pub at_once: usize,
    /// How long an answer is waited for, and then each further piece of its body.
    pub patience: Duration,
    /// How often a request is tried at the most.
    pub tries: u32,
    /// The wait before a write whose condition did not hold is tried again; each further one is twice as long, up to a second.
    pub round: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            in_parts_from: 16 << 20,
            part: 8 << 20,
            at_once: 8,
            patience: Duration::from_secs(15),
            tries: 5,
            round: Duration::from_millis(20),
        }
    }
}
