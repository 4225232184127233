//! An object in place: what the server says of it.

use euterpe_actors::storage::ObjectInfo;

/// An object in place.
#[derive(Debug)]
pub(super) struct InPlace {
    pub info: ObjectInfo,
    /// The ETag, which differs for each content under the key.
    pub etag: String,
}

impl InPlace {
    /// The hash of the content, where a stamp holds it.
    pub fn hash(&self) -> Option<String> {
        self.info.stamp.as_ref().map(|stamp| stamp.hash.clone()).filter(|hash| !hash.is_empty())
    }
}
