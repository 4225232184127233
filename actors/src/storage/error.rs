//! Errors of stores: a kind, which decides what happens next, and a sentence for people.

use thiserror::Error;

use super::object::Content;

/// Why a call of a store failed.
#[derive(Debug, Error)]
#[error("could not {action} `{path}`: {source}")]
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
    /// Unreachable, throttled, its root is gone, an I/O error. Storage trouble.
    Unavailable,
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

    /// The content that was to be stored at `path` cannot be read: `NotFound` where it is not there at all.
    pub fn unreadable(path: &str, content: &Content, error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => StorageErrorKind::NotFound,
            _ => StorageErrorKind::Unavailable,
        };
        let what = match content {
            Content::Bytes(_) => "its bytes".to_owned(),
            Content::File(file) => format!("the new content `{}`", file.display()),
        };
        Self::new(kind, "store", path, format!("{what} cannot be read: {error}"))
    }

    /// Whether waiting may help: no attempt of the transform is spent on it.
    pub fn is_trouble(&self) -> bool {
        matches!(self.kind, StorageErrorKind::Denied | StorageErrorKind::Full | StorageErrorKind::Unavailable)
    }
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
