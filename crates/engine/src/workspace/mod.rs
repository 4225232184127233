//! A graph opened for work: its stores, its state, its jobs with their transforms. The only place that sees both
//! configuration and actors.

mod bucket;
mod buckets;
mod code_files;
mod folders;
mod jobs;
mod opening;
mod outputs;
mod prepared;
mod programs;
mod promises;
mod recipe;
mod records;
#[cfg(feature = "amqp")]
mod setup;
mod stores;
#[cfg(not(feature = "python"))]
mod without_python;

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use euterpe_actors::accounting::RunView;
use euterpe_actors::broker::Broker;
use euterpe_actors::claims::{self, Claims};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::Observer;
use euterpe_actors::ids::{JobName, RunId, StoreName};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::Force;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::refresh::Refresh;
use euterpe_actors::standard::Standard;
use euterpe_actors::state::{Manifest, Selection, StateStore};
use euterpe_actors::storage::{StorageError, Stores};
use euterpe_actors::transform::Registry;
use euterpe_actors::turns::Turns;
use euterpe_graph_file::plan::{Job, Plan};
use euterpe_graph_file::show;
use euterpe_processes::{JobCode, Launcher, ProcessFolder, SCRATCH_FOLDER};
use euterpe_storage::local::{FolderClaims, Journal};
use euterpe_storage::s3::{BucketClaims, Cache, S3Storage};
use tempfile::TempDir;

use crate::clock::{now, salt};
use crate::metrics::Metrics;
use crate::mistake::Mistake;
use crate::run::walk;
use crate::traces::Traces;
pub(crate) use folders::sweep_half_written;
use folders::{local_folder, own_home};
use jobs::{Transforming, Workplace, to_specs, with_names};
use records::Records;

pub use records::{Lock, open_state};
use stores::open_stores;

pub use code_files::code_files;
#[cfg(feature = "python")]
pub use jobs::python;
pub use jobs::threads;
pub use opening::{Access, Opening, STATE_FOLDER};
pub use prepared::Prepared;
pub use programs::{commands, missing_programs};

/// A graph opened for work.
pub struct Workspace {
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
    /// The code of the jobs that are made of files: of the same jobs, and of commands.
    pub code: HashMap<JobName, Arc<JobCode>>,
    /// Jobs that take turns at the machine's cores.
    pub slots: HashMap<JobName, Turns>,
    /// Objects of buckets that are kept here for who reads them next, where any are.
    pub cache: Option<Cache>,
    /// How many bytes of memory what is known of a catalogue may take while it is gone through.
    pub memory: u64,
    /// What is counted of the work of this process, where it was asked for.
    pub metrics: Option<Arc<Metrics>>,
    /// The spans of the work of this process, where they were asked for.
    pub traces: Option<Arc<Traces>>,
    /// Held while this lives, where it was asked for.
    pub lock: Option<Lock>,
    /// What this process keeps to itself, where it writes; goes after all that lies in it.
    pub home: Option<ProcessFolder>,
    /// A folder of this process alone that goes with it, where there is no room beside the graph file.
    _own: Option<TempDir>,
}

