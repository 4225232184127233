//! Watching the sources of a graph: what they hold, and a run of what is whole.

use std::time::Duration;

use euterpe_actors::ids::StoreName;
use euterpe_actors::state::Selection;
use euterpe_graph_file::plan::Location;

use super::Session;
use crate::run::arrivals::Arrivals;
use crate::run::ids::Ids;
use crate::run::listings::all_listings;

impl Session {
    /// Lists the sources that runs of `selection` read, those that an entity may lack too, as far as their names tell ids. A
    /// file in a folder counts once nobody has touched it for `settle`; objects of buckets are whole as soon as they are seen.
    ///
    /// # Errors
    /// A store that cannot be listed.
    pub async fn arrivals(&self, selection: &Selection, settle: Duration) -> anyhow::Result<Arrivals> {
        Arrivals::of(&all_listings(&self.workspace, selection), |store| self.settle_time(store, settle)).await
    }

    /// The ids of a run without those of files that somebody may still be writing: those that were so when `arrivals` was
    /// listed, and those that are when the run lists them.
    #[must_use]
    pub fn settled(&self, ids: Ids, arrivals: &Arrivals, settle: Duration) -> Ids {
        ids.held_back(|store| arrivals.held_back(self.settle_time(store, settle)))
    }

    /// The folders that hold sources of runs of `selection`; none where some lie in a bucket.
    pub fn source_folders(&self, selection: &Selection) -> Option<Vec<std::path::PathBuf>> {
        let folder = |store: &StoreName| match &self.workspace.plan.store(store)?.location {
            Location::Folder { path, .. } => Some(path.clone()),
            Location::S3 { .. } => None,
        };
        let mut folders = Vec::new();
        for listing in all_listings(&self.workspace, selection) {
            let root = folder(&listing.store)?;
            // The folder in which all keys begin; above it there may be outputs.
            let below = listing.key.prefix().rsplit_once('/').map_or("", |(below, _)| below);
            let place = root.join(below);
            folders.push(if place.is_dir() { place } else { root });
        }
        folders.sort();
        folders.dedup();
        Some(folders)
    }

    fn settle_time(&self, store: &StoreName, settle: Duration) -> Option<Duration> {
        let location = self.workspace.plan.store(store).map(|store| &store.location);
        matches!(location, Some(Location::Folder { .. })).then_some(settle)
    }
}
