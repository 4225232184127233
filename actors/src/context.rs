//! What all workers of a node share: the plan, the ports, and what the node remembers.

use std::{
    collections::HashMap,
    ffi::OsString,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix::Addr;
use tokio::sync::Semaphore;

use crate::broker::Broker;
use crate::claims::Claims;
use crate::dedupe::{Dedupe, InFlight, LookUp, Presence};
use crate::events::Observer;
use crate::foreign::Publishings;
use crate::ids::JobName;
use crate::message::{EntityMessage, Hop, Target};
use crate::parent_trigger::{Asked, ParentTrigger};
use crate::plan::NodePlan;
use crate::state::StateStore;
use crate::storage::{ObjectInfo, ObjectKey, StorageError, StorageErrorKind, Stores};
use crate::worker::{PassedOn, Verdicts};

/// What assembly hands to a node.
#[derive(Clone)]
pub struct NodeSettings {
    /// The graph.
    pub plan: Arc<NodePlan>,
    /// The stores that the plan names.
    pub stores: Stores,
    /// Dead letters, skips, manifests.
    pub state: StateStore,
    /// The queues.
    pub broker: Arc<dyn Broker>,
    /// Where nodes settle among themselves who works on what; none where there is no other node.
    pub claims: Option<Arc<dyn Claims>>,
    /// Whoever watches.
    pub observer: Arc<dyn Observer>,
    /// What is known to exist, perhaps warmed by a listing.
    pub presence: Arc<Presence>,
    /// The node's name, for people.
    pub name: Arc<str>,
    /// Makes message ids unique among nodes.
    pub salt: u64,
    /// Where private folders are made.
    pub scratch: PathBuf,
    /// The jobs whose workers take turns at the machine: each work holds one permit. Others work whenever they are free.
    pub slots: HashMap<JobName, Arc<Semaphore>>,
    /// The jobs that have a pool here, or all: others serve the rest.
    pub served: Option<Vec<JobName>>,
    /// Whether all work is done in child processes: set when a run is resumed that ended uncleanly.
    pub isolate: bool,
    /// The time, in milliseconds after the Unix epoch; for people, never for decisions.
    pub clock: fn() -> u64,
}

/// The settings with the actors and memories of a running node.
pub struct NodeContext {
    /// What assembly handed in.
    pub settings: NodeSettings,
    /// Answers look-ups.
    pub dedupe: Addr<Dedupe>,
    /// Asks for inputs.
    pub parent_trigger: Addr<ParentTrigger>,
    /// Who works on what.
    pub in_flight: InFlight,
    /// For whom parents were asked.
    pub asked: Asked,
    /// What was passed on already.
    pub passed_on: PassedOn,
    /// What failed for good or was skipped.
    pub verdicts: Verdicts,
    /// What other programs published of late.
    pub publishings: Publishings,
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
            asked: Asked::default(),
            passed_on: PassedOn::default(),
            verdicts: Verdicts::default(),
            publishings: Publishings::default(),
            #[cfg(feature = "mutants")]
            absences: dashmap::DashSet::new(),
        }
    }

    /// The graph.
    pub fn plan(&self) -> &NodePlan {
        &self.settings.plan
    }

    /// A message id that no other node uses.
    pub fn next_id(&self) -> u64 {
        let count = self.ids.fetch_add(1, Ordering::Relaxed);
        xxhash_rust::xxh3::xxh3_64_with_seed(&count.to_le_bytes(), self.settings.salt)
    }

    /// A private folder that nobody else uses.
    pub fn next_scratch(&self) -> PathBuf {
        let count = self.scratches.fetch_add(1, Ordering::Relaxed);
        let mut path = self.scratch_prefix.clone();
        path.push(count.to_string());
        path.into()
    }

    /// What the store says of an object now.
    ///
    /// # Errors
    /// The store's own, shared with all who asked together.
    pub async fn look(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Arc<StorageError>> {
        match self.dedupe.send(LookUp(key.clone())).await {
            Ok(found) => found,
            Err(gone) => {
                let kind = StorageErrorKind::Unavailable;
                Err(Arc::new(StorageError::new(kind, "look up", &*key.path, gone)))
            }
        }
    }

    /// The same for the input of a job; here a wrong variant of the protocol would remember absence.
    ///
    /// # Errors
    /// The store's own, shared with all who asked together.
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

    /// `message` with this stop on its record.
    pub fn stamped(&self, message: EntityMessage, at: &Target) -> EntityMessage {
        let hop = Hop { job: at.job.clone(), node: self.settings.name.clone(), millis: (self.settings.clock)() };
        message.stopped_at(hop)
    }
}
