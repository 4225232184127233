//! The account of a run: what became of every entity, from stores and records alone.

use std::collections::BTreeMap;

use euterpe_actors::accounting::{Accountant, TargetStatus};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{LetterFilter, Manifest};
use euterpe_actors::storage::{Wholeness, check_whole};
use serde::Serialize;

use super::Session;
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
        Account::of(&self.workspace, &self.accountant(&manifest).await?, &manifest, hashes).await
    }

    /// The accountant of a run, told by a listing what is there where nothing is forced.
    ///
    /// # Errors
    /// What keeps the stores from being read.
    pub(super) async fn accountant(&self, manifest: &Manifest) -> anyhow::Result<Accountant> {
        let force = manifest.selection.force.clone();
        let known = match force {
            Force::All => None,
            Force::None | Force::Jobs(_) => Some(self.survey(manifest.run).await?),
        };
        Ok(Accountant::open(self.sight(manifest.run, force, known)).await?)
    }
}

impl Account {
    async fn of(
        workspace: &Workspace,
        accountant: &Accountant,
        manifest: &Manifest,
        hashes: bool,
    ) -> anyhow::Result<Self> {
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
            hashes: hashes.then(Hashes::default),
            complete: workspace.state.run_end(run).await?.is_some_and(|end| end.complete),
            all_read: workspace.state.has_all_entities(run).await?,
            graph_changed: manifest.digest != workspace.nodes.digest,
        };
        for chunk in workspace.state.chunks(run).await? {
            for entity in workspace.state.chunk(&chunk).await? {
                let standings = accountant.entity(&manifest.selection, &entity).await?;
                if account.hashes.is_some() {
                    account.compare(workspace, &standings, &entity).await?;
                }
                account.add(workspace, &standings, &entity);
            }
        }
        // Names that could not be run are in no chunk; their letters hold no message.
        for key in
            workspace.state.letter_keys(&LetterFilter { run: Some(run.into()), ..LetterFilter::default() }).await?
        {
            let letter = workspace.state.letter(&key).await?;
            if letter.is_some_and(|letter| letter.reason == Reason::BadId && letter.message.is_none()) {
                account.bad_names += 1;
                account.entities += 1;
                account.dead += 1;
                *account.reasons.entry(Reason::BadId).or_default() += 1;
            }
        }
        Ok(account)
    }

    fn add(&mut self, workspace: &Workspace, standings: &[(JobIx, TargetStatus)], entity: &EntityId) {
        self.entities += 1;
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
                match check_whole(&**workspace.stores.get(&key.store), &key.path).await? {
                    Wholeness::Whole => hashes.whole += 1,
                    Wholeness::Unstamped => hashes.foreign += 1,
                    Wholeness::Missing => {}
                    Wholeness::Broken { .. } => {
                        hashes.broken += 1;
                        if hashes.broken_examples.len() < EXAMPLES {
                            hashes.broken_examples.push(key.to_string());
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
