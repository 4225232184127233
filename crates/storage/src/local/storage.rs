//! A folder as a store: the storage port over [`Folder`].

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored,
};

use super::disk::Disk;
use super::error::LocalError;
use super::folder::Folder;
use super::reserved::STATE_FOLDER;
use super::root::Root;
use super::settings::LocalSettings;
use super::stamps::Stamps;
use super::{list, sweep};
use crate::swept::Swept;

/// A folder as a store.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    pub(super) folder: Arc<Folder>,
}

impl LocalStorage {
    /// Opens `root` as a store.
    ///
    /// # Errors
    /// `Unavailable` if the folder is not there and may not be made, is no folder, or cannot be read.
    pub fn open(root: impl AsRef<Path>, settings: LocalSettings) -> Result<Self, StorageError> {
        let shown = root.as_ref().display().to_string();
        let error = |error: LocalError| {
            StorageError::new(StorageErrorKind::Unavailable, "open the store", &shown, error.text())
        };
        if settings.create {
            std::fs::create_dir_all(&root).map_err(|e| error(e.into()))?;
        }
        let root = Root::open(root.as_ref()).map_err(error)?;
        let stamp_folder = settings.stamp_folder.unwrap_or_else(|| root.path().join(STATE_FOLDER).join("stamps"));
        let stamps = Stamps::new(settings.stamps, stamp_folder, settings.fsync);
        Ok(Self { folder: Arc::new(Folder { root, stamps, disk: Disk::default(), fsync: settings.fsync }) })
    }

    /// Removes temporary files of writers that died: those that nobody has written to for `age`, by the clock of the file
    /// system. With `dry_run` nothing is removed.
    ///
    /// Returns how many files that were, and their bytes.
    ///
    /// # Errors
    /// Those of the file system. What was removed until then stays removed.
    pub async fn sweep(&self, age: Duration, dry_run: bool) -> Result<Swept, StorageError> {
        self.on_thread("sweep", "", move |folder| sweep::sweep(folder, age, dry_run)).await
    }

    /// Runs work that waits for the disk on a blocking thread. It runs to its end even if the future is dropped.
    async fn on_thread<T: Send + 'static>(
        &self,
        action: &'static str,
        path: &str,
        work: impl FnOnce(&Folder) -> Result<T, LocalError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let folder = self.folder.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        let stopped = |e| StorageError::new(StorageErrorKind::Unavailable, action, path, e);
        done.map_err(stopped)?.map_err(|error| error.into_storage_error(action, path))
    }
}

#[async_trait]
impl Storage for LocalStorage {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.folder.look(path).map_err(|error| error.into_storage_error("look for", path))
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.folder.open(path).map_err(|error| error.into_storage_error("open", path))
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        let key = path.to_owned();
        self.on_thread("store", path, move |folder| folder.write(&key, &content, stamp)).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        let key = path.to_owned();
        self.on_thread("remove", path, move |folder| folder.remove(&key)).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        // Two pages may wait, so the thread reads on while the first one is used.
        let (send, mut pages) = tokio::sync::mpsc::channel(2);
        let under = prefix.to_owned();
        let listing = self.on_thread("list", prefix, move |folder| {
            list::walk(&folder.root, &under, list::Wanted::Objects, |page| send.blocking_send(page).is_ok())
        });
        let reading = async {
            while let Some(next) = pages.recv().await {
                if !page(&next) {
                    break;
                }
            }
            drop(pages); // the thread stops at its next page
        };
        let (listed, ()) = futures::join!(listing, reading);
        listed
    }

    fn place(&self) -> String {
        self.folder.root.path().display().to_string()
    }
}
