//! Claims as files in a folder that all nodes share: `claims/<job>/<entity>` in the state folder.
//!
//! A claim is a file that only one can make, and it is renewed by setting when it was written. Its age goes by the clock
//! of the file system, which may be another machine's: the time of the claim against that of a file that was touched in
//! the same folder just now. What stands in it is for people, so it needs no fsync; a claim that a power cut takes away
//! is one that nobody holds any more.
//!
//! Whoever removes a claim, its owner or who takes it over, first locks *that file* (the system's lock, which ends with
//! the process) and then makes sure that it still lies under its name. So of many who take over at once one removes it,
//! nobody removes what a successor made, and of those who then find the place free one makes the next.

mod age;
mod file;
mod sweep;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::claims::{Claims, Lease, Leased};
use euterpe_actors::message::Target;
use euterpe_actors::state::record_name;
use euterpe_actors::storage::{StorageError, StorageErrorKind};
use serde::{Deserialize, Serialize};

use super::trouble::Trouble;
use age::FolderClock;
use file::{Answer, ClaimFile};

pub use sweep::sweep_claims;

/// The folder within the state folder.
const FOLDER: &str = "claims";

/// One node's way to the claims in a folder.
#[derive(Clone, Debug)]
pub struct FolderClaims {
    place: Arc<Place>,
}

/// What every call needs, shared with the threads that wait for the disk.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    node: String,
    ttl: Duration,
    clock: FolderClock,
}

/// What stands in a claim, for people.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    node: String,
    pid: u32,
    target: String,
    ttl_millis: u64,
}

impl FolderClaims {
    /// The claims in a state folder that is there, for the node called `node`. All nodes of a folder should have the same
    /// `ttl` ([`euterpe_actors::claims::TTL`]): one with a shorter one would take over what others still renew.
    ///
    /// # Errors
    /// Where the folder for them can be neither found nor made.
    pub fn open(state_folder: &Path, node: &str, ttl: Duration) -> Result<Self, StorageError> {
        let folder = state_folder.join(FOLDER);
        file::make_folder(&folder).map_err(|trouble| waiting(trouble, "open the claims", &folder.display()))?;
        let clock = FolderClock::of(&folder);
        Ok(Self { place: Arc::new(Place { folder, node: node.to_owned(), ttl, clock }) })
    }
}

impl Place {
    fn path_of(&self, target: &Target) -> PathBuf {
        self.folder.join(target.job.as_str()).join(record_name(target.entity.as_str()))
    }

    fn lease(&self, target: &Target) -> Result<Answer, Trouble> {
        let note = Note {
            node: self.node.clone(),
            pid: std::process::id(),
            target: target.to_string(),
            ttl_millis: u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX),
        };
        let note = serde_json::to_vec(&note).expect("a note has a JSON form");
        file::take(&self.path_of(target), &note, self.ttl, &self.clock)
    }
}

/// Trouble with a claim is never the target's fault: there is always something to wait for.
fn waiting(trouble: Trouble, action: &'static str, what: &dyn std::fmt::Display) -> StorageError {
    let mut error = trouble.into_error(action, &what.to_string());
    if !error.is_trouble() {
        error.kind = StorageErrorKind::Unavailable;
    }
    error
}

/// Does what waits for the disk on a thread that may wait.
async fn on_thread<T: Send + 'static>(
    action: &'static str,
    target: &Target,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    let stopped = |e| StorageError::new(StorageErrorKind::Unavailable, action, target.to_string(), e);
    done.map_err(stopped)?.map_err(|trouble| waiting(trouble, action, target))
}

#[async_trait]
impl Claims for FolderClaims {
    async fn lease(&self, target: &Target) -> Result<Leased, StorageError> {
        let (place, wanted) = (self.place.clone(), target.clone());
        match on_thread("claim", target, move || place.lease(&wanted)).await? {
            Answer::Taken(file) => {
                Ok(Leased::Yours(Box::new(FolderLease { target: target.clone(), file: Arc::new(file) })))
            }
            Answer::Held(note) => {
                let note: Option<Note> = serde_json::from_slice(&note).ok(); // being written in this moment, or no claim
                let by = note.map(|note| format!("{} (process {})", note.node, note.pid));
                Ok(Leased::Held { by: by.unwrap_or_else(|| "another node".to_owned()) })
            }
        }
    }

    fn ttl(&self) -> Duration {
        self.place.ttl
    }
}

struct FolderLease {
    target: Target,
    file: Arc<ClaimFile>,
}

#[async_trait]
impl Lease for FolderLease {
    async fn renew(&mut self) -> Result<bool, StorageError> {
        let file = self.file.clone();
        on_thread("renew the claim to", &self.target, move || file.renew()).await
    }

    async fn release(self: Box<Self>) -> Result<(), StorageError> {
        let file = self.file.clone();
        on_thread("release the claim to", &self.target, move || file.release()).await
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
