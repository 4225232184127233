//! Errors of stores: a kind, which decides what happens next, and a sentence for people.

use std::io::ErrorKind;

use thiserror::Error;

use super::object::Content;
use crate::node_trouble::{is_node_trouble, remedy};

/// Why a call of a store failed.
#[derive(Debug, Error)]
#[error("could not {action} {}: {source}", named(.path))]
pub struct StorageError {
    /// What kind of trouble, which decides what happens next.
    pub kind: StorageErrorKind,
    action: &'static str,
    path: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// The kinds of trouble with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// No such object.
    NotFound,
    /// The key cannot exist in this store: too long, leaves the root, a folder is in its place. Permanent.
    BadKey,
    /// No permission. Storage trouble: a person has to grant it.
    Denied,
    /// No room left. Storage trouble.
    Full,
    /// It is there, and its content makes no sense: torn, or of a newer version. Waiting does not help.
    Unreadable,
    /// Unreachable, throttled, its root is gone, an I/O error. Storage trouble.
    Unavailable,
    /// Another store lies in its place, or it was removed and made anew: what is known of it is worth nothing. Storage trouble,
    /// which may pass only if somebody puts the former one back.
    Replaced,
    /// The store refuses the request, and will refuse it until a person changes something. Storage trouble: it is told.
    Refused,
    /// This machine is out of something that it needs to ask the store: descriptors, memory, room for a download. Other
    /// nodes may be well.
    Machine,
}

impl StorageError {
    /// An error of a kind, for what was tried on which path. The message shows long paths cut, and escapes what could
    /// steer a terminal.
    pub fn new(
        kind: StorageErrorKind,
        action: &'static str,
        path: impl AsRef<str>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, action, path: shown(path.as_ref()), source: source.into() }
    }

    /// The content that was to be stored at `path` cannot be read: `NotFound` where it is not there at all or may
    /// not be read, `Machine` where this machine is out of something.
    pub fn unreadable(path: &str, content: &Content, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            // Waiting changes none of these.
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
                StorageErrorKind::NotFound
            }
            _ if is_node_trouble(error) => StorageErrorKind::Machine,
            _ => StorageErrorKind::Unavailable,
        };
        let what = match content {
            Content::Bytes(_) => "its bytes".to_owned(),
            Content::File(file) => format!("the new content `{}`", file.display()),
        };
        Self::new(kind, "store", path, format!("{what} cannot be read: {error}"))
    }

    /// An error of the thread on which a store was to be asked: `Machine` where none could be started.
    pub fn of_thread(action: &'static str, path: impl AsRef<str>, error: std::io::Error) -> Self {
        match remedy(&error) {
            Some(remedy) => Self::new(StorageErrorKind::Machine, action, path, format!("{error}; {remedy}")),
            None => Self::new(StorageErrorKind::Unavailable, action, path, error),
        }
    }

    /// Whether waiting may help: no attempt of the transform is spent on it.
    pub fn is_trouble(&self) -> bool {
        !matches!(self.kind, StorageErrorKind::NotFound | StorageErrorKind::BadKey | StorageErrorKind::Unreadable)
    }
}

/// What it was tried on.
fn named(path: &str) -> String {
    if path.is_empty() { "the store".to_owned() } else { format!("`{path}`") }
}

/// A path as a message shows it.
fn shown(path: &str) -> String {
    const MOST: usize = 120;
    let mut text = String::with_capacity(path.len().min(MOST) + 24);
    for c in path.chars().take(MOST) {
        match c {
            '\'' | '"' | '\\' => text.push(c),
            other => text.extend(other.escape_debug()),
        }
    }
    if path.chars().nth(MOST).is_some() {
        text.push_str(&format!("… ({} bytes)", path.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_whole_store_names_no_empty_path() {
        let error = |path| StorageError::new(StorageErrorKind::Denied, "probe", path, "AccessDenied").to_string();
        assert_eq!(error("t-1.npy"), "could not probe `t-1.npy`: AccessDenied");
        assert_eq!(error(""), "could not probe the store: AccessDenied");
    }
}
