//! The claims port over files: which call runs on which thread, and what stands in a claim.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::claims::{Claims, Lease, Leased};
use euterpe_actors::message::Target;
use euterpe_actors::state::record_name;
use euterpe_actors::storage::{StorageError, StorageErrorKind};
use serde::{Deserialize, Serialize};

use super::file::{self, Ages, ClaimFile, FOLDER, TakeResult};
use super::spares::Spares;
use super::system::make_folder;
use crate::local::error::LocalError;

/// The claims in a folder, for one node.
#[derive(Clone, Debug)]
pub struct FolderClaims {
    folder: Arc<ClaimFolder>,
}

/// The state of the adapter. Threads that wait for the disk share it.
#[derive(Debug)]
struct ClaimFolder {
    path: PathBuf,
    node: String,
    ages: Ages,
    spares: Spares,
}

/// The content of a claim, for people.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    node: String,
    pid: u32,
    target: String,
    ttl_millis: u64,
}

impl FolderClaims {
    /// Opens the claims in a state folder, which must be there, for the node called `node`. All nodes of a folder should have
    /// the same `ttl` ([`euterpe_actors::claims::TTL`]): a node with a shorter one takes over claims that others still renew.
    ///
    /// # Errors
    /// Where the folder of the claims can be neither found nor made.
    pub fn open(state_folder: &Path, node: &str, ttl: Duration) -> Result<Self, StorageError> {
        let folder = state_folder.join(FOLDER);
        let opened = make_folder(&folder).and_then(|()| Spares::of(&folder));
        let spares = opened.map_err(|error| as_unavailable(error, "open the claims", &folder.display()))?;
        let ages = Ages::of(&folder, ttl);
        Ok(Self { folder: Arc::new(ClaimFolder { path: folder, node: node.to_owned(), ages, spares }) })
    }
}

impl ClaimFolder {
    fn path_of(&self, target: &Target) -> PathBuf {
        self.path.join(target.job.as_str()).join(record_name(target.entity.as_str()))
    }

    fn lease(&self, target: &Target) -> Result<TakeResult, LocalError> {
        let note = Note {
            node: self.node.clone(),
            pid: std::process::id(),
            target: target.to_string(),
            ttl_millis: u64::try_from(self.ages.ttl.as_millis()).unwrap_or(u64::MAX),
        };
        let note = serde_json::to_vec(&note).expect("a note has a JSON form");
        file::take(&self.path_of(target), &note, &self.ages, &self.spares)
    }
}

/// An error of a claim is never the fault of its target, so every kind becomes one that may pass.
fn as_unavailable(error: LocalError, action: &'static str, what: &dyn std::fmt::Display) -> StorageError {
    let mut error = error.into_storage_error(action, &what.to_string());
    if !error.is_trouble() {
        error.kind = StorageErrorKind::Unavailable;
    }
    error
}

/// Runs work that waits for the disk on a blocking thread.
async fn on_thread<T: Send + 'static>(
    action: &'static str,
    target: &Target,
    work: impl FnOnce() -> Result<T, LocalError> + Send + 'static,
) -> Result<T, StorageError> {
    let done = on_blocking_thread(work).await;
    done.map_err(|error| StorageError::of_thread(action, target.to_string(), error))?
        .map_err(|error| as_unavailable(error, action, target))
}

#[async_trait]
impl Claims for FolderClaims {
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError> {
        let (folder, wanted) = (self.folder.clone(), target.clone());
        match on_thread("claim", target, move || folder.lease(&wanted)).await? {
            TakeResult::Taken(file) => {
                let folder = self.folder.clone();
                Ok(Leased::Yours(Box::new(FolderLease { target: target.clone(), file: Arc::new(file), folder })))
            }
            TakeResult::Held(note) => {
                let note: Option<Note> = serde_json::from_slice(&note).ok(); // it may be half written, or no claim
                let by = note.map(|note| format!("{} (process {})", note.node, note.pid));
                Ok(Leased::Held { by: by.unwrap_or_else(|| "another node".to_owned()) })
            }
        }
    }

    fn ttl(&self) -> Duration {
        self.folder.ages.ttl
    }
}

struct FolderLease {
    target: Target,
    file: Arc<ClaimFile>,
    folder: Arc<ClaimFolder>,
}

#[async_trait]
impl Lease for FolderLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        let file = self.file.clone();
        on_thread("renew the claim to", &self.target, move || file.renew()).await
    }

    async fn release(self: Box<Self>) -> Result<(), StorageError> {
        let (file, folder) = (self.file.clone(), self.folder.clone());
        on_thread("release the claim to", &self.target, move || file.release(&folder.spares)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short, for it passes in real time; the suite says what holds however slow the machine is.
    const TTL: Duration = Duration::from_millis(300);

    fn two(state: &Path) -> [Arc<dyn Claims>; 2] {
        ["a", "b"].map(|node| Arc::new(FolderClaims::open(state, node, TTL).expect("opened")) as Arc<dyn Claims>)
    }

    euterpe_testkit::claims_suite!(flavor = "current_thread"; {
        let state = tempfile::tempdir().expect("a folder");
        (two(state.path()), state)
    });

    fn target() -> Target {
        Target { job: "mel".parse().expect("a name"), entity: "a/b".parse().expect("an id") }
    }

    #[tokio::test]
    async fn a_claim_says_who_holds_it_and_leaves_nothing_when_it_ends() {
        let state = tempfile::tempdir().expect("a folder");
        let [first, second] = two(state.path());
        let Leased::Yours(lease) = first.lease(&target()).await.expect("asked") else { panic!("held by nobody") };
        let text = std::fs::read_to_string(state.path().join("claims/mel/a%2Fb")).expect("a claim");
        assert!(text.contains("\"a\"") && text.contains("mel(a/b)"), "{text}");
        let Leased::Held { by } = second.lease(&target()).await.expect("asked") else { panic!("held twice") };
        assert_eq!(by, format!("a (process {})", std::process::id()));
        lease.release().await.expect("released");
        let left = |folder: &str| std::fs::read_dir(state.path().join(folder)).expect("a folder").count();
        assert_eq!((left("claims/mel"), left("claims/.spare"), left("claims")), (0, 1, 2));
        drop((first, second));
        assert_eq!((left("claims/mel"), left("claims")), (0, 1));
    }

    #[tokio::test]
    async fn folders_that_somebody_removed_are_made_again_but_not_the_state_folder_itself() {
        let state = tempfile::tempdir().expect("a folder");
        let [claims, _] = two(state.path());
        std::fs::remove_dir_all(state.path().join("claims")).expect("removed");
        let Leased::Yours(lease) = claims.lease(&target()).await.expect("asked") else { panic!("held by nobody") };
        std::fs::remove_dir_all(state.path()).expect("removed");
        lease.release().await.expect("what is gone is released");
        // A disk that is not mounted shows no state folder: one that is made in its place would be seen by nobody else.
        let error = claims.lease(&target()).await.expect_err("there is no state folder");
        assert!(error.is_trouble() && !state.path().exists(), "{error}");
    }
}
