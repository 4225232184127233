//! The storage port: objects under keys, each visible whole or not at all.

mod error;
mod hidden;
mod key;
mod making;
pub mod memory;
mod mount;
mod name_text;
mod object;
mod odd_names;
mod page;
mod port;
mod spellings;
mod stamp;
mod stores;
mod whole;

pub use error::{StorageError, StorageErrorKind};
pub use hidden::is_hidden;
pub use key::{ObjectKey, is_key};
pub use making::{InputPrints, Making};
pub use mount::Mount;
pub use name_text::{name_as_text, told_apart};
pub use object::{Content, KeepAlive, Object, ObjectInfo};
pub use page::{Dates, Listed, ListedProblem, Page};
pub use port::{STORE_MARKER, Storage, Stored};
pub use spellings::{Spelled, each_once, find_spelled};
pub use stamp::Stamp;
pub use stores::Stores;
pub use whole::{Wholeness, check_whole};
