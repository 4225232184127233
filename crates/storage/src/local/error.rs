//! Errors below a folder: converts the system's error numbers to the kinds of the port, each with a sentence.

use std::io;

use euterpe_actors::node_trouble::remedy;
use euterpe_actors::storage::{Content, StorageError, StorageErrorKind};
use rustix::io::Errno;

/// A failed call, without the key that it was for.
#[derive(Debug)]
pub(super) enum LocalError {
    /// The system refused.
    Io(io::Error),
    /// The system refused to open this folder.
    Folder(String, io::Error),
    /// The root is not there, or lies on another disk than before; holds the sentence.
    Root(String),
    /// The root is another store than before, or the store was removed and made anew; holds the sentence.
    Replaced(String),
    /// There can be no object under this key; holds the sentence.
    Key(String),
    /// The content to be stored cannot be read.
    Content(Content, io::Error),
}

impl From<io::Error> for LocalError {
    fn from(error: io::Error) -> Self {
        LocalError::Io(error)
    }
}

impl From<Errno> for LocalError {
    fn from(errno: Errno) -> Self {
        LocalError::Io(errno.into())
    }
}

impl LocalError {
    /// The port's error for `action` on `path`.
    pub(super) fn into_storage_error(self, action: &'static str, path: &str) -> StorageError {
        let kind = match &self {
            LocalError::Io(error) | LocalError::Folder(_, error) => kind_of(error),
            LocalError::Root(_) => StorageErrorKind::Unavailable,
            LocalError::Replaced(_) => StorageErrorKind::Replaced,
            LocalError::Key(_) => StorageErrorKind::BadKey,
            LocalError::Content(content, error) => return StorageError::unreadable(path, content, error),
        };
        StorageError::new(kind, action, path, self.text())
    }

    /// The sentence for people.
    pub(super) fn text(&self) -> String {
        match self {
            LocalError::Root(text) | LocalError::Replaced(text) | LocalError::Key(text) => text.clone(),
            LocalError::Content(_, error) => error.to_string(),
            LocalError::Folder(folder, error) => format!("the folder `{folder}` cannot be read: {error}"),
            LocalError::Io(error) => match Errno::from_io_error(error) {
                Some(Errno::NOSPC) => "no room left on the disk; free some, and the work goes on".into(),
                Some(Errno::DQUOT) => "the disk quota is used up; free some room, and the work goes on".into(),
                Some(Errno::ACCESS | Errno::PERM) => "not allowed; give this user the right to it".into(),
                Some(Errno::ROFS) => "the file system is mounted read-only".into(),
                Some(Errno::NAMETOOLONG) => "a name in it, or the whole path, is too long for this file system".into(),
                Some(Errno::ISDIR) => "a folder is in its place; move the folder away".into(),
                Some(Errno::LOOP) => "too many links on the way".into(),
                Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::FBIG) => match remedy(error) {
                    Some(remedy) => format!("{error}; {remedy}, and the work goes on"),
                    None => error.to_string(),
                },
                _ => error.to_string(),
            },
        }
    }
}

fn kind_of(error: &io::Error) -> StorageErrorKind {
    match Errno::from_io_error(error) {
        Some(Errno::NOENT) => StorageErrorKind::NotFound,
        Some(Errno::FBIG) if remedy(error).is_some() => StorageErrorKind::Machine, // `ulimit -f`
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => StorageErrorKind::Full,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => StorageErrorKind::Machine,
        Some(Errno::ACCESS | Errno::PERM | Errno::ROFS) => StorageErrorKind::Denied,
        // EINVAL and EILSEQ: names that this file system cannot have, such as `a:b` on FAT.
        Some(Errno::NAMETOOLONG | Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::INVAL | Errno::ILSEQ) => {
            StorageErrorKind::BadKey
        }
        Some(_) => StorageErrorKind::Unavailable,
        None if error.kind() == io::ErrorKind::NotFound => StorageErrorKind::NotFound,
        None => StorageErrorKind::Unavailable,
    }
}
