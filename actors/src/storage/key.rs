//! Keys of objects: a store and a path within it.

use std::{fmt, sync::Arc};

use crate::ids::StoreName;

/// Bytes in a store, under a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// The store, as the graph file names it.
    pub store: StoreName,
    /// The path within the store, with `/` between segments and none at either end.
    pub path: Arc<str>,
}

impl ObjectKey {
    /// The key of `path` in `store`.
    pub fn new(store: StoreName, path: impl Into<Arc<str>>) -> Self {
        Self { store, path: path.into() }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store, self.path)
    }
}

/// Whether `path` can be a key in any store: segments with `/` between them, none empty, `.` or `..`, no NUL.
pub fn is_key(path: &str) -> bool {
    !path.contains('\0') && !path.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}
