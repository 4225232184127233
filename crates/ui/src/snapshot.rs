//! What was counted of a graph at one time; pages show it.

use std::sync::Arc;
use std::time::Duration;

use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{Counts, RunEnd};
use euterpe_engine::{IdsFrom, InventoryRequest, ItemState, RunRecord, Session, Which, asked};
use euterpe_graph_file::drawing::{Count, Picture, svg};
use serde::Serialize;

use crate::catalogue::{Catalogue, MOST};
use crate::words::{STATES, now};

/// How many dead letters of a group are shown beside its number.
const EXAMPLES: usize = 3;

/// What was counted of a graph at one time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// When, in milliseconds after the Unix epoch.
    pub millis: u64,
    /// How long the counting took.
    pub took: Duration,
    /// The name of the graph.
    pub graph: String,
    /// The graph as a picture.
    pub picture: String,
    /// Its jobs, parents first.
    pub jobs: Vec<JobLine>,
    /// How many entities there are.
    pub entities: u64,
    /// How many names in its sources are no entities.
    pub bad_names: u64,
    /// The entities; none where there are too many.
    pub catalogue: Option<Catalogue>,
    /// Whether they are those of runs: the graph has no source whose names could be listed.
    pub is_from_runs: bool,
    /// Its runs, the newest first.
    pub runs: Vec<RunLine>,
    /// Its dead letters by job and reason.
    pub letters: Vec<LetterLine>,
    /// How many dead letters were made good since.
    pub made_good: u64,
}

/// A job.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JobLine {
    /// Its name.
    pub name: JobName,
    /// What it runs.
    pub transform: String,
    /// How many entities are in each state, in the order of [`STATES`].
    #[serde(skip)]
    pub counts: [u64; 5],
}

impl JobLine {
    /// How many entities are in a state.
    pub(crate) fn count(&self, state: ItemState) -> u64 {
        STATES.iter().position(|other| *other == state).map_or(0, |at| self.counts[at])
    }

    /// How many entities it takes.
    pub(crate) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many entities a run would make something of.
    pub(crate) fn left(&self) -> u64 {
        self.count(ItemState::Missing) + self.count(ItemState::Stale)
    }
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunLine {
    /// Its id.
    pub run: RunId,
    /// What it was asked to do.
    pub asked: String,
    /// How it is or was.
    pub state: RunState,
    /// When it ended, in milliseconds after the Unix epoch.
    pub ended: Option<u64>,
    /// How many entities it had, where it ended.
    pub entities: Option<u64>,
    /// What became of them, by job.
    pub jobs: Vec<(JobName, RunCounts)>,
    /// The longest works: job, entity, milliseconds.
    pub slowest: Vec<(JobName, EntityId, u64)>,
    /// How many dead letters of it there are now.
    pub dead_letters: usize,
}

/// How a run is or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunState {
    /// Everything came to its end.
    Complete,
    /// It was stopped or only published, and everything came to its end since.
    Over,
    /// It was stopped.
    Stopped,
    /// It goes on, or its process died.
    Unended,
}

/// What became of a job's entities in a run.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct RunCounts {
    /// Made.
    pub done: u64,
    /// There before.
    pub exists: u64,
    /// Declined.
    pub skipped: u64,
    /// Failed for good.
    pub dead: u64,
    /// How long its works took, added up, in milliseconds.
    pub millis: u64,
}

/// Dead letters of one job and reason.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LetterLine {
    /// The job.
    pub job: JobName,
    /// The reason.
    pub reason: Reason,
    /// How many there are.
    pub count: u64,
    /// When the first and the last were written, in milliseconds after the Unix epoch.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// Some entities, each with what its letter says.
    pub examples: Vec<(String, String)>,
}

impl Snapshot {
    /// Counts.
    ///
    /// # Errors
    /// What keeps stores and records from being read.
    pub(crate) async fn of(session: &Session) -> anyhow::Result<Self> {
        let begun = std::time::Instant::now();
        let plan = &session.workspace().plan;
        let job = |job: &euterpe_graph_file::plan::Job| JobLine {
            name: job.name.clone(),
            transform: job.transform.clone(),
            counts: [0; 5],
        };
        let mut snapshot = Self {
            millis: now(),
            took: Duration::ZERO,
            graph: plan.graph.to_string(),
            picture: String::new(),
            jobs: plan.jobs.iter().map(job).collect(),
            entities: 0,
            bad_names: 0,
            catalogue: None,
            is_from_runs: false,
            runs: Vec::new(),
            letters: Vec::new(),
            made_good: 0,
        };
        snapshot.list(session).await?;
        snapshot.picture = snapshot.drawn(session);
        snapshot.runs = session.runs().await?.into_iter().rev().map(RunLine::of).collect();
        let groups = session.letter_groups(&Which::default(), EXAMPLES).await?;
        snapshot.made_good = groups.made_good;
        for ((job, reason), group) in groups.groups {
            let examples = group.examples.into_iter().map(|(letter, _)| (letter.entity, letter.text)).collect();
            let (count, first, last) = (group.count, group.first, group.last);
            snapshot.letters.push(LetterLine { job, reason, count, first, last, examples });
        }
        snapshot.took = begun.elapsed();
        Ok(snapshot)
    }

