//! A copy of one version of an object: its bytes, in memory or in a file, and how that version is recognised.

use std::io;

use bytes::Bytes;
use euterpe_actors::node_trouble::is_node_trouble;
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
    ///
    /// # Errors
    /// The machine is out of something, so that nothing can be said of the file.
    fn is_unchanged(&self) -> io::Result<bool> {
        match &self.bytes {
            CopyBytes::Memory(_) => Ok(true),
            CopyBytes::File(file, fingerprint) => is_still(*fingerprint, Fingerprint::of(file.path())),
        }
    }

    /// Whether this is a good copy of the object in place.
    ///
    /// # Errors
    /// The machine is out of something, so that nothing can be said of the copy.
    pub fn is_copy_of(&self, in_place: &InPlace) -> io::Result<bool> {
        let plain = |etag: &str| etag.trim_start_matches("W/").trim_matches('"').to_owned();
        let same_hash = match (&self.hash, in_place.hash()) {
            (Some(here), Some(there)) => *here == there,
            _ => true,
        };
        let is_same = plain(&self.etag) == plain(&in_place.etag) && self.size == in_place.info.size && same_hash;
        if is_same { self.is_unchanged() } else { Ok(false) }
    }
}

/// Whether a file that had one fingerprint still has it.
fn is_still(before: Fingerprint, now: io::Result<Fingerprint>) -> io::Result<bool> {
    match now {
        Ok(now) => Ok(now == before),
        Err(error) if is_node_trouble(&error) => Err(error),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_machine_that_is_out_of_something_says_nothing_of_a_copy() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let now = || Fingerprint::of(file.path());
        let before = now().expect("there");
        assert!(is_still(before, now()).expect("looked"));
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN] {
            assert!(is_still(before, Err(errno.into())).is_err(), "{errno}");
        }
        for errno in [Errno::NOENT, Errno::IO] {
            assert!(!is_still(before, Err(errno.into())).expect("it is gone"), "{errno}");
        }
    }
}
