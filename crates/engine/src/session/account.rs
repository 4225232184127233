//! The account of a run: what became of every entity, from stores and records alone.

use std::collections::BTreeMap;

use euterpe_actors::accounting::{TargetStatus, gone_jobs, is_taken};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{Manifest, Selection};
use euterpe_actors::storage::{ObjectKey, StorageErrorKind, Stores, Wholeness, check_whole};
use serde::Serialize;

use super::Session;
use crate::run::statuses::{Batch, EntityStatus, Sight, Statuses, sight_of, sight_until_over, strict_sight_of};
use crate::run::survey::Survey;
use crate::workspace::Workspace;

/// How many examples of each kind are shown.
const EXAMPLES: usize = 5;

/// What became of a run's entities. `entities = done + skipped + dead + open`, each by the worst of its jobs.
#[derive(Debug, Serialize)]
pub struct Account {
    /// The run.
    pub run: RunId,
    /// How many entities it had.
    pub entities: u64,
    /// Those whose required outputs are all there.
    pub done: u64,
    /// Those that a transform declined or somebody gave up, and nothing worse.
    pub skipped: u64,
    /// Those with a dead letter, and nothing open.
    pub dead: u64,
    /// Those with work left.
    pub open: u64,
    /// Of the dead: names that could not be run at all.
    pub bad_names: u64,
    /// Entities by the reasons of the failures that they end at; one can end at several.
    pub reasons: BTreeMap<Reason, u64>,
    /// The same for each job.
    pub jobs: BTreeMap<JobName, Standings>,
    /// The jobs, parents before children.
    #[serde(skip)]
    pub order: Vec<JobName>,
    /// Some of what is open.
    pub open_examples: Vec<Target>,
    /// The jobs that the run asked for and that the graph has no more. While there are some, each entity is open.
    pub unknown_jobs: Vec<JobName>,
    /// Entities whose form no job of the graph takes any more; they are open.
    pub not_taken: u64,
    /// Some of these.
    pub not_taken_examples: Vec<EntityId>,
    /// Records of the run's ids that cannot be read: what stands in them is in no other number here.
    pub unreadable_chunks: u64,
    /// Outputs whose content is not what their stamp says, of those that were read.
    pub hashes: Option<Hashes>,
    /// Whether the run has an end record that says that it was brought to its end.
    pub complete: bool,
    /// Whether it is known to have read all of its ids.
    pub all_read: bool,
    /// Whether the graph is not what it was.
    pub graph_changed: bool,
}

/// What became of one job's entities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standings {
    /// Those whose output is there.
    pub done: u64,
    /// Those that were declined or given up, here or at an ancestor.
    pub skipped: u64,
    /// Those with a dead letter, here or at an ancestor.
    pub dead: u64,
    /// Those with work left.
    pub open: u64,
}

/// What reading the outputs showed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hashes {
    /// Outputs whose content is what their stamp says.
    pub whole: u64,
    /// Outputs without a stamp.
    pub foreign: u64,
    /// Outputs whose content is another.
    pub broken: u64,
    /// Some of these.
    pub broken_examples: Vec<String>,
}

impl Session {
    /// Accounts for every entity of a run, chunk by chunk; with `hashes` every output that is there is read and compared
    /// with its stamp.
    ///
    /// # Errors
    /// A run whose manifest is gone; what keeps the stores from being read.
    pub async fn check(&self, run: RunId, hashes: bool) -> anyhow::Result<Account> {
        let manifest = self.manifest(run).await?;
        if let Err(other) = self.refuse_other_file(&manifest) {
            tracing::warn!("{other}");
        }
        Account::of(&self.workspace, &sight_until_over(&self.workspace, &manifest).await?, &manifest, hashes).await
    }

