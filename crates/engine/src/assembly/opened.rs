//! A graph opened for work: its stores, its state folder, its jobs with their transforms.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use euterpe_actors::claims::{self, Claims};
use euterpe_actors::ids::{JobName, RunId, StoreName};
use euterpe_actors::plan::{JobIx, NodePlan, Route};
use euterpe_actors::state::{Manifest, Selection, StateStore};
use euterpe_actors::storage::{Storage, StorageError, Stores};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::state::{Lock, Records, open_folder};
use super::{Transforming, Workplace};
use crate::run::Listing;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::plan::{Location, Plan};
use euterpe_graph_file::show;
use euterpe_processes::{Launcher, ProcessFolder, SCRATCH_FOLDER, remove_leftovers};
use euterpe_storage::local::{FolderClaims, LocalSettings};
use euterpe_storage::s3::{BucketClaims, Cache, S3Settings, S3Storage, Tuning};

/// The folder beside the graph file that holds what is known of its runs.
pub const STATE_FOLDER: &str = ".euterpe";

/// How a graph is opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Workers over all pools; by default the cores.
    pub jobs: Option<usize>,
    /// Where the graphs' records lie, a folder or a bucket; by default [`STATE_FOLDER`] beside the graph file. Each graph
    /// has a place of its own there, under its name.
    pub state: Option<Location>,
    /// Where environments and packages of worker processes lie; by default among the state folders.
    pub kept: Option<PathBuf>,
    /// What it is opened for.
    pub access: Access,
    /// How many bytes of objects of buckets are kept here for who reads them next, where it is opened to write.
    pub cache: u64,
}

/// What a graph is opened for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// To look: nothing is made, not even a folder.
    #[default]
    Look,
    /// To write beside others who share it over a broker.
    Share,
    /// To write as the only one: nobody else may have the state meanwhile.
    Hold,
}

/// A graph opened for work.
pub struct Opened {
    /// What the graph file says.
    pub plan: Plan,
    /// What the actors run.
    pub nodes: Arc<NodePlan>,
    /// The stores.
    pub stores: Stores,
    /// Those of them that are buckets and are written to.
    pub buckets: Vec<(StoreName, S3Storage)>,
    /// Dead letters, skips, manifests.
    pub state: StateStore,
    /// The bucket that they lie in, where they do not lie in a folder.
    pub state_bucket: Option<S3Storage>,
    /// The graph's folder on this machine: with its records, where they do not lie in a bucket, and with private folders.
    pub here: PathBuf,
    /// Where its transforms work.
    pub place: Workplace,
    /// What starts the worker processes of the jobs that have such.
    pub launchers: HashMap<JobName, Arc<Launcher>>,
    /// Jobs that take turns at the machine's cores.
    pub slots: HashMap<JobName, Arc<Semaphore>>,
    /// Objects of buckets that are kept here for who reads them next, where any are.
    pub cache: Option<Cache>,
    /// Held while this lives, where it was asked for.
    pub lock: Option<Lock>,
    /// What this process keeps to itself, where it writes; goes after all that lies in it.
    pub home: Option<ProcessFolder>,
    /// A folder of this process alone that goes with it, where there is no room beside the graph file.
    _own: Option<TempDir>,
}

