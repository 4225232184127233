//! Where the records of a graph's runs lie, a folder or a bucket, held while somebody writes to them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, StorageError, StorageErrorKind};

use super::bucket;
use super::opening::{Access, Opening, STATE_FOLDER};
use super::promises::known;
use euterpe_graph_file::plan::{Location, Plan};
use euterpe_processes::FolderLock;
use euterpe_storage::absent::AbsentFolder;
use euterpe_storage::local::{Journal, LocalSettings, LocalStorage};
use euterpe_storage::s3::{self, BucketLock, S3Storage};

/// What keeps others off the records of a graph for as long as it lives.
#[derive(Debug)]
pub enum Lock {
    /// The lock of a folder.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Its lock.
        lock: FolderLock,
    },
    /// A lease in a bucket.
    Bucket(BucketLock),
    /// Nothing: the bucket does not keep apart who writes at once.
    Nothing,
}

/// The records of a graph, opened.
pub(super) struct Records {
    pub store: StateStore,
    pub bucket: Option<S3Storage>,
    pub lock: Option<Lock>,
}

/// Opens the records of the graph of `plan`; what is too large for memory is downloaded into the folder `downloads`.
///
/// # Errors
/// A place that cannot be used, that another process has, or that a store's listing would show.
pub(super) fn open(
    plan: &Plan,
    opening: &Opening,
    downloads: &Path,
    journal: Option<&Arc<Journal>>,
) -> anyhow::Result<Records> {
    let beside = || Location::Folder { path: plan.folder.join(STATE_FOLDER), fsync: true };
    let place = opening.state.clone().unwrap_or_else(beside).on_the_server_of(&plan.stores);
    if let Some(store) = plan.stores.iter().find(|store| place.lies_openly_in(&store.location)) {
        bail!(
            "the state at {} lies within store `{}` ({}), whose listings would show its records; write --state {}",
            place.text(),
            store.name,
            store.location.text(),
            store.location.below(STATE_FOLDER).below("state").text(),
        );
    }
    match place.below(&plan.graph) {
        Location::Folder { path, .. } => in_folder(path, opening.access, journal),
        bucket @ Location::S3 { .. } => in_bucket(bucket::open(&bucket, downloads, None)?, opening.access),
    }
}

/// Opens the records of the graph of `plan` for looking, and nothing else of it.
///
/// # Errors
/// A place that cannot be used.
pub fn open_state(plan: &Plan, opening: &Opening) -> anyhow::Result<StateStore> {
    let looking = Opening { state: opening.state.clone(), ..Opening::default() };
    Ok(open(plan, &looking, &std::env::temp_dir(), None)?.store)
}

/// Keeps a run in one process off the records of a graph that was opened to look, for as long as it lives; nothing where
/// there are none.
///
/// # Errors
/// Where such a run has them.
pub(super) fn share(bucket: Option<S3Storage>, folder: &Path) -> anyhow::Result<Option<Lock>> {
    match bucket {
        Some(bucket) => Ok(Some(s3::wait(async move { hold(&bucket, false).await })??)),
        None if !folder.is_dir() => Ok(None),
        None => {
            let lock = FolderLock::share(folder)?;
            Ok(Some(Lock::Folder { folder: folder.to_owned(), lock }))
        }
    }
}

fn in_folder(folder: PathBuf, access: Access, journal: Option<&Arc<Journal>>) -> anyhow::Result<Records> {
    let lock = match access {
        Access::Hold => Some(FolderLock::take(&folder)?),
        Access::Share => Some(FolderLock::share(&folder)?),
        Access::Look => None,
    };
    let settings = LocalSettings { create: access != Access::Look, ..LocalSettings::default() };
    let store = StateStore::new(open_folder(&folder, settings, true, journal)?);
    Ok(Records { store, bucket: None, lock: lock.map(|lock| Lock::Folder { folder, lock }) })
}

fn in_bucket(bucket: S3Storage, access: Access) -> anyhow::Result<Records> {
    let lock = match access {
        Access::Look => None,
        _ => {
            let bucket = bucket.clone();
            Some(s3::wait(async move { hold(&bucket, access == Access::Hold).await })??)
        }
    };
    let store = StateStore::new(Arc::new(bucket.clone()));
    Ok(Records { store, bucket: Some(bucket), lock })
}

async fn hold(bucket: &S3Storage, alone: bool) -> anyhow::Result<Lock> {
    let why = || format!("the state at {} cannot be used", bucket.place());
    let found = known(bucket, bucket).await.with_context(why)?;
    if !found.findings.has_atomic_conditions() {
        tracing::warn!(
            "the state at {}: {}; so nothing keeps a second run off it, nodes make no claims, and some work may be done \
             twice; the results are the same",
            bucket.place(),
            found.findings.text(),
        );
        return Ok(Lock::Nothing);
    }
    let held = if alone { BucketLock::exclusive(bucket).await } else { BucketLock::shared(bucket).await };
    Ok(Lock::Bucket(held?))
}

/// Opens a folder. One that will be made by the first who writes, and is not there, holds nothing.
pub(super) fn open_folder(
    path: &Path,
    settings: LocalSettings,
    made: bool,
    journal: Option<&Arc<Journal>>,
) -> Result<Arc<dyn Storage>, StorageError> {
    if made && !settings.create {
        // What may not be looked at is not absent.
        let there = path.try_exists().map_err(|error| {
            let denied = error.kind() == std::io::ErrorKind::PermissionDenied;
            let kind = if denied { StorageErrorKind::Denied } else { StorageErrorKind::Unavailable };
            let remedy = if denied { "; give this user the right to read the folders above it" } else { "" };
            StorageError::new(kind, "look at", path.display().to_string(), format!("{error}{remedy}"))
        })?;
        if !there {
            return Ok(Arc::new(AbsentFolder::at(path)));
        }
    }
    let store = LocalStorage::open(path, settings)?;
    Ok(Arc::new(match journal {
        Some(journal) => store.with_journal(journal.clone()),
        None => store,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_looked_at_is_not_taken_for_an_absent_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |below: &str| open_folder(&folder.path().join(below), LocalSettings::default(), true, None);
        assert!(open("absent/state").is_ok());
        // As root one may look everywhere, but nobody comes through a link that leads to itself.
        std::os::unix::fs::symlink("loop", folder.path().join("loop")).expect("a link");
        let refused = open("loop/state").map(drop).expect_err("not absent");
        assert!(refused.is_trouble() && refused.to_string().contains("loop/state"), "{refused}");
    }
}
