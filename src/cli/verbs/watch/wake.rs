//! Is woken by the system when something changes below the folders of the sources; where it cannot be, nobody wakes it.

use std::path::PathBuf;
use std::sync::Arc;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Wakes whoever waits when something changes.
pub struct Wake {
    changed: Arc<Notify>,
    /// It tells as long as it lives.
    watcher: Option<RecommendedWatcher>,
}

impl Wake {
    /// Is told of changes below these folders; of none where they are not all folders, or the system cannot tell.
    pub fn at(folders: Option<&[PathBuf]>) -> Self {
        let changed = Arc::new(Notify::new());
        let watcher = folders.and_then(|folders| match watcher(folders, &changed) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::info!("the system does not tell of changes in the folders of the sources ({error}): they are listed again and again");
                None
            }
        });
        Self { changed, watcher }
    }

    /// Whether the system tells of changes.
    pub fn is_told(&self) -> bool {
        self.watcher.is_some()
    }

    /// Waits for a change since the last time.
    pub async fn wait(&self) {
        self.changed.notified().await;
    }
}

fn watcher(folders: &[PathBuf], changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let changed = changed.clone();
    // An error may mean that something was missed: then it is looked as well.
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.map_or(true, |event| !event.kind.is_access()) {
            changed.notify_one();
        }
    })?;
    for folder in folders {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    Ok(watcher)
}
