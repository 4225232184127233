//! A source that may not be read although others of its store may: waiting changes nothing, so its entity fails.

use std::time::Duration;

use super::decision::Ending;
use super::executor::{Executor, SharedStorageError};
use super::inputs::FoundInput;
use crate::ids::StoreName;
use crate::message::EntityMessage;
use crate::outcome::Reason;
use crate::plan::Route;
use crate::storage::{Page, Storage, StorageError, StorageErrorKind};

/// For how long a source is refused before that is its own fault.
const ALONE: Duration = Duration::from_secs(2);

/// The same where there may be other nodes, of which one may have the right to it.
const AMONG_NODES: Duration = Duration::from_secs(30);

/// How many other objects are tried. One that may be read is proof that the store gives objects to this node.
const OTHERS: usize = 16;

/// How large an object may be that is read for that, in bytes: one of a bucket is downloaded.
const LARGEST: u64 = 64 << 20;

impl Executor {
    /// How the work ends on an entity whose source below `prefix` was refused with this error. An error where the message has
    /// to wait: the store is in trouble, refuses everything, or refuses this source only for a short time so far.
    pub(super) async fn refused(
        &self,
        message: &EntityMessage,
        (store, prefix): (&StoreName, &str),
        error: SharedStorageError,
    ) -> Result<Ending, SharedStorageError> {
        if error.kind != StorageErrorKind::Denied {
            return Err(error);
        }
        if !self.node.readable.is_known(store, prefix) {
            match gives_another(&**self.node.settings.stores.get(store), prefix).await {
                Ok(true) => self.node.readable.note(store, prefix),
                Ok(false) | Err(_) => return Err(error), // the first error says more than one of this look
            }
        }
        let longest = if self.node.settings.claims.is_some() { AMONG_NODES } else { ALONE };
        if self.node.readable.refused_for(message.run, &message.target) < longest {
            return Err(error);
        }
        self.note_storage(None); // the store is well
        Ok(Ending::new(Reason::InputUnreadable, format!("{error}; others of its store may be read")))
    }

    /// How the keys of a source begin; none for an input that a job makes.
    pub(super) fn source_prefix(&self, input: &FoundInput) -> Option<&str> {
        self.job.inputs.iter().find(|own| own.name == input.name).and_then(|own| match &own.from {
            Route::Source { key, .. } => Some(key.prefix()),
            Route::Job { .. } => None,
        })
    }
}

/// Whether one of the first objects below a prefix may be read.
async fn gives_another(store: &dyn Storage, prefix: &str) -> Result<bool, StorageError> {
    let mut others: Vec<String> = Vec::new();
    let mut first_page = |page: &Page| {
        others.extend(page.paths().take(OTHERS - others.len()).map(str::to_owned));
        others.len() < OTHERS
    };
    store.list(prefix, &mut first_page).await?;
    for path in others {
        let is_small = matches!(store.look(&path).await, Ok(Some(info)) if info.size <= LARGEST);
        if is_small && store.open(&path).await.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}
