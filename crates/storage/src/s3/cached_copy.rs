//! A copy of one version of an object: its bytes, in memory or in a file, and how that version is recognised.

use bytes::Bytes;
use euterpe_actors::storage::Content;

use super::in_place::InPlace;
use super::scratch_file::{Fingerprint, ScratchFile};

/// A copy of one version of an object.
#[derive(Debug)]
pub(super) struct CachedCopy {
    pub etag: String,
    /// BLAKE3 of the content, where it is known.
    pub hash: Option<String>,
    pub size: u64,
    pub bytes: CopyBytes,
}

/// The bytes of a copy.
#[derive(Debug)]
pub(super) enum CopyBytes {
    Memory(Bytes),
    File(ScratchFile, Fingerprint),
}

impl CachedCopy {
    pub fn content(&self) -> Content {
        match &self.bytes {
            CopyBytes::Memory(bytes) => Content::Bytes(bytes.clone()),
            CopyBytes::File(file, _) => Content::File(file.path().to_owned()),
        }
    }

    /// Whether the file was not written to since.
    fn is_unchanged(&self) -> bool {
        match &self.bytes {
            CopyBytes::Memory(_) => true,
            CopyBytes::File(file, fingerprint) => Fingerprint::of(file.path()).is_ok_and(|now| now == *fingerprint),
        }
    }

    /// Whether this is a good copy of the object in place.
    pub fn is_copy_of(&self, in_place: &InPlace) -> bool {
        let plain = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let same_hash = match (&self.hash, in_place.hash()) {
            (Some(here), Some(there)) => *here == there,
            _ => true,
        };
        plain(&self.etag) == plain(&in_place.etag)
            && self.size == in_place.info.size
            && same_hash
            && self.is_unchanged()
    }
}