impl Opened {
    /// Opens what `plan` names.
    ///
    /// # Errors
    /// A store that is not there, a state that another process has, a transform that cannot be opened.
    pub fn open(plan: Plan, registry: &Registry, opening: &Opening) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = opening.jobs.unwrap_or(cores).max(1);
        let writes = opening.access != Access::Look;
        let (local, own) = local_folder(&plan, opening)?;
        let here = local.join(&plan.graph);
        let kept = opening.kept.clone().unwrap_or(local);
        let home = if writes { Some(own_home(&here)?) } else { None };
        let scratch = home.as_ref().map_or_else(|| here.join(SCRATCH_FOLDER), |home| home.path().to_owned());
        let place = Workplace { cores: turns, scratch, kept };
        let mut launchers = HashMap::new();
        let specs = super::to_specs(&plan, turns, |job| {
            let Transforming { factory, launcher } = super::open(registry, &plan, job, &place)?;
            launchers.extend(launcher.map(|launcher| (job.name.clone(), launcher)));
            anyhow::Ok(factory)
        })?;
        let nodes = Arc::new(NodePlan::new(specs));
        let shared = Arc::new(Semaphore::new(turns));
        let takes_turns = |job: &&euterpe_graph_file::plan::Job| job.workers.is_none() || opening.jobs.is_some();
        let slots = plan.jobs.iter().filter(takes_turns).map(|job| (job.name.clone(), shared.clone())).collect();
        let downloads = if writes { place.scratch.clone() } else { std::env::temp_dir() };
        let Records { store: state, bucket: state_bucket, lock } = super::state::open(&plan, opening, &downloads)?;
        let cache = (writes && opening.cache > 0).then(|| Cache::of(opening.cache));
        let (stores, buckets) = open_stores(&plan, writes, &downloads, cache.as_ref())?;
        let _own = own;
        Ok(Self {
            plan,
            nodes,
            stores,
            buckets,
            state,
            state_bucket,
            here,
            place,
            slots,
            launchers,
            cache,
            lock,
            home,
            _own,
        })
    }

    /// The sources whose names are the catalogue, for a run that starts at `job`, or at the jobs that start the graph.
    pub fn listings(&self, job: Option<JobIx>) -> Vec<Listing> {
        let wanted: Vec<JobIx> = match job {
            None => self.nodes.places().filter(|at| !self.nodes.has_same_parent(*at)).collect(),
            Some(at) => std::iter::once(at).chain(self.nodes.job(at).ancestors.iter().copied()).collect(),
        };
        let mut listings: Vec<(StoreName, Listing)> = Vec::new();
        for (at, number) in self.plan.listable().into_iter().filter(|(at, _)| wanted.contains(at)) {
            if let Route::Source { store, key, exts } = &self.nodes.job(at).inputs[number].from {
                let known = |(name, listing): &(StoreName, Listing)| name == store && listing.key == *key;
                if !listings.iter().any(known) {
                    let storage = self.stores.get(store).clone();
                    listings.push((store.clone(), Listing { storage, key: key.clone(), exts: exts.clone() }));
                }
            }
        }
        listings.into_iter().map(|(_, listing)| listing).collect()
    }

    /// A run id later than every run that the state store knows.
    ///
    /// # Errors
    /// Where the state store cannot be listed.
    pub async fn next_run(&self) -> anyhow::Result<RunId> {
        let last = self.state.runs().await?.last().copied();
        let millis = now().max(last.map_or(0, RunId::next_millis));
        Ok(RunId::new(millis, (salt() as u32).min(u32::MAX - 1))) // the greatest marks the inbox
    }

    /// What a run of these entities is asked to do, with a wave of its own.
    pub fn manifest(&self, run: RunId, selection: Selection) -> Manifest {
        Manifest {
            run,
            graph: self.plan.graph.clone(),
            digest: self.nodes.digest,
            selection,
            wave: salt(),
            resolved: show::effective(&self.plan),
        }
    }

    /// The claims of a node, beside those of all others that share the state; none where it lies in a bucket that does
    /// not keep apart who writes at once, as was said when it was opened.
    ///
    /// # Errors
    /// Where they cannot be kept.
    pub fn claims(&self, node: &str) -> Result<Option<Arc<dyn Claims>>, StorageError> {
        Ok(match (&self.lock, &self.state_bucket) {
            (Some(Lock::Folder { folder, .. }), _) => Some(Arc::new(FolderClaims::open(folder, node, claims::TTL)?)),
            (_, Some(bucket)) if bucket.keeps_apart() => Some(Arc::new(BucketClaims::new(bucket, node, claims::TTL))),
            _ => None,
        })
    }

    /// Where private folders are made: on the disk of the state folder, which has room for what is kept beside it.
    pub fn scratch(&self) -> PathBuf {
        self.place.scratch.clone()
    }
}

/// A home for this process, after what dead ones left is gone.
fn own_home(here: &Path) -> anyhow::Result<ProcessFolder> {
    remove_leftovers(here);
    let place = || format!("{} cannot be used; name another folder with --state", here.display());
    ProcessFolder::take(here, salt()).with_context(place)
}

/// The folder for what must be on this machine: the state's, if that is one; else beside the graph file, or where nobody
/// may write there one of this process alone, which goes with the value that comes with it.
fn local_folder(plan: &Plan, opening: &Opening) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let beside = plan.folder.join(STATE_FOLDER);
    match &opening.state {
        None => return Ok((beside, None)),
        Some(Location::Folder { path, .. }) => return Ok((path.clone(), None)),
        Some(Location::S3 { .. }) if opening.access == Access::Look => return Ok((beside, None)),
        Some(Location::S3 { .. }) => {}
    }
    let may_write = std::fs::create_dir_all(beside.join(&plan.graph))
        .and_then(|()| tempfile::tempfile_in(beside.join(&plan.graph)).map(drop));
    match may_write {
        Ok(()) => Ok((beside, None)),
        Err(error) => {
            tracing::info!(folder = %beside.display(), %error, "no room beside the graph file; a temporary folder is used");
            let own = tempfile::Builder::new().prefix("euterpe-").tempdir();
            let own = own.context("no folder for what must be on this machine; set TMPDIR to one")?;
            Ok((own.path().to_owned(), Some(own)))
        }
    }
}

/// Opens the stores; what is too large for memory is downloaded into the folder `downloads`.
fn open_stores(
    plan: &Plan,
    writes: bool,
    downloads: &Path,
    cache: Option<&Cache>,
) -> anyhow::Result<(Stores, Vec<(StoreName, S3Storage)>)> {
    let written = |name: &StoreName| plan.jobs.iter().any(|job| job.outputs.iter().any(|output| output.store == *name));
    let (mut stores, mut buckets): (Vec<(StoreName, Arc<dyn Storage>)>, _) = (Vec::new(), Vec::new());
    for store in &plan.stores {
        let storage = match &store.location {
            Location::Folder { path, fsync } => {
                let made = written(&store.name);
                let settings = LocalSettings { fsync: *fsync, create: made && writes, ..LocalSettings::default() };
                let name = &store.name;
                let remedy = || format!("store `{name}` cannot be used; put it elsewhere with --store {name}=FOLDER");
                open_folder(path, settings, made).with_context(remedy)?
            }
            Location::S3 { bucket, prefix, endpoint, region } => {
                let bucket = S3Storage::new(S3Settings {
                    bucket: bucket.clone(),
                    prefix: prefix.clone(),
                    endpoint: endpoint.clone(),
                    region: region.clone(),
                    scratch: downloads.to_owned(),
                    cache: cache.cloned(),
                    identity: None,
                    tuning: Tuning::default(),
                });
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

/// The time in milliseconds after the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// A number that no other process has.
pub fn salt() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), now()))
}
