//! A folder as a store: the storage port over [`Folder`].

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use euterpe_actors::actors_thread::assert_may_block;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, StorageErrorKind, Stored,
};
use euterpe_actors::template::NameRules;
use tokio::sync::mpsc::Sender;

use super::disk::Disk;
use super::error::LocalError;
use super::folder::Folder;
use super::journal::Journal;
use super::reserved::STATE_FOLDER;
use super::root::Root;
use super::settings::LocalSettings;
use super::spelling::{FolderNames, Spelling};
use super::stamps::Stamps;
use super::{case, list, sweep};
use crate::pages::read_pages;
use crate::swept::Swept;

/// A folder as a store.
#[derive(Clone, Debug)]
pub struct LocalStorage {
    pub(super) folder: Arc<Folder>,
}

impl LocalStorage {
    /// What names a folder can hold: nearly all file systems have 255 bytes for each.
    pub(crate) const NAMES: NameRules = NameRules { longest_segment: 255, longest_path: usize::MAX, tells_case: true };

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
        let root = Root::open(root.as_ref(), settings.follow_links).map_err(error)?.made(settings.create);
        let stamp_folder = settings.stamp_folder.unwrap_or_else(|| root.path().join(STATE_FOLDER).join("stamps"));
        let stamps = Stamps::new(settings.stamps, stamp_folder, settings.fsync);
        let disk = Disk::default();
        let tells_case = case::tells_case(&root, &disk, settings.create).map_err(error)?;
        let names = NameRules { tells_case, ..Self::NAMES };
        let (spelled, outputs) = (FolderNames::default(), settings.outputs);
        Ok(Self { folder: Arc::new(Folder { root, stamps, disk, names, spelled, outputs, fsync: settings.fsync }) })
    }

    /// The same store; the temporary files that it writes are noted in a journal.
    ///
    /// # Panics
    /// If the store was cloned before.
    pub fn with_journal(mut self, journal: Arc<Journal>) -> Self {
        Arc::get_mut(&mut self.folder).expect("a store that was just opened").disk.journal = Some(journal);
        self
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
        let work = move |folder: &Folder| {
            assert_may_block(action);
            work(folder)
        };
        let done = on_blocking_thread(move || work(&folder)).await;
        done.map_err(|error| StorageError::of_thread(action, path, error))?
            .map_err(|error| error.into_storage_error(action, path))
    }
}

impl LocalStorage {
    async fn walk(
        &self,
        prefix: &str,
        wanted: list::Wanted,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        let under = prefix.to_owned();
        let listing = |send: Sender<Page>| {
            self.on_thread("list", prefix, move |folder| {
                list::walk(&folder.root, &folder.outputs, &under, wanted, |page| send.blocking_send(page).is_ok())
            })
        };
        read_pages(listing, page).await
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
        self.walk(prefix, list::Wanted::Objects, page).await
    }

    async fn list_dated(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.walk(prefix, list::Wanted::Dated, page).await
    }

    fn place(&self) -> String {
        self.folder.root.path().display().to_string()
    }

    async fn replacements(&self) -> Result<u64, StorageError> {
        let asked = self.folder.root.was_replaced();
        asked.map_err(|error| error.into_storage_error("look for", ""))?;
        Ok(self.folder.root.replacements())
    }

    fn name_rules(&self) -> NameRules {
        self.folder.names
    }

    async fn is_named(&self, path: &str) -> Result<bool, StorageError> {
        let name = path.to_owned();
        self.on_thread("look for", path, move |folder| folder.spelled.has(&folder.root, &name, Spelling::Form)).await
    }

    async fn is_spelled(&self, path: &str) -> Result<bool, StorageError> {
        let name = path.to_owned();
        self.on_thread("look for", path, move |folder| folder.spelled.has(&folder.root, &name, Spelling::Exact)).await
    }
}
