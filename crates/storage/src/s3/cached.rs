//! A copy of an object in a bucket: its bytes, in memory or in a file, and by what it is known to be the newest.

use bytes::Bytes;
use euterpe_actors::storage::Content;

use super::bucket::Placed;
use super::downloaded::{Downloaded, Print};

/// One version of an object.
#[derive(Debug)]
pub(super) struct Cached {
    pub etag: String,
    /// BLAKE3 of the content, where it is known.
    pub hash: Option<String>,
    pub size: u64,
    pub place: Place,
}

/// Where the bytes of a copy are.
#[derive(Debug)]
pub(super) enum Place {
    Memory(Bytes),
    File(Downloaded, Print),
}

impl Cached {
    pub fn content(&self) -> Content {
        match &self.place {
            Place::Memory(bytes) => Content::Bytes(bytes.clone()),
            Place::File(file, _) => Content::File(file.path().to_owned()),
        }
    }

    /// Whether nobody wrote to it.
    fn is_as_it_was(&self) -> bool {
        match &self.place {
            Place::Memory(_) => true,
            Place::File(file, print) => Print::of(file.path()).is_ok_and(|now| now == *print),
        }
    }

    /// Whether this is what lies in place, and as it was written.
    pub fn is(&self, placed: &Placed) -> bool {
        let plain = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let same_hash = match (&self.hash, placed.hash()) {
            (Some(here), Some(there)) => *here == there,
            _ => true,
        };
        plain(&self.etag) == plain(&placed.etag) && self.size == placed.info.size && same_hash && self.is_as_it_was()
    }
}
