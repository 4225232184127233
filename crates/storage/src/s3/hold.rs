//! Holds the records of a graph's runs in a bucket: alone, or together with others who share them, as the lock of a folder
//! does. Who wants what is held is told who has it.
//!
//! Who holds them alone has the lease `lock/alone`; who shares them has one below `lock/shared/`. Each makes its own first
//! and looks for the others' after that, so of two who come at once at least one sees the other. Leases are renewed, on
//! the threads for S3, and count no more when nobody renewed them for a while or their process is known to have ended.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use euterpe_actors::claims::TTL;
use euterpe_actors::storage::StorageError;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::S3Storage;
use super::age::LAG;
use super::bucket::Bucket;
use super::lease::{Held, Note, Seen, Taken, nonce};
use super::trouble::Trouble;
use euterpe_actors::process::Process;

/// What the keys of these leases start with.
pub(super) const FOLDER: &str = "lock";
/// The lease of who holds it alone.
const ALONE: &str = "lock/alone";
/// What the leases of those start with who share it.
const SHARED: &str = "lock/shared/";
/// How long the end of a lease is waited for. What does not end now ends with its time.
const PARTING: Duration = Duration::from_secs(5);

/// Records of runs that this process holds until this value is dropped, or for a while after it was killed.
#[derive(Debug)]
pub struct BucketHold {
    let_go: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<()>,
}

/// Why records cannot be held.
#[derive(Debug, Error)]
pub enum HoldError {
    /// Another process has them.
    #[error(
        "the state at {place} is in use by {by}; wait for it, stop it, or use another place (what a process left that was killed elsewhere is free {} s after its end)",
        (TTL + LAG).as_secs()
    )]
    Held {
        /// Where they are.
        place: String,
        /// Who has them.
        by: String,
    },
    /// The store's own trouble.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl BucketHold {
    /// Holds the records in `storage` alone. It needs a store that heeds conditions.
    ///
    /// # Errors
    /// [`HoldError::Held`] if another process has them, alone or with others.
    pub async fn alone(storage: &S3Storage) -> Result<Self, HoldError> {
        Self::take(storage, ALONE.to_owned()).await
    }

    /// Holds them together with others who share them.
    ///
    /// # Errors
    /// [`HoldError::Held`] if another process has them alone.
    pub async fn share(storage: &S3Storage) -> Result<Self, HoldError> {
        Self::take(storage, format!("{SHARED}{}", nonce())).await
    }

    async fn take(storage: &S3Storage, name: String) -> Result<Self, HoldError> {
        let place = storage.settings.place();
        let note = Note::new(&Process::own().to_string(), &place, TTL);
        let taking = storage.with("hold", "lock", |bucket| async move {
            let key = bucket.keys.key(&name)?;
            match bucket.take(key, note, is_over).await? {
                Taken::Yours(held) => match in_the_way(&bucket, &name).await {
                    Ok(None) => Ok(Ok(kept(bucket, held))),
                    Ok(Some(by)) => bucket.give_back(held).await.map(|()| Err(by)),
                    Err(trouble) => bucket.give_back(held).await.and(Err(trouble)),
                },
                Taken::Theirs(note) => Ok(Err(who(note))),
            }
        });
        taking.await?.map_err(|by| HoldError::Held { place, by })
    }
}

impl Drop for BucketHold {
    fn drop(&mut self) {
        drop(self.let_go.take());
        if self.ended.recv_timeout(PARTING).is_err() {
            tracing::debug!("the state was not given back in time; that ends by itself");
        }
    }
}

/// Whether a lease counts no more.
fn is_over(seen: &Seen) -> bool {
    seen.is_old || seen.is_left_behind()
}

/// Whose a lease is, for people.
fn who(note: Option<Note>) -> String {
    note.map_or_else(|| "another process".to_owned(), |note| note.by)
}

/// Whose a lease is that counts and keeps out who has the one called `own`.
async fn in_the_way(bucket: &Bucket, own: &str) -> Result<Option<String>, Trouble> {
    if own != ALONE {
        let seen = bucket.see(&bucket.keys.key(ALONE)?, TTL).await?;
        return Ok(seen.filter(|seen| !is_over(seen)).map(|seen| who(seen.note)));
    }
    for name in bucket.names(SHARED).await? {
        let key = bucket.keys.key(&name)?;
        match bucket.see(&key, TTL).await? {
            None => {}
            Some(seen) if is_over(&seen) => bucket.clear(&key, seen).await?,
            Some(seen) => return Ok(Some(who(seen.note))),
        }
    }
    Ok(None)
}

/// Renews a lease until the value that this makes is dropped.
fn kept(bucket: Arc<Bucket>, mut held: Held) -> BucketHold {
    let (let_go, mut parting) = oneshot::channel();
    let (end, ended) = mpsc::channel();
    tokio::spawn(async move {
        let place = bucket.settings.place();
        while timeout(TTL / 3, &mut parting).await.is_err() {
            match bucket.renew(&mut held).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!(
                        "another process has taken over the state at {place}, for this one was held up for too long; \
                         work may be done twice"
                    );
                    break;
                }
                Err(trouble) => tracing::warn!(why = %trouble.text, "the hold on the state at {place} was not renewed"),
            }
        }
        if let Err(trouble) = bucket.give_back(held).await {
            tracing::debug!(why = %trouble.text, "the hold on the state was not given back and runs out by itself");
        }
        end.send(()).ok(); // nobody waits any more
    });
    BucketHold { let_go: Some(let_go), ended }
}

impl Bucket {
    /// The names of all objects of the store that start with `prefix`.
    pub(super) async fn names(&self, prefix: &str) -> Result<Vec<String>, Trouble> {
        let (send, mut pages) = tokio::sync::mpsc::channel(2);
        let gathering = async {
            let mut names = Vec::new();
            while let Some(page) = pages.recv().await {
                let page: euterpe_actors::storage::Page = page;
                names.extend(page.paths().map(str::to_owned));
            }
            names
        };
        let (listed, names) = futures::join!(self.list(prefix, send), gathering);
        listed.map(|()| names)
    }
}
