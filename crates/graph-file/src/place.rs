//! A place for the records of runs as it is typed: a folder, or a part of a bucket.

use std::path::{Path, PathBuf};

use super::check::bucket;
use super::plan::{Location, Plan};
use super::problem::printable;

/// The place that a text names: a folder, relative to where one is, or `s3://bucket/prefix`.
///
/// # Errors
/// What is wrong with it.
pub fn place(text: &str) -> Result<Location, String> {
    match text.split_once("://") {
        Some(("s3", rest)) => {
            let (bucket, prefix) = bucket(rest)?;
            Ok(Location::S3 { bucket, prefix, endpoint: None, region: None })
        }
        Some((scheme, _)) => {
            let scheme = printable(&scheme.chars().take(20).collect::<String>());
            Err(format!("nothing is kept by `{scheme}://`; write a folder or `s3://bucket/prefix`"))
        }
        None if text.starts_with("s3:") => Err("write `s3://bucket/prefix`".into()),
        None if text.is_empty() => Err("write a folder or `s3://bucket/prefix`".into()),
        None => Ok(Location::Folder { path: PathBuf::from(text), fsync: true }),
    }
}

impl Location {
    /// The folder or the part of the bucket of this name in it.
    pub fn below(&self, name: &str) -> Self {
        match self {
            Location::Folder { path, fsync } => Location::Folder { path: path.join(name), fsync: *fsync },
            Location::S3 { bucket, prefix, endpoint, region } => {
                let slash = if prefix.is_empty() { "" } else { "/" };
                let prefix = format!("{prefix}{slash}{name}");
                Location::S3 { bucket: bucket.clone(), prefix, endpoint: endpoint.clone(), region: region.clone() }
            }
        }
    }

    /// The folder, if it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Location::Folder { path, .. } => Some(path),
            Location::S3 { .. } => None,
        }
    }

    /// The same on the server on which the graph file has this bucket, where one of its stores is in it.
    pub fn on_the_server_of(self, plan: &Plan) -> Self {
        let Location::S3 { bucket, prefix, .. } = &self else { return self };
        let same = plan.stores.iter().find_map(|store| match &store.location {
            Location::S3 { bucket: other, endpoint, region, .. } if other == bucket => Some((endpoint, region)),
            _ => None,
        });
        match same {
            Some((endpoint, region)) => Location::S3 {
                bucket: bucket.clone(),
                prefix: prefix.clone(),
                endpoint: endpoint.clone(),
                region: region.clone(),
            },
            None => self,
        }
    }

    /// Whether every key in this part of a bucket is one of `store`, so that whoever lists the store finds it there.
    pub fn lies_openly_in(&self, store: &Location) -> bool {
        let (Location::S3 { bucket, prefix, .. }, Location::S3 { bucket: other, prefix: outer, .. }) = (self, store)
        else {
            return false;
        };
        let below = match outer.as_str() {
            "" => Some(prefix.as_str()),
            outer => prefix.strip_prefix(outer).filter(|rest| rest.is_empty() || rest.starts_with('/')),
        };
        bucket == other && below.is_some_and(|below| !below.split('/').any(|segment| segment == ".euterpe"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(typed: &str) -> Result<String, String> {
        place(typed).map(|place| place.below("graph").text())
    }

    #[test]
    fn a_folder_or_a_bucket_is_a_place_and_nothing_else() {
        assert_eq!(text("st").as_deref(), Ok("st/graph"));
        assert_eq!(text("s3://bucket").as_deref(), Ok("s3://bucket/graph"));
        assert_eq!(text("s3://bucket/a/b/").as_deref(), Ok("s3://bucket/a/b/graph"));
        for wrong in ["", "s3:bucket", "s3://B", "s3://me@bucket", "ftp://x", "s3://bucket/a//b"] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_lies_in_a_store_is_found_unless_a_folder_of_our_own_hides_it() {
        let lies =
            |place_: &str, store: &str| place(place_).expect("a place").lies_openly_in(&place(store).expect("a place"));
        assert!(lies("s3://bucket/a", "s3://bucket") && lies("s3://bucket/a/b", "s3://bucket/a"));
        assert!(lies("s3://bucket/a", "s3://bucket/a"));
        assert!(!lies("s3://bucket/ab", "s3://bucket/a") && !lies("s3://other/a", "s3://bucket"));
        assert!(!lies("s3://bucket/a/.euterpe", "s3://bucket/a") && !lies("s3://bucket/a", "s3://bucket/a/b"));
    }
}