    /// Whether all that a run asked for is done, skipped or dead, although no record says that it was brought to its end: so
    /// it is with what was published, and what nodes went on with after their run was stopped. `now` tells what is there, and
    /// what may be out of date.
    ///
    /// # Errors
    /// What keeps the stores from being read.
    pub(super) async fn is_over(&self, manifest: &Manifest, now: &Survey) -> anyhow::Result<bool> {
        let (state, nodes) = (&self.workspace.state, &self.workspace.nodes);
        let (run, selection) = (manifest.run, &manifest.selection);
        // What other stores hold, and what another graph asks for, is not known here.
        if self.has_other_stores(manifest) || self.other_file(manifest).is_some() {
            return Ok(false);
        }
        if selection.ping || !gone_jobs(nodes, selection).is_empty() || !state.has_all_entities(run).await? {
            return Ok(false);
        }
        let known = (selection.force != Force::All).then_some(now);
        // Where nothing is out of date by now, nothing was when the run began.
        let strict = match (known, &now.dates) {
            (Some(now), Some(_)) => strict_sight_of(&self.workspace, manifest, now).await?,
            _ => sight_of(&self.workspace, manifest, known).await?,
        };
        if self.all_ended(manifest, &strict).await? {
            return Ok(true);
        }
        // Else one more listing tells what was replaced since; where outputs are missing, none is needed.
        Ok(now.dates.is_some()
            && self.all_ended(manifest, &sight_of(&self.workspace, manifest, known).await?).await?
            && self.all_ended(manifest, &sight_until_over(&self.workspace, manifest).await?).await?)
    }

