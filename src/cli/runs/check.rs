//! `runs check`: is every entity of a run accounted for? From stores and records alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use euterpe_actors::accounting::{Accountant, RunView, TargetStatus};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::{Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{LetterFilter, Manifest};
use euterpe_actors::storage::{Wholeness, check_whole};
use serde::Serialize;

use super::{One, inbox, which};
use crate::cli::place::wait_for;
use crate::cli::run::REMEMBERED;
use crate::cli::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::Opened;
use euterpe_engine::run::survey;

/// Account for every entity of a run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    one: One,

    /// Also read every output that is there and compare it with its stamp.
    #[arg(long)]
    hashes: bool,
}

/// How many examples of each kind are shown.
const EXAMPLES: usize = 5;

/// What became of a run's entities. `entities = done + skipped + dead + open`, each by the worst of its jobs.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Account {
    pub run: RunId,
    pub entities: u64,
    pub done: u64,
    pub skipped: u64,
    pub dead: u64,
    pub open: u64,
    /// Of the dead: names that could not be run at all.
    pub bad_names: u64,
    /// Entities by the reasons of the failures that they end at; one can end at several.
    pub reasons: BTreeMap<Reason, u64>,
    pub jobs: BTreeMap<JobName, Standings>,
    /// The jobs, parents before children.
    #[serde(skip)]
    pub order: Vec<JobName>,
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
pub(in crate::cli) struct Standings {
    pub done: u64,
    pub skipped: u64,
    pub dead: u64,
    pub open: u64,
}

/// What reading the outputs showed.
#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::cli) struct Hashes {
    pub whole: u64,
    pub foreign: u64,
    pub broken: u64,
    pub broken_examples: Vec<String>,
}

/// Checks a run.
///
/// # Errors
/// A run that is not there; what keeps the stores from being read.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let opened = match args.one.place.look(registry, out)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    if which::is_inbox(&args.one.run) {
        return inbox::check(&opened, &args.one.place.typed(), out);
    }
    let account = wait_for(async {
        let run = which::find(&opened.state, &args.one.run).await?;
        let manifest = which::manifest(&opened.state, run).await?;
        Account::of(&opened, &manifest, args.hashes).await
    })?;
    account.show(&args.one.place.typed(), out)
}

impl Account {
    /// Accounts for a run, chunk by chunk.
    ///
    /// # Errors
    /// What keeps the stores from being read.
    pub async fn of(opened: &Opened, manifest: &Manifest, hashes: bool) -> anyhow::Result<Self> {
        let run = manifest.run;
        let accountant = accountant(opened, manifest).await?;
        let mut account = Self {
            run,
            entities: 0,
            done: 0,
            skipped: 0,
            dead: 0,
            open: 0,
            bad_names: 0,
            reasons: BTreeMap::new(),
            jobs: opened.nodes.jobs.iter().map(|job| (job.name.clone(), Standings::default())).collect(),
            order: opened.nodes.jobs.iter().map(|job| job.name.clone()).collect(),
            open_examples: Vec::new(),
            hashes: hashes.then(Hashes::default),
            complete: opened.state.run_end(run).await?.is_some_and(|end| end.complete),
            all_read: opened.state.has_all_entities(run).await?,
            graph_changed: manifest.digest != opened.nodes.digest,
        };
        for chunk in opened.state.chunks(run).await? {
            for entity in opened.state.chunk(&chunk).await? {
                let standings = accountant.entity(&manifest.selection, &entity).await?;
                if account.hashes.is_some() {
                    account.compare(opened, &standings, &entity).await?;
                }
                account.add(opened, &standings, &entity);
            }
        }
        // Names that could not be run are in no chunk; their letters hold no message.
        for key in opened.state.letter_keys(&LetterFilter { run: Some(run.into()), ..LetterFilter::default() }).await? {
            let letter = opened.state.letter(&key).await?;
            if letter.is_some_and(|letter| letter.reason == Reason::BadId && letter.message.is_none()) {
                account.bad_names += 1;
                account.entities += 1;
                account.dead += 1;
                *account.reasons.entry(Reason::BadId).or_default() += 1;
            }
        }
        Ok(account)
    }

    fn add(&mut self, opened: &Opened, standings: &[(JobIx, TargetStatus)], entity: &EntityId) {
        self.entities += 1;
        let mut reasons: Vec<Reason> = Vec::new();
        for (at, standing) in standings {
            let job = &opened.nodes.job(*at).name;
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
        opened: &Opened,
        standings: &[(JobIx, TargetStatus)],
        entity: &EntityId,
    ) -> anyhow::Result<()> {
        let Some(hashes) = &mut self.hashes else { return Ok(()) };
        for (at, _) in standings {
            let job = opened.nodes.job(*at);
            let Some(parts) = job.form.split(entity) else { continue };
            for output in &job.outputs {
                let key = output.key_of(&parts);
                match check_whole(&**opened.stores.get(&key.store), &key.path).await? {
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

    /// How the program ends by this account.
    pub fn exit(&self) -> Exit {
        let broken = self.hashes.as_ref().is_some_and(|hashes| hashes.broken > 0);
        match (self.open, self.dead) {
            _ if broken => Exit::Failed,
            (0, 0) => Exit::Ok,
            (0, _) => Exit::DeadLetters,
            _ => Exit::Failed,
        }
    }
}

/// The accountant of a run, told by a listing what is there where nothing is forced.
///
/// # Errors
/// What keeps the stores from being read.
pub(super) async fn accountant(opened: &Opened, manifest: &Manifest) -> anyhow::Result<Accountant> {
    let force = manifest.selection.force.clone();
    let known = match force {
        Force::All => None,
        Force::None | Force::Jobs(_) => {
            let presence = Arc::new(Presence::up_to(REMEMBERED));
            survey::survey(&opened.nodes, &opened.stores, &presence, manifest.run).await?;
            Some(presence)
        }
    };
    let (plan, stores, state) = (opened.nodes.clone(), opened.stores.clone(), opened.state.clone());
    Ok(Accountant::open(RunView { plan, stores, state, run: manifest.run, force, known }).await?)
}
