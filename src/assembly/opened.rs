//! A graph opened for work: its stores, its state folder, its jobs with their transforms.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use euterpe_actors::claims;
use euterpe_actors::ids::{JobName, RunId, StoreName};
use euterpe_actors::plan::{JobIx, NodePlan, Route};
use euterpe_actors::state::{Manifest, Selection, StateStore};
use euterpe_actors::storage::{Storage, StorageError, Stores};
use tokio::sync::Semaphore;

use super::{Transforming, Workplace};
use crate::config::plan::{Location, Plan};
use crate::config::show;
use crate::run::Listing;
use crate::storage::absent::AbsentFolder;
use crate::storage::home::{self, Home};
use crate::storage::local::{FolderClaims, LocalSettings, LocalStorage};
use crate::storage::lock::FolderLock;
use crate::storage::s3::{Cache, S3Settings, S3Storage, Tuning};
use crate::transform::Registry;
use crate::transform::worker::Launcher;

/// The folder beside the graph file that holds what is known of its runs.
pub const STATE_FOLDER: &str = ".euterpe";

/// How a graph is opened.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Workers over all pools; by default the cores.
    pub jobs: Option<usize>,
    /// Where the graphs' state folders lie; by default [`STATE_FOLDER`] beside the graph file. Each graph has one of its
    /// own there, under its name.
    pub state: Option<PathBuf>,
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
    /// To write as the only one: nobody else may have the state folder meanwhile.
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
    /// The state folder.
    pub state_folder: PathBuf,
    /// Where its transforms work.
    pub place: Workplace,
    /// What starts the worker processes of the jobs that have such.
    pub launchers: HashMap<JobName, Arc<Launcher>>,
    /// Jobs that take turns at the machine's cores.
    pub slots: HashMap<JobName, Arc<Semaphore>>,
    /// Objects of buckets that are kept here for who reads them next, where any are.
    pub cache: Option<Cache>,
    /// Held while this lives, where it was asked for.
    pub lock: Option<FolderLock>,
    /// What this process keeps to itself, where it writes; goes after all that lies in it.
    pub home: Option<Home>,
}

impl Opened {
    /// Opens what `plan` names.
    ///
    /// # Errors
    /// A store that is not there, a state folder that another process has, a transform that cannot be opened.
    pub fn open(plan: Plan, registry: &Registry, opening: &Opening) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = opening.jobs.unwrap_or(cores).max(1);
        let states = opening.state.clone().unwrap_or_else(|| plan.folder.join(STATE_FOLDER));
        let state_folder = states.join(&plan.graph);
        let kept = opening.kept.clone().unwrap_or(states);
        let writes = opening.access != Access::Look;
        let lock = match opening.access {
            Access::Hold => Some(FolderLock::take(&state_folder)?),
            Access::Share => Some(FolderLock::share(&state_folder)?),
            Access::Look => None,
        };
        let home = if writes { Some(own_home(&state_folder)?) } else { None };
        let scratch = home.as_ref().map_or_else(|| state_folder.join(home::SCRATCH), |home| home.path().to_owned());
        let place = Workplace { cores: turns, scratch, kept };
        let mut launchers = HashMap::new();
        let specs = super::to_specs(&plan, turns, |job| {
            let Transforming { factory, launcher } = super::open(registry, &plan, job, &place)?;
            launchers.extend(launcher.map(|launcher| (job.name.clone(), launcher)));
            anyhow::Ok(factory)
        })?;
        let nodes = Arc::new(NodePlan::new(specs));
        let shared = Arc::new(Semaphore::new(turns));
        let takes_turns = |job: &&crate::config::plan::Job| job.workers.is_none() || opening.jobs.is_some();
        let slots = plan.jobs.iter().filter(takes_turns).map(|job| (job.name.clone(), shared.clone())).collect();
        let settings = LocalSettings { create: writes, ..LocalSettings::default() };
        let state = StateStore::new(open_folder(&state_folder, settings, true)?);
        let cache = (writes && opening.cache > 0).then(|| Cache::of(opening.cache));
        let downloads = if writes { place.scratch.clone() } else { std::env::temp_dir() };
        let (stores, buckets) = open_stores(&plan, writes, &downloads, cache.as_ref())?;
        Ok(Self { plan, nodes, stores, buckets, state, state_folder, place, slots, launchers, cache, lock, home })
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

    /// The claims of a node, beside those of all others that share the state folder.
    ///
    /// # Errors
    /// Where they cannot be kept.
    pub fn claims(&self, node: &str) -> Result<FolderClaims, StorageError> {
        FolderClaims::open(&self.state_folder, node, claims::TTL)
    }

    /// Where private folders are made: on the disk of the state folder, which has room for what is kept beside it.
    pub fn scratch(&self) -> PathBuf {
        self.place.scratch.clone()
    }
}

/// A home for this process, after what dead ones left is gone.
fn own_home(state_folder: &Path) -> anyhow::Result<Home> {
    home::sweep(state_folder);
    let place = || format!("{} cannot be used; name another folder with --state", state_folder.display());
    Home::take(state_folder, salt()).with_context(place)
}

/// Opens a folder. One that will be made by the first who writes, and is not there, holds nothing.
fn open_folder(path: &Path, settings: LocalSettings, made: bool) -> Result<Arc<dyn Storage>, StorageError> {
    if made && !settings.create && !path.exists() {
        return Ok(Arc::new(AbsentFolder::at(path)));
    }
    Ok(Arc::new(LocalStorage::open(path, settings)?))
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
