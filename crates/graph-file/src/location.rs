//! Where objects live: a folder, or a part of a bucket.

use std::path::{Path, PathBuf};

use euterpe_actors::ids::StoreName;

use super::position::Position;
use super::wording::printable;

/// A store: a place where objects live.
#[derive(Clone, Debug)]
pub struct Store {
    /// Its name.
    pub name: StoreName,
    /// Its location.
    pub location: Location,
    /// Whether links may lead out of its folder.
    pub follow_links: bool,
    /// Its position in the file; line 0 where a flag gave it.
    pub position: Position,
}

impl Store {
    /// Whether a flag gave its location, and not the file.
    pub fn is_given(&self) -> bool {
        self.position == Position::default()
    }
}

/// Where a store, or the state folder, is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder {
        /// Its absolute path.
        path: PathBuf,
        /// Whether writes reach the disk before they count.
        fsync: bool,
    },
    /// A bucket.
    S3 {
        /// Its name.
        bucket: String,
        /// The start of every key, without slashes at its ends; may be empty.
        prefix: String,
        /// The server, where it is not Amazon's.
        endpoint: Option<String>,
        /// The region.
        region: Option<String>,
    },
}

impl Location {
    /// Reads a location as it is typed: a folder, relative to the working folder, or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// What is wrong with the text, in a sentence.
    pub fn parse(text: &str) -> Result<Location, String> {
        match text.split_once("://") {
            Some(("s3", rest)) => {
                let (bucket, prefix) = bucket_and_prefix(rest)?;
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

    /// The location as a person would write it.
    pub fn text(&self) -> String {
        match self {
            Location::Folder { path, .. } => path.display().to_string(),
            Location::S3 { bucket, prefix, .. } if prefix.is_empty() => format!("s3://{bucket}"),
            Location::S3 { bucket, prefix, .. } => format!("s3://{bucket}/{prefix}"),
        }
    }

    /// The folder, or the part of the bucket, called `name` in this one.
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

    /// The path of the folder; `None` for a bucket.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Location::Folder { path, .. } => Some(path),
            Location::S3 { .. } => None,
        }
    }

    /// The same with the server and region of the first store in this bucket, if one of `stores` is in it.
    pub fn on_the_server_of(self, stores: &[Store]) -> Self {
        let Location::S3 { bucket, prefix, .. } = &self else { return self };
        let same = stores.iter().find_map(|store| match &store.location {
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

    /// Whether the keys in this part of a bucket appear in the listings of `store`.
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

/// Reads what follows `s3://`: the bucket and the prefix.
///
/// # Errors
/// What is wrong with it, in a sentence.
pub(crate) fn bucket_and_prefix(rest: &str) -> Result<(String, String), String> {
    if rest.contains('@') {
        return Err(
            "credentials do not belong in a graph file; give them by the AWS variables of the environment".into()
        );
    }
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) {
        let shown = printable(&bucket.chars().take(70).collect::<String>());
        return Err(format!("`{shown}` is no bucket: 3 to 63 of a-z, 0-9, `-` and `.`"));
    }
    let prefix = prefix.trim_matches('/');
    if !prefix.is_empty() && prefix.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("a prefix has no empty, `.` or `..` segment between slashes".into());
    }
    Ok((bucket.into(), prefix.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(typed: &str) -> Result<String, String> {
        Location::parse(typed).map(|location| location.below("graph").text())
    }

    #[test]
    fn a_folder_or_a_bucket_is_a_location_and_nothing_else() {
        assert_eq!(text("st").as_deref(), Ok("st/graph"));
        assert_eq!(text("s3://bucket").as_deref(), Ok("s3://bucket/graph"));
        assert_eq!(text("s3://bucket/a/b/").as_deref(), Ok("s3://bucket/a/b/graph"));
        for wrong in ["", "s3:bucket", "s3://B", "s3://me@bucket", "ftp://x", "s3://bucket/a//b"] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_lies_in_a_store_is_found_unless_a_folder_of_our_own_hides_it() {
        let location = |text: &str| Location::parse(text).expect("a location");
        let lies = |inner: &str, store: &str| location(inner).lies_openly_in(&location(store));
        assert!(lies("s3://bucket/a", "s3://bucket") && lies("s3://bucket/a/b", "s3://bucket/a"));
        assert!(lies("s3://bucket/a", "s3://bucket/a"));
        assert!(!lies("s3://bucket/ab", "s3://bucket/a") && !lies("s3://other/a", "s3://bucket"));
        assert!(!lies("s3://bucket/a/.euterpe", "s3://bucket/a") && !lies("s3://bucket/a", "s3://bucket/a/b"));
    }
}
