//! Is an object whole? Its content hashed again and compared with its stamp.

use super::error::{StorageError, StorageErrorKind};
use super::port::Storage;

/// What hashing an object again showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wholeness {
    /// The content is what its stamp says.
    Whole,
    /// Something else lies there: half written, or changed by others.
    Broken {
        /// The hash in the stamp; none where that is of a file of another size.
        stamped: Option<String>,
        /// The hash of the content.
        found: String,
    },
    /// No stamp, so nothing to compare with: a foreign object.
    Unstamped,
    /// No object.
    Missing,
}

/// Reads the object at `path` and compares its hash (BLAKE3, hexadecimal) with that of its stamp.
///
/// An object that is replaced while it is read is read again.
///
/// # Errors
/// The store's own, and `Unavailable` where the content cannot be read.
pub async fn check_whole(store: &dyn Storage, path: &str) -> Result<Wholeness, StorageError> {
    loop {
        let object = match store.open(path).await {
            Ok(object) => object,
            Err(error) if error.kind == StorageErrorKind::NotFound => return Ok(Wholeness::Missing),
            Err(error) => return Err(error),
        };
        let (stamped, is_overwritten) =
            (object.info.stamp.as_ref().map(|stamp| &stamp.hash), object.info.is_overwritten);
        if stamped.is_none() && !is_overwritten {
            return Ok(Wholeness::Unstamped);
        }
        let found = match object.content.read() {
            Ok(content) => blake3::hash(&content).to_hex().to_string(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue, // removed since: look again
            Err(error) => return Err(StorageError::new(StorageErrorKind::Unavailable, "read", path, error)),
        };
        if stamped == Some(&found) {
            return Ok(Wholeness::Whole);
        }
        if store.look(path).await?.as_ref() == Some(&object.info) {
            return Ok(Wholeness::Broken { stamped: stamped.cloned(), found });
        }
    }
}
