//! What all workers of a node share: the plan, the ports, and what the node remembers.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix::Addr;

use crate::broker::Broker;
use crate::claims::Claims;
use crate::dedupe::{Dedupe, LookUp};
use crate::events::Observer;
use crate::ids::JobName;
use crate::memory::{
    InFlight, KnownFailures, KnownRecipes, ListedDates, NextTries, OtherSetups, PassedOn, PendingRequests, Presence,
    PublishIds, UnreadableInputs,
};
use crate::message::{EntityMessage, Hop, Target};
use crate::parent_trigger::ParentTrigger;
use crate::plan::NodePlan;
use crate::setup::OwnSetup;
use crate::state::StateStore;
use crate::storage::{ObjectInfo, ObjectKey, StorageError, StorageErrorKind, Stores};
use crate::trace::Sampling;
use crate::turns::Turns;

/// What assembly hands to a node.
#[derive(Clone)]
#[allow(missing_docs)] // what needs no word has none
pub struct NodeSettings {
    pub plan: Arc<NodePlan>,
    /// All the stores that the plan names.
    pub stores: Stores,
    /// Dead letters, skips, manifests.
    pub state: StateStore,
    pub broker: Arc<dyn Broker>,
    /// Where targets are claimed; none where there is no other node.
    pub claims: Option<Arc<dyn Claims>>,
    pub observer: Arc<dyn Observer>,
    /// The objects that are known to exist, perhaps warmed by a listing.
    pub presence: Arc<Presence>,
    /// What tells which of them may be out of date, where a listing of this node warmed them.
    pub dates: Option<Arc<ListedDates>>,
    /// What this node means by its words; none where no message comes from another process.
    pub setup: Option<Arc<OwnSetup>>,
    /// The node's name, for people.
    pub name: Arc<str>,
    /// Makes message ids unique among nodes.
    pub salt: u64,
    /// Where private folders are made.
    pub scratch: PathBuf,
    /// For the jobs that share the machine's cores: each piece of work has one. Workers of other jobs work whenever they are
    /// free.
    pub slots: HashMap<JobName, Turns>,
    /// The jobs that have a pool on this node, or all. Other nodes serve the rest.
    pub served: Option<Vec<JobName>>,
    /// Whether all work is done in child processes: so when a run is resumed that ended uncleanly.
    pub isolate: bool,
    /// The time, in milliseconds after the Unix epoch: for people, and for the order of runs of the inbox.
    pub clock: fn() -> u64,
    /// Which traces are recorded, where this node tells of spans.
    pub traces: Option<Sampling>,
    /// The recipe of each job: a digest of what its transform does, for the stamps of outputs.
    pub recipes: Arc<BTreeMap<JobName, String>>,
}

/// The settings with the actors and memories of a running node.
pub(crate) struct NodeContext {
    pub settings: NodeSettings,
    pub dedupe: Addr<Dedupe>,
    pub parent_trigger: Addr<ParentTrigger>,
    pub in_flight: InFlight,
    pub pending_requests: PendingRequests,
    pub passed_on: PassedOn,
    pub failures: KnownFailures,
    pub next_tries: NextTries,
    pub unreadable_inputs: UnreadableInputs,
    pub publish_ids: PublishIds,
    pub other_setups: OtherSetups,
    pub known_recipes: KnownRecipes,
    ids: AtomicU64,
    scratches: AtomicU64,
    /// How the paths of private folders start: where they are made, then the process and the node.
    scratch_prefix: OsString,
    #[cfg(feature = "mutants")]
    absences: dashmap::DashSet<ObjectKey>,
}

impl NodeContext {
    /// A node's context around its two service actors.
    pub fn new(settings: NodeSettings, dedupe: Addr<Dedupe>, parent_trigger: Addr<ParentTrigger>) -> Self {
        let start = format!("{}-{:x}-", std::process::id(), settings.salt);
        Self {
            ids: AtomicU64::new(0),
            scratches: AtomicU64::new(0),
            scratch_prefix: settings.scratch.join(start).into_os_string(),
            settings,
            dedupe,
            parent_trigger,
            in_flight: InFlight::default(),
            pending_requests: PendingRequests::default(),
            passed_on: PassedOn::default(),
            failures: KnownFailures::default(),
            next_tries: NextTries::default(),
            unreadable_inputs: UnreadableInputs::default(),
            publish_ids: PublishIds::default(),
            other_setups: OtherSetups::default(),
            known_recipes: KnownRecipes::default(),
            #[cfg(feature = "mutants")]
            absences: dashmap::DashSet::new(),
        }
    }

    pub fn plan(&self) -> &NodePlan {
        &self.settings.plan
    }

    /// A message id that no other node uses.
    pub fn next_id(&self) -> u64 {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        xxhash_rust::xxh3::xxh3_64_with_seed(&count.to_le_bytes(), self.settings.salt)
    }

    /// The path of a private folder that nobody else uses.
    pub fn next_scratch(&self) -> PathBuf {
        let count = self.scratches.fetch_add(1, Ordering::Relaxed);
        let mut path = self.scratch_prefix.clone();
        path.push(count.to_string());
        path.into()
    }

    /// What the store says of an object now.
    ///
    /// # Errors
    /// Those of the store, shared by all workers that share the look-up.
    pub async fn look(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Arc<StorageError>> {
        match self.dedupe.send(LookUp(key.clone())).await {
            Ok(found) => found,
            Err(gone) => {
                let kind = StorageErrorKind::Unavailable;
                Err(Arc::new(StorageError::new(kind, "look up", &*key.path, gone)))
            }
        }
    }

    /// The same for the input of a job. Only here does the wrong variant of the protocol remember absence.
    ///
    /// # Errors
    /// Those of the store, shared by all workers that share the look-up.
    pub async fn look_at_input(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Arc<StorageError>> {
        #[cfg(feature = "mutants")]
        if crate::mutants::active(crate::mutants::Mutant::RememberAbsence) {
            if self.absences.contains(key) {
                return Ok(None);
            }
            let found = self.look(key).await?;
            if found.is_none() {
                self.absences.insert(key.clone());
            }
            return Ok(found);
        }
        self.look(key).await
    }

    /// `message` with one more hop on record.
    pub fn stamped(&self, message: EntityMessage, at: &Target) -> EntityMessage {
        let hop = Hop { job: at.job.clone(), node: self.settings.name.clone(), millis: (self.settings.clock)() };
        message.stopped_at(hop)
    }
}
