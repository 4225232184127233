//! Opens a part of a bucket as a store.

use std::path::Path;

#[cfg(not(feature = "s3"))]
use anyhow::bail;
use euterpe_graph_file::plan::Location;
use euterpe_storage::s3::{Cache, S3Storage};
#[cfg(feature = "s3")]
use euterpe_storage::s3::{S3Settings, Tuning};

/// Opens the part of a bucket at `location`; what is too large for memory is downloaded into the folder `downloads`.
///
/// # Errors
/// Never: nothing is asked of the server yet.
#[cfg(feature = "s3")]
pub(super) fn open(location: &Location, downloads: &Path, cache: Option<&Cache>) -> anyhow::Result<S3Storage> {
    let Location::S3 { bucket, prefix, endpoint, region } = location.clone() else {
        anyhow::bail!("{} is no bucket", location.text());
    };
    let (scratch, cache, tuning) = (downloads.to_owned(), cache.cloned(), Tuning::default());
    Ok(S3Storage::new(S3Settings { bucket, prefix, endpoint, region, scratch, cache, identity: None, tuning }))
}

/// Says that there are no buckets.
///
/// # Errors
/// Always.
#[cfg(not(feature = "s3"))]
pub(super) fn open(location: &Location, _: &Path, _: Option<&Cache>) -> anyhow::Result<S3Storage> {
    bail!(
        "{} cannot be used: this program was built without the feature `s3`; build it with \
         `cargo install --features s3`, or use a folder",
        location.text()
    );
}

/// A cache of so many bytes, where the program can have one.
pub(super) fn cache_of(bytes: u64) -> Option<Cache> {
    #[cfg(feature = "s3")]
    return Some(Cache::of(bytes));
    #[cfg(not(feature = "s3"))]
    Cache::of(bytes)
}
