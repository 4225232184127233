//! Dead letters: which ones are meant, and which of them were made good since.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Force, Target, Wave};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::refresh::Refresh;
use euterpe_actors::standing::input_prints;
use euterpe_actors::state::{DeadLetter, FoundLetter, LetterFilter, LetterOwner, SkipRecord};
use euterpe_actors::storage::StorageErrorKind;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use super::other_runs::OtherRuns;
use crate::clock::now;
use crate::workspace::Workspace;

/// How many outputs are looked for at once: each look may take a bucket's time.
pub(super) const AT_ONCE: usize = 16;

/// Which dead letters are meant, as a caller names them; all where nothing is named.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Of these entities.
    pub entities: Vec<String>,
    /// Of this run, as [`Session::find_origin`] reads it.
    pub run: Option<String>,
    /// Of this job.
    pub job: Option<String>,
    /// Of this reason.
    pub reason: Option<Reason>,
}

/// A dead letter as it lies there.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its key in the state store.
    pub key: String,
    /// The keys of those that it replaced and that are still there.
    pub older: Vec<String>,
    /// What it says.
    pub letter: DeadLetter,
    /// Whether its output is there by now, as fresh as it was wanted.
    pub made_good: bool,
}

impl Letter {
    /// Whether it holds a message for a job of today's graph.
    pub fn can_retry(&self, workspace: &Workspace) -> bool {
        let message = self.letter.message.as_ref();
        message.is_some_and(|message| workspace.nodes.find(message.target.job.as_str()).is_some())
    }
}

impl Session {
    /// The dead letters that are meant, in the order of run, job and entity. Unless a run is named, those of runs with other
    /// stores or of another graph file are left out, and that is said.
    ///
    /// # Errors
    /// A run or job that is not there; the stores' own.
    pub async fn letters(&self, which: &Which) -> anyhow::Result<Vec<Letter>> {
        let mut letters = Vec::new();
        let mut others = OtherRuns::of(self, which.run.is_some());
        for filter in self.filters(which).await? {
            let mut found = Vec::new();
            for one in self.workspace.state.find_letters(&filter).await? {
                if !others.has(one.letter.owner(), 1).await? {
                    found.push(one);
                }
            }
            let look = |FoundLetter { key, older, letter }: FoundLetter| async move {
                let made_good = self.is_made_good(&letter).await?;
                anyhow::Ok(Letter { key, older, letter, made_good })
            };
            let looks: Vec<_> = found.into_iter().map(look).collect();
            letters.extend(stream::iter(looks).buffered(AT_ONCE).try_collect::<Vec<Letter>>().await?);
        }
        others.tell().await?;
        Ok(letters)
    }

    /// Whether a run is none of this graph with these stores.
    ///
    /// # Errors
    /// The state store's own.
    pub(super) async fn is_other(&self, run: RunId) -> anyhow::Result<bool> {
        Ok(self.is_of_other_stores(run).await? || self.is_of_other_file(run).await?)
    }

    /// The entities that have letters that are meant, but for those whose ids are so long that no key tells them.
    ///
    /// # Errors
    /// As [`Session::letters`].
    pub async fn entities_with_letters(&self, which: &Which) -> anyhow::Result<Vec<String>> {
        let mut entities = Vec::new();
        for filter in self.filters(which).await? {
            let list = self.workspace.state.list_letters(&filter).await?;
            entities.extend(list.iter().filter_map(|one| one.entity()));
        }
        entities.sort_unstable();
        entities.dedup();
        Ok(entities)
    }

    /// Gives up what a letter stands for: it counts as skipped from now on. Of a letter that was made good since, that is who
    /// waited and what its wave did not reach, as far as their outputs are missing; of one that no entity has, nothing.
    ///
    /// # Errors
    /// What keeps the records from being written.
    pub async fn give_up(&self, found: &Letter) -> anyhow::Result<()> {
        let (state, nodes) = (&self.workspace.state, &self.workspace.nodes);
        let letter = &found.letter;
        // The skip records first: dying between the two leaves both, and nothing unaccounted for.
        match (&letter.message, found.made_good) {
            (Some(message), true) => {
                for target in hanging_on(nodes, message) {
                    if !self.is_there(&target, message).await? {
                        self.skip(letter, target).await?;
                    }
                }
            }
            (Some(_), false) => {
                if let Ok(entity) = EntityId::new(&letter.entity) {
                    self.skip(letter, Target { job: letter.job.clone(), entity }).await?;
                }
            }
            (None, _) => {}
        }
        if letter.message.is_none() && letter.reason == Reason::BadId && letter.run.is_some() {
            state.drop_name(&letter.entity, &letter.text, letter.source.clone()).await?;
        }
        state.remove_letter(&found.key, &found.older).await?;
        Ok(())
    }

