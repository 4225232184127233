//! The format of a record: each says in which one it is written, so that a newer one is never half-read.
//!
//! Records without the field are of the first format: former versions wrote none. The second format is that of dead letters
//! whose key says their reason and time: a version that does not know such keys says so, and does not count them wrong. Two
//! kinds of record have no room for the field, a list of ids (`entities/*`) and a list of setups (`superseded.json`): a newer
//! format of these has another name, or is a JSON object.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::storage::{StorageError, StorageErrorKind};

/// The newest format that this version reads.
const NEWEST: u64 = 2;

/// The format of nearly all records.
pub(super) const PLAIN: u64 = 1;

/// The format of dead letters whose key says their reason and time.
pub(super) const LETTER: u64 = 2;

/// A record as it is written.
#[derive(Serialize)]
struct Written<'r, T> {
    format: u64,
    #[serde(flatten)]
    record: &'r T,
}

/// What is read of a record first.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: Option<Value>,
}

/// The text of a record, with its format.
pub(super) fn write<T: Serialize>(format: u64, record: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec_pretty(&Written { format, record })
}

/// The record in a text.
///
/// # Errors
/// [`StorageErrorKind::Unreadable`] where it is torn, or of a newer format.
pub(super) fn read<T: DeserializeOwned>(key: &str, text: &[u8]) -> Result<T, StorageError> {
    if let Some(format) = newer_format(text) {
        let why = format!("written by a newer euterpe (format {format}), this one reads up to {NEWEST}");
        return Err(StorageError::new(StorageErrorKind::Unreadable, "read", key, why));
    }
    serde_json::from_slice(text).map_err(|error| unreadable(key, error))
}

/// The format of a record that is newer than what this version reads. One that is no number, no version up to this one wrote.
pub(super) fn newer_format(text: &[u8]) -> Option<Value> {
    if !text.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let format = serde_json::from_slice::<Head>(text).ok()?.format?;
    format.as_u64().is_none_or(|number| number > NEWEST).then_some(format)
}

/// The error of a record that is there and makes no sense.
pub(super) fn unreadable(key: &str, why: impl std::fmt::Display) -> StorageError {
    let why = format!("it is torn, or a newer version wrote it: {why}");
    StorageError::new(StorageErrorKind::Unreadable, "read", key, why)
}