    /// Whether nothing of a run is open, as `sight` finds it.
    async fn all_ended(&self, manifest: &Manifest, sight: &Sight) -> anyhow::Result<bool> {
        let (nodes, selection) = (&self.workspace.nodes, &manifest.selection);
        let mut statuses = Statuses::open(&self.workspace, sight, manifest).await?;
        while let Some(batch) = statuses.next().await? {
            let Batch::Entities(some) = batch else { return Ok(false) };
            let is_open = |(entity, standings): &EntityStatus| {
                standings.iter().any(|(_, standing)| *standing == TargetStatus::Open)
                    || !is_taken(nodes, selection, entity)
            };
            if some.iter().any(is_open) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Account {
    async fn of(workspace: &Workspace, sight: &Sight, manifest: &Manifest, hashes: bool) -> anyhow::Result<Self> {
        let run = manifest.run;
        let mut account = Self {
            run,
            entities: 0,
            done: 0,
            skipped: 0,
            dead: 0,
            open: 0,
            bad_names: 0,
            reasons: BTreeMap::new(),
            jobs: workspace.nodes.jobs.iter().map(|job| (job.name.clone(), Standings::default())).collect(),
            order: workspace.nodes.jobs.iter().map(|job| job.name.clone()).collect(),
            open_examples: Vec::new(),
            unknown_jobs: gone_jobs(&workspace.nodes, &manifest.selection),
            not_taken: 0,
            not_taken_examples: Vec::new(),
            unreadable_chunks: 0,
            hashes: hashes.then(Hashes::default),
            complete: workspace.state.run_end(run).await?.is_some_and(|end| end.complete),
            all_read: workspace.state.has_all_entities(run).await?,
            graph_changed: manifest.digest != workspace.nodes.digest,
        };
        let mut statuses = Statuses::open(workspace, sight, manifest).await?;
        while let Some(batch) = statuses.next().await? {
            let Batch::Entities(some) = batch else {
                account.unreadable_chunks += 1;
                continue;
            };
            for (entity, standings) in &some {
                if account.hashes.is_some() {
                    account.compare(workspace, standings, entity).await?;
                }
                account.add(workspace, &manifest.selection, standings, entity);
            }
        }
        // Names that could not be run are in no chunk.
        account.bad_names = sight.bad_names();
        if account.bad_names > 0 {
            account.entities += account.bad_names;
            account.dead += account.bad_names;
            *account.reasons.entry(Reason::BadId).or_default() += account.bad_names;
        }
        Ok(account)
    }

    fn add(
        &mut self,
        workspace: &Workspace,
        selection: &Selection,
        standings: &[(JobIx, TargetStatus)],
        entity: &EntityId,
    ) {
        self.entities += 1;
        let is_taken = selection.ping || is_taken(&workspace.nodes, selection, entity);
        if !is_taken && self.unknown_jobs.is_empty() {
            self.not_taken += 1;
            if self.not_taken_examples.len() < EXAMPLES {
                self.not_taken_examples.push(entity.clone());
            }
        }
        let mut reasons: Vec<Reason> = Vec::new();
        for (at, standing) in standings {
            let job = &workspace.nodes.job(*at).name;
            let count = self.jobs.entry(job.clone()).or_default();
            match standing {
                TargetStatus::Done => count.done += 1,
                TargetStatus::Skipped(_, reason) => {
                    count.skipped += 1;
                    reasons.push(*reason);
                }
                TargetStatus::Dead(_, reason) => {
                    count.dead += 1;
                    reasons.push(*reason);
                }
                TargetStatus::Open => {
                    count.open += 1;
                    if self.open_examples.len() < EXAMPLES {
                        self.open_examples.push(Target { job: job.clone(), entity: entity.clone() });
                    }
                }
            }
        }
        reasons.sort_unstable();
        reasons.dedup();
        reasons.into_iter().for_each(|reason| *self.reasons.entry(reason).or_default() += 1);
        match standings.iter().map(|(_, standing)| standing).max() {
            _ if !is_taken || !self.unknown_jobs.is_empty() => self.open += 1,
            None | Some(TargetStatus::Done) => self.done += 1,
            Some(TargetStatus::Skipped(..)) => self.skipped += 1,
            Some(TargetStatus::Dead(..)) => self.dead += 1,
            Some(TargetStatus::Open) => self.open += 1,
        }
    }

    async fn compare(
        &mut self,
        workspace: &Workspace,
        standings: &[(JobIx, TargetStatus)],
        entity: &EntityId,
    ) -> anyhow::Result<()> {
        let Some(hashes) = &mut self.hashes else { return Ok(()) };
        for (at, _) in standings {
            let job = workspace.nodes.job(*at);
            let Some(parts) = job.form.split(entity) else { continue };
            for output in &job.outputs {
                let key = output.key_of(&parts);
                let path = path_of(&workspace.stores, &key).await?;
                let store = workspace.stores.get(&key.store);
                let made_of = store.look(path).await?.and_then(|found| found.stamp?.entity);
                if let Some(made_of) =
                    made_of.filter(|made_of| key.owner.as_deref().is_some_and(|own| own != made_of.as_str()))
                {
                    hashes.broken(format!("{key}, which was made for `{made_of}`"));
                    continue;
                }
                match check_whole(&**store, path).await? {
                    Wholeness::Whole => hashes.whole += 1,
                    Wholeness::Unstamped => hashes.foreign += 1,
                    Wholeness::Missing => {}
                    Wholeness::Broken { .. } => hashes.broken(key.to_string()),
                }
            }
        }
        Ok(())
    }
}

impl Hashes {
    /// Counts an output whose content is not what it should be.
    fn broken(&mut self, what: String) {
        self.broken += 1;
        if self.broken_examples.len() < EXAMPLES {
            self.broken_examples.push(what);
        }
    }
}

/// The path under which an output is to be read.
async fn path_of<'k>(stores: &Stores, key: &'k ObjectKey) -> anyhow::Result<&'k str> {
    if key.former.is_empty() {
        return Ok(&key.path);
    }
    match stores.find(key).await {
        Ok(found) => Ok(found.map_or(&*key.path, |(path, _)| path)),
        Err(error) if error.kind == StorageErrorKind::BadKey => Ok(&key.path), // another's, which is compared with its own
        Err(error) => Err(error.into()),
    }
}