impl Workspace {
    /// Opens what `plan` names.
    ///
    /// # Errors
    /// A store that is not there, a state that another process has, a transform that cannot be opened.
    pub fn open(plan: Plan, registry: &Registry, opening: &Opening) -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = opening.workers.unwrap_or(cores).max(1);
        let writes = opening.access != Access::Look;
        let (local, own) = local_folder(&plan, opening)?;
        let here = local.join(&plan.graph);
        let kept = opening.kept.clone().unwrap_or(local);
        let home = if writes { Some(own_home(&here)?) } else { None };
        let scratch = home.as_ref().map_or_else(|| here.join(SCRATCH_FOLDER), |home| home.path().to_owned());
        let scratch = opening.scratch.clone().unwrap_or(scratch);
        let journal = home.as_ref().map(|home| Journal::at(home.lock()));
        let place = Workplace { cores: turns, scratch, kept };
        let (mut launchers, mut codes) = (HashMap::new(), HashMap::new());
        let specs = to_specs(&plan, turns, |job| {
            let Transforming { factory, launcher, code } = jobs::open(registry, &plan, job, &place)?;
            launchers.extend(launcher.map(|launcher| (job.name.clone(), launcher)));
            codes.extend(code.map(|code| (job.name.clone(), code)));
            anyhow::Ok(factory)
        })?;
        let takes_turns = |job: &&Job| job.workers.is_none() || opening.workers.is_some();
        let slots = Turns::share(turns, plan.jobs.iter().filter(takes_turns).map(|job| job.name.clone()));
        let downloads = if writes { place.scratch.clone() } else { std::env::temp_dir() };
        let Records { store: state, bucket: state_bucket, lock } =
            records::open(&plan, opening, &downloads, journal.as_ref())?;
        let cache = if writes && opening.cache > 0 { bucket::cache_of(opening.cache) } else { None };
        let (stores, buckets) = open_stores(&plan, opening, &downloads, cache.as_ref(), journal.as_ref())?;
        if let Some(twins) = plan.twins_without_case(|store| !stores.get(store).name_rules().tells_case) {
            return Err(Mistake(twins).into());
        }
        let nodes = NodePlan::new(with_names(specs, &stores));
        let recipes = recipe::in_order(&plan, &nodes, &codes);
        let nodes = Arc::new(nodes.with_refresh(plan.refresh.clone()).with_recipes(recipes));
        let _own = own;
        let workers = || nodes.jobs.iter().map(|job| (job.name.clone(), job.workers));
        let metrics = opening.metrics.then(|| Metrics::new(&plan.graph, workers(), cache.clone()));
        let metrics = metrics.transpose()?.map(Arc::new);
        let traces = opening.traces.map(|sampling| Arc::new(Traces::new(&plan.graph, sampling)));
        if let (Some(metrics), Some(traces)) = (&metrics, &traces) {
            metrics.set_spans(traces.buffer());
        }
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
            code: codes,
            cache,
            memory: opening.memory.unwrap_or(walk::USUAL),
            metrics,
            traces,
            lock,
            home,
            _own,
        })
    }

    /// A run id later than every run that the state store knows.
    ///
    /// # Errors
    /// Where the state store cannot be listed.
    pub async fn next_run(&self) -> anyhow::Result<RunId> {
        Ok(Self::run_after(self.state.runs().await?.last().copied()))
    }

    /// A run id later than that of the last run.
    pub(crate) fn run_after(last: Option<RunId>) -> RunId {
        let millis = now().max(last.map_or(0, RunId::next_millis));
        RunId::new(millis, (salt() as u32).min(u32::MAX - 1)) // the greatest marks the inbox
    }

    /// What a run of these entities is asked to do, with a wave of its own.
    pub fn manifest(&self, run: RunId, selection: Selection) -> Manifest {
        Manifest {
            run,
            graph: self.plan.graph.clone(),
            file: self.plan.file.file_name().map(|name| name.to_string_lossy().into_owned()),
            digest: self.nodes.digest,
            selection,
            wave: salt(),
            resolved: show::effective(&self.plan),
            given: self.plan.given_stores(),
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
            (_, Some(bucket)) if bucket.has_atomic_conditions() => {
                Some(Arc::new(BucketClaims::new(bucket, node, claims::TTL)))
            }
            _ => None,
        })
    }

    /// What a run sees of the outputs.
    pub fn view(&self, run: RunId, force: Force, known: Option<Arc<Presence>>) -> RunView {
        let (plan, stores, state) = (self.nodes.clone(), self.stores.clone(), self.state.clone());
        let standard = Standard::of_inputs(self.nodes.refresh().inputs);
        RunView { plan, stores, state, run, force, now: now(), known, dates: None, standard, refresh: false }
    }

    /// The same of a run that makes this anew although it is there; without a word the graph file decides.
    ///
    /// # Errors
    /// What keeps the code of the jobs or their former recipes from being read.
    pub async fn refreshing_view(
        &self,
        run: RunId,
        (force, refresh): (Force, Option<&Refresh>),
        known: Option<Arc<Presence>>,
    ) -> anyhow::Result<RunView> {
        let standard = self.standard(refresh).await?;
        Ok(RunView { standard, refresh: true, ..self.view(run, force, known) })
    }

    /// What the outputs of such a run are measured by.
    pub(crate) async fn standard(&self, refresh: Option<&Refresh>) -> anyhow::Result<Standard> {
        let refresh = refresh.unwrap_or_else(|| self.nodes.refresh());
        if refresh.recipes == Force::None {
            return Ok(Standard::of_inputs(refresh.inputs));
        }
        let known = self.state.recipes().await.context("could not read what the jobs did before")?;
        Ok(Standard::new(refresh, &self.recipes(), &Arc::new(known)))
    }

    /// The settings of a node of this process, on its own and without claims, over `broker`.
    ///
    /// # Errors
    /// Where no thread can be had to read the code of its jobs.
    pub(crate) async fn node(
        &self,
        broker: Arc<dyn Broker>,
        observer: Arc<dyn Observer>,
        presence: Arc<Presence>,
    ) -> anyhow::Result<NodeSettings> {
        Ok(NodeSettings {
            plan: self.nodes.clone(),
            stores: self.stores.clone(),
            state: self.state.clone(),
            broker,
            claims: None,
            observer,
            presence,
            setup: None,
            name: "local".into(),
            salt: salt(),
            scratch: self.place.scratch.clone(),
            slots: self.slots.clone(),
            served: None,
            isolate: false,
            clock: now,
            traces: self.traces.as_ref().map(|traces| traces.sampling),
            recipes: self.recipes(),
            dates: None,
        })
    }

    /// Where what is known of a catalogue waits that is too large for memory: the scratch space of this process, or the folder
    /// above it that is there, where it was opened to look and makes none.
    pub(crate) fn walk_folder(&self) -> PathBuf {
        let there = self.place.scratch.ancestors().find(|folder| folder.is_dir());
        let takes_files = |folder: &&Path| tempfile::tempfile_in(folder).is_ok();
        there.filter(takes_files).map_or_else(std::env::temp_dir, PathBuf::from)
    }

    /// Keeps a run that has the state alone off it for as long as the lock lives, although this was opened to look; no
    /// lock where there are no records.
    ///
    /// # Errors
    /// Where such a run has the state.
    pub fn share(&self) -> anyhow::Result<Option<Lock>> {
        records::share(self.state_bucket.clone(), &self.here)
    }

    /// How many bytes of buckets were read from this machine instead of being downloaded again.
    pub fn spared_bytes(&self) -> u64 {
        self.cache.as_ref().map_or(0, Cache::spared)
    }

    /// The stores that the graph writes to.
    pub(crate) fn written_stores(&self) -> BTreeSet<&StoreName> {
        self.nodes.jobs.iter().flat_map(|job| job.outputs.iter().map(|output| &output.store)).collect()
    }
}