    /// Records that a target is given up because of a letter; nothing where the graph has no such job.
    async fn skip(&self, letter: &DeadLetter, target: Target) -> anyhow::Result<()> {
        let Workspace { nodes, stores, state, .. } = &self.workspace;
        let Some(at) = nodes.find(target.job.as_str()) else { return Ok(()) };
        let inputs = input_prints(nodes, stores, state, at, &target.entity).await?;
        let skip = SkipRecord {
            run: letter.run.unwrap_or(RunId::NEVER),
            job: target.job,
            entity: target.entity,
            reason: Reason::Dropped,
            text: format!("given up after {} of {}({}): {}", letter.reason, letter.job, letter.entity, letter.text),
            settings: nodes.job(at).settings,
            recipe: nodes.recipe(at).map(str::to_owned),
            inputs: Some(inputs),
            millis: now(),
        };
        state.keep_skip(&skip).await?;
        Ok(())
    }

    /// One filter for each entity, or one for all.
    pub(super) async fn filters(&self, which: &Which) -> anyhow::Result<Vec<LetterFilter>> {
        let run = match &which.run {
            Some(text) => Some(self.find_origin(text).await?),
            None => None,
        };
        let job = match &which.job {
            Some(name) => Some(self.job_of_letters(name, run).await?),
            None => None,
        };
        let filter = LetterFilter { run, job, entity: None, reason: which.reason };
        if which.entities.is_empty() {
            return Ok(vec![filter]);
        }
        // An id as people write it; a name that can be none has a letter under the name itself.
        let of = |name: String| LetterFilter { entity: Some(name), ..filter.clone() };
        let both = |name: &String| {
            let id = EntityId::of_name(name).ok().map(String::from).filter(|id| id != name);
            std::iter::once(name.clone()).chain(id).map(of)
        };
        Ok(which.entities.iter().flat_map(both).collect())
    }

    /// A job of the graph, or one that the graph has no more and that has letters.
    async fn job_of_letters(&self, name: &str, run: Option<LetterOwner>) -> anyhow::Result<JobName> {
        let mistake = match self.job(name) {
            Ok(job) => return Ok(job),
            Err(mistake) => mistake,
        };
        let Ok(job) = JobName::new(name) else { return Err(mistake.into()) };
        match self.workspace.state.has_letters(run, Some(&job)).await? {
            true => Ok(job),
            false => Err(mistake.into()),
        }
    }

    /// Whether the outputs that a letter stands for are there, as fresh as its message wanted it.
    ///
    /// # Errors
    /// A store's own.
    pub(super) async fn is_made_good(&self, letter: &DeadLetter) -> anyhow::Result<bool> {
        let Ok(entity) = EntityId::new(&letter.entity) else { return Ok(false) };
        let (asked, run) = match &letter.message {
            Some(message) => ((message.force.clone(), message.refresh.as_ref()), message.run),
            None => ((Force::None, None), RunId::NEVER),
        };
        self.has_output(&Target { job: letter.job.clone(), entity }, asked, run).await
    }

    async fn is_there(&self, target: &Target, message: &EntityMessage) -> anyhow::Result<bool> {
        self.has_output(target, (message.force.clone(), message.refresh.as_ref()), message.run).await
    }

    /// Whether all outputs of a target are there, as fresh as `run` wants them, and none that it would have made anew.
    async fn has_output(&self, target: &Target, asked: (Force, Option<&Refresh>), run: RunId) -> anyhow::Result<bool> {
        let Some(at) = self.workspace.nodes.find(target.job.as_str()) else { return Ok(false) };
        let view = self.workspace.refreshing_view(run, asked, None).await?;
        match view.is_fresh(at, &target.entity).await {
            Err(error) if error.kind == StorageErrorKind::BadKey => Ok(false),
            there => Ok(there?),
        }
    }
}

/// What waits for a message's target, and what its wave would go on to.
fn hanging_on(plan: &NodePlan, message: &EntityMessage) -> Vec<Target> {
    let mut targets: Vec<Target> = message.frames.iter().map(|frame| frame.to.clone()).collect();
    let outermost = message.frames.first().map_or(&message.target, |frame| &frame.to);
    if let Base::Down(wave) = &message.base {
        let below = Wave { id: 0, origins: vec![outermost.job.clone()], only: wave.only.clone() };
        let target = |at: JobIx| Target { job: plan.job(at).name.clone(), entity: outermost.entity.clone() };
        targets.extend(plan.reach(&below).into_iter().map(target));
    }
    targets.sort_unstable();
    targets.dedup();
    targets.retain(|target| *target != message.target);
    targets
}

/// How many messages with the body of this letter came to all nodes that are among these letters; 1 for a letter of a message.
pub fn times(letter: &DeadLetter, found: &[Letter]) -> u64 {
    let same = |other: &&Letter| {
        let other = &other.letter;
        other.is_unreadable() && (&other.job, &other.entity) == (&letter.job, &letter.entity)
    };
    if letter.is_unreadable() { found.iter().filter(same).map(|other| other.letter.times).sum() } else { 1 }
}

/// Letters by job and entity; the newest of each speaks for all.
pub fn by_target(found: &[Letter]) -> BTreeMap<(JobName, String), &Letter> {
    let mut targets: BTreeMap<(JobName, String), &Letter> = BTreeMap::new();
    for one in found {
        let target = (one.letter.job.clone(), one.letter.entity.clone());
        let newest = targets.entry(target).or_insert(one);
        if one.letter.millis > newest.letter.millis {
            *newest = one;
        }
    }
    targets
}
