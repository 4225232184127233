//! Opens the stores of a graph.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::ids::StoreName;
use euterpe_actors::storage::{Storage, Stores};
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Location;
use euterpe_storage::local::{Journal, LocalSettings};
use euterpe_storage::s3::{Cache, S3Storage};

use super::bucket;
use super::opening::{Access, Opening};
use super::outputs::outputs_like_sources;
use super::records::open_folder;

/// Opens the stores; what is too large for memory is downloaded into the folder `downloads`.
pub(super) fn open_stores(
    plan: &Plan,
    opening: &Opening,
    downloads: &Path,
    cache: Option<&Cache>,
    journal: Option<&Arc<Journal>>,
) -> anyhow::Result<(Stores, Vec<(StoreName, S3Storage)>)> {
    let written = |name: &StoreName| plan.jobs.iter().any(|job| job.outputs.iter().any(|output| output.store == *name));
    let (mut stores, mut buckets): (Vec<(StoreName, Arc<dyn Storage>)>, _) = (Vec::new(), Vec::new());
    let writes = opening.access != Access::Look;
    for store in &plan.stores {
        if let Some((name, storage)) = opening.stores.iter().find(|(name, _)| *name == store.name) {
            stores.push((name.clone(), storage.clone()));
            continue;
        }
        let storage = match &store.location {
            Location::Folder { path, fsync } => {
                let made = written(&store.name);
                let settings = LocalSettings {
                    fsync: *fsync,
                    create: made && writes,
                    follow_links: store.follow_links,
                    outputs: outputs_like_sources(plan, &store.name),
                    ..LocalSettings::default()
                };
                let name = &store.name;
                let remedy = || format!("store `{name}` cannot be used; put it elsewhere with --store {name}=FOLDER");
                open_folder(path, settings, made, journal).with_context(remedy)?
            }
            Location::S3 { .. } => {
                let bucket = bucket::open(&store.location, downloads, cache)
                    .with_context(|| format!("store `{}`", store.name))?;
                if written(&store.name) {
                    buckets.push((store.name.clone(), bucket.clone()));
                }
                Arc::new(bucket)
            }
        };
        stores.push((store.name.clone(), storage));
    }
    Ok((Stores::new(stores), buckets))
}
