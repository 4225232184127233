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
    /// The entity whose output it is; none for a source.
    pub owner: Option<Arc<str>>,
    /// Other paths under which the object may lie since former versions of the program, or a store with other rules.
    pub former: Vec<Arc<str>>,
}

impl ObjectKey {
    /// The key of `path` in `store`.
    pub fn new(store: StoreName, path: impl Into<Arc<str>>) -> Self {
        Self { store, path: path.into(), owner: None, former: Vec::new() }
    }

    /// The key of an output of `owner`, which may also lie at the paths `former`.
    pub fn of_output(store: StoreName, path: String, owner: &str, former: Vec<String>) -> Self {
        Self {
            store,
            path: path.into(),
            owner: Some(owner.into()),
            former: former.into_iter().map(Into::into).collect(),
        }
    }

    /// The paths under which the object may lie.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.path).chain(self.former.iter().map(|path| &**path))
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