    async fn list(&mut self, session: &Session) -> anyhow::Result<()> {
        let request = InventoryRequest::default();
        let mut inventory = match session.inventory(&request, IdsFrom::Sources).await {
            // A graph without a source that could be listed has the entities that runs were given.
            Err(error) if error.is::<euterpe_engine::Mistake>() => {
                self.is_from_runs = true;
                session.inventory(&request, IdsFrom::Named(session.recorded_ids(MOST).await?)).await?
            }
            listed => listed?,
        };
        let mut catalogue = Catalogue::new(self.jobs.len());
        while let Some(entries) = inventory.next().await? {
            for entry in entries {
                self.entities += 1;
                for item in &entry.items {
                    let at = STATES.iter().position(|state| *state == item.state);
                    if let (Some(at), Some(job)) = (at, self.jobs.get_mut(item.at.0)) {
                        job.counts[at] += 1;
                    }
                }
                catalogue.push(entry.entity.as_str(), entry.items.iter().map(|item| (item.at.0, item.state)));
            }
        }
        self.bad_names = inventory.bad_names;
        self.catalogue = catalogue.sorted();
        Ok(())
    }

    fn drawn(&self, session: &Session) -> String {
        let mut picture = Picture::of(&session.workspace().plan);
        for vertex in &mut picture.vertices {
            let job = self.jobs.iter().find(|job| vertex.transform.is_some() && job.name.as_str() == vertex.name);
            vertex.count = job.map(|job| {
                let have = job.count(ItemState::Done);
                Count { have, missing: job.total() - have }
            });
        }
        svg::draw(&picture)
    }

    /// How many dead letters there are.
    pub(crate) fn dead(&self) -> u64 {
        self.letters.iter().map(|group| group.count).sum()
    }

    /// How many outputs are missing or out of date.
    pub(crate) fn left(&self) -> u64 {
        self.jobs.iter().map(JobLine::left).sum()
    }

    /// The run of an id.
    pub(crate) fn run(&self, id: &str) -> Option<&RunLine> {
        self.runs.iter().find(|run| run.run.to_string() == id)
    }

    /// The number of a job.
    pub(crate) fn job(&self, name: &str) -> Option<usize> {
        self.jobs.iter().position(|job| job.name.as_str() == name)
    }

    /// The share of each job in the work of the newest run that did any, as far as it is known.
    pub(crate) fn shares(&self) -> Vec<(JobName, f64)> {
        let millis = |run: &&RunLine| run.jobs.iter().map(|(_, counts)| counts.millis).sum::<u64>();
        let Some(run) = self.runs.iter().find(|run| millis(run) > 0) else { return Vec::new() };
        let all = millis(&run) as f64;
        run.jobs.iter().map(|(job, counts)| (job.clone(), counts.millis as f64 / all)).collect()
    }
}

impl RunLine {
    fn of(record: RunRecord) -> Self {
        let RunRecord { manifest, end, all_read, letters, is_over } = record;
        let state = match &end {
            Some(end) if end.complete && all_read => RunState::Complete,
            _ if is_over => RunState::Over,
            Some(_) => RunState::Stopped,
            None => RunState::Unended,
        };
        let (run, asked) = (manifest.run, asked(&manifest.selection));
        let mut line = Self {
            run,
            asked,
            state,
            ended: None,
            entities: None,
            jobs: Vec::new(),
            slowest: Vec::new(),
            dead_letters: letters,
        };
        if let Some(RunEnd { millis, entities, jobs, slowest, .. }) = end {
            (line.ended, line.entities) = (Some(millis), Some(entities));
            line.jobs = jobs.into_iter().map(|(job, counts)| (job, counts.into())).collect();
            line.slowest = slowest.into_iter().map(|slow| (slow.job, slow.entity, slow.millis)).collect();
        }
        line
    }

    /// How long it took, where it ended.
    pub(crate) fn took(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.ended?.saturating_sub(self.run.millis())))
    }
}

impl From<Counts> for RunCounts {
    fn from(counts: Counts) -> Self {
        let Counts { done, exists, skipped, dead, millis } = counts;
        Self { done, exists, skipped, dead, millis }
    }
}

/// The newest snapshot, or what keeps it from being made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newest {
    /// It goes up with each change.
    pub version: u64,
    /// The last one that could be made.
    pub snapshot: Option<Arc<Snapshot>>,
    /// What keeps the next one from being made.
    pub trouble: Option<String>,
}
