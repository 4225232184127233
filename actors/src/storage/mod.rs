//! The storage port: objects under keys, each visible whole or not at all.

mod error;
mod key;
pub mod memory;
mod object;
mod page;
mod port;
mod stamp;
mod stores;
mod whole;

pub use error::{StorageError, StorageErrorKind};
pub use key::{ObjectKey, is_key};
pub use object::{Content, KeepAlive, Object, ObjectInfo};
pub use page::{Listed, ListedProblem, Page};
pub use port::{Storage, Stored};
pub use stamp::Stamp;
pub use stores::Stores;
pub use whole::{Wholeness, check_whole};
