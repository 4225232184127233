//! Watches a node and reports: each ended message to who follows its run, now and then the whole to who asks.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::message::{EntityMessage, Kind};
use euterpe_actors::outcome::{Outcome, Reason};
use euterpe_actors::setup::OwnSetup;
use tokio::time::Instant;

use super::in_hand::InHand;
use super::report::{JobReport, NODE_KEY, NodeReport, Note, Notes, run_key};
use super::work_times::whole_millis;

/// How long notes are gathered before they are sent.
pub const GATHER: Duration = Duration::from_millis(100);
/// How many gathered notes are sent at once.
const MOST: usize = 500;
/// How often a node says how it is.
pub const SAY: Duration = Duration::from_secs(1);

/// Where reports go: a key and what is said. False where it was lost at once.
pub type Mouth = Arc<dyn Fn(String, Vec<u8>) -> bool + Send + Sync>;

/// For how many seconds the message of a job that came last had waited.
pub type Waited = Arc<dyn Fn(&JobName) -> u64 + Send + Sync>;

/// How many bytes were not downloaded.
pub type Spared = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What the worker processes of a job said of their packages.
pub type Packages = Arc<dyn Fn(&JobName) -> BTreeMap<String, String> + Send + Sync>;

/// Watches a node as its [`Observer`].
pub struct Reporter {
    node: String,
    mouth: Mouth,
    waited: Waited,
    spared: Spared,
    packages: Packages,
    /// What the node means by its words, where it tells.
    setup: Option<Arc<OwnSetup>>,
    started: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    gathered: HashMap<RunId, Vec<Note>>,
    numbers: HashMap<RunId, u64>,
    jobs: BTreeMap<JobName, JobReport>,
    in_hand: InHand,
    draining: bool,
}

/// How many runs a node numbers its reports of; beyond that it begins anew, which whoever follows takes for a gap.
const RUNS: usize = 256;

impl Reporter {
    /// A reporter of the node called `node`, which serves these jobs with so many workers each.
    pub fn new(
        node: &str,
        jobs: impl IntoIterator<Item = (JobName, usize)>,
        mouth: Mouth,
        waited: Waited,
        spared: Spared,
        packages: Packages,
        setup: Option<Arc<OwnSetup>>,
    ) -> Arc<Self> {
        let jobs = jobs.into_iter().map(|(job, workers)| (job, JobReport { workers, ..JobReport::default() }));
        let inner = Mutex::new(Inner { jobs: jobs.collect(), ..Inner::default() });
        Arc::new(Self { node: node.to_owned(), mouth, waited, spared, packages, setup, started: Instant::now(), inner })
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports now and then, until it is dropped.
    pub async fn report(&self) -> std::convert::Infallible {
        let mut said = Instant::now() - SAY;
        loop {
            self.flush();
            if said.elapsed() >= SAY {
                said = Instant::now();
                self.say();
            }
            tokio::time::sleep(GATHER).await;
        }
    }

    /// The node takes no more.
    pub fn drains(&self) {
        self.locked().draining = true;
        self.say();
    }

    /// Sends what was gathered.
    pub fn flush(&self) {
        let gathered: Vec<(RunId, Vec<Note>)> = self.locked().gathered.drain().collect();
        gathered.into_iter().for_each(|(run, notes)| self.send(run, notes));
    }

    fn send(&self, run: RunId, notes: Vec<Note>) {
        let number = {
            let mut inner = self.locked();
            if inner.numbers.len() > RUNS {
                inner.numbers.clear();
            }
            let number = inner.numbers.entry(run).or_default();
            *number += 1;
            *number - 1
        };
        self.tell(run_key(run), &Notes { node: self.node.clone(), run, number, notes });
    }

    fn say(&self) {
        let report = {
            let inner = self.locked();
            let mut jobs = inner.jobs.clone();
            jobs.iter_mut().for_each(|(name, job)| {
                job.waited = (self.waited)(name);
                job.packages = (self.packages)(name);
            });
            for held in inner.in_hand.longest_first() {
                if let Some(job) = jobs.get_mut(&held.job) {
                    if job.in_work == 0 {
                        (job.longest, job.longest_entity) = (held.took.as_secs(), Some(held.entity));
                    }
                    job.in_work += 1;
                }
            }
            NodeReport {
                node: self.node.clone(),
                seconds: self.started.elapsed().as_secs(),
                draining: inner.draining,
                not_downloaded_bytes: (self.spared)(),
                jobs,
                setup: self.setup.as_ref().map(|own| own.setup.clone()),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }
        };
        self.tell(NODE_KEY.to_owned(), &report);
    }

    fn tell(&self, key: String, report: &impl serde::Serialize) {
        let said = serde_json::to_vec(report).map(|body| (self.mouth)(key, body));
        match said {
            Ok(true) => {}
            Ok(false) => tracing::debug!("a report was lost; who follows the run looks at storage"),
            Err(error) => tracing::error!(%error, "a report could not be written"),
        }
    }

    fn handled(&self, message: &EntityMessage, outcome: Outcome, why: Option<(Reason, &str)>) {
        let why = match &message.kind {
            Kind::Failed(failure) => Some((failure.reason, failure.text.as_str())),
            Kind::Work => why,
        };
        let (job, entity) = (message.target.job.clone(), message.target.entity.clone());
        let mut inner = self.locked();
        let millis = inner.in_hand.end(&job, &entity, message.id).map(whole_millis);
        if let Some(counts) = inner.jobs.get_mut(&job) {
            match outcome {
                Outcome::Done => counts.done += 1,
                Outcome::Exists => counts.exists += 1,
                Outcome::Skipped => counts.skipped += 1,
                Outcome::Dead | Outcome::Malformed => counts.dead += 1,
                Outcome::Retried => counts.retried += 1,
                Outcome::Parked => counts.parked += 1,
                _ => {}
            }
        }
        let is_told = matches!(
            outcome,
            Outcome::Done
                | Outcome::Exists
                | Outcome::Skipped
                | Outcome::UpstreamFailed
                | Outcome::Dead
                | Outcome::Ping
                | Outcome::Retried
        );
        if !is_told {
            return;
        }
        if let (Outcome::Retried | Outcome::Dead, Some((reason, text))) = (outcome, why) {
            let what = if outcome == Outcome::Dead { "dead" } else { "will be tried again" };
            tracing::info!(%job, %entity, attempt = message.attempt, %reason, "{what}: {text}");
        }
        let (reason, text) = why.map_or((None, String::new()), |(reason, text)| (Some(reason), text.to_owned()));
        let note = Note { job, entity, outcome, reason, text, attempt: message.attempt, millis };
        let gathered = inner.gathered.entry(message.run).or_default();
        gathered.push(note);
        if gathered.len() >= MOST {
            let notes = std::mem::take(gathered);
            drop(inner);
            self.send(message.run, notes);
        }
    }
}

impl Observer for Reporter {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Started { job, entity, message } => self.locked().in_hand.begin(job, entity, message.id),
            Event::Abandoned { job, entity, message } => {
                self.locked().in_hand.end(job, entity, *message);
            }
            Event::Handled { message: Some(message), outcome, why, .. } => self.handled(message, *outcome, *why),
            // A body that was put into an envelope, or put off for a newer version: its message ends elsewhere.
            Event::Handled { message: None, outcome, .. } if *outcome != Outcome::Malformed => {}
            Event::Handled { job, message: None, why, .. } => {
                if let Some(counts) = self.locked().jobs.get_mut(*job) {
                    counts.dead += 1;
                }
                let text = why.map_or("", |(_, text)| text);
                tracing::warn!(%job, "unreadable, kept as a dead letter: {text}");
            }
            Event::Stalled { job, text } => {
                tracing::error!(%job, "a store is in trouble, waiting for it: {text}");
            }
            Event::OtherSetup { job, text } => {
                tracing::error!(%job, "left to other nodes: {text}");
            }
            Event::Recovered { job } => tracing::warn!(%job, "the store answers again"),
            Event::PoolPaused { job, text } => {
                tracing::error!(%job, "this machine is in trouble, the job pauses here: {text}");
            }
            Event::PoolResumed { job } => tracing::warn!(%job, "the machine can work again"),
            Event::Unconfirmed { job, message, text } => {
                if let Some(message) = message {
                    self.locked().in_hand.end(job, &message.target.entity, message.id);
                }
                tracing::warn!(%job, "not confirmed: {text}");
            }
            Event::WorkerFailed { job, text } => tracing::error!(%job, "a worker could not start: {text}"),
            Event::WorkerLost { job, slot, restart_in: None } => {
                tracing::error!(%job, slot, "a worker was lost, and its pool loses them too fast");
            }
            Event::WorkerLost { job, slot, .. } => tracing::error!(%job, slot, "a worker was lost and is replaced"),
            Event::Published { .. }
            | Event::Awaited { .. }
            | Event::Traced { .. }
            | Event::Worked { .. }
            | Event::LeftToOthers { .. }
            | Event::ClaimLost { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use euterpe_actors::ids::EntityId;
    use euterpe_actors::message::{Base, GraphDigest, Target};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_ended_is_told_to_who_follows_the_run_and_counted_for_who_asks() {
        let told: Arc<Mutex<Vec<(String, serde_json::Value)>>> = Arc::default();
        let ears = told.clone();
        let mouth: Mouth = Arc::new(move |key, body| {
            ears.lock().expect("ears").push((key, serde_json::from_slice(&body).expect("JSON")));
            true
        });
        let job = JobName::new("mel").expect("a name");
        let reporter = Reporter::new(
            "node-1",
            [(job.clone(), 3)],
            mouth,
            Arc::new(|_| 0),
            Arc::new(|| 7),
            Arc::new(|job| [(job.to_string(), "1.2".to_owned())].into()),
            None,
        );
        let target = Target { job: job.clone(), entity: EntityId::new("t-1").expect("an id") };
        let message = EntityMessage::new(1, RunId::new(7, 7), target, GraphDigest(1), Base::Stop);
        reporter.on(&Event::Started { job: &job, entity: &message.target.entity, message: &message });
        tokio::time::advance(Duration::from_secs(5)).await;
        reporter.say();
        let handled =
            |outcome| Event::Handled { job: &job, message: Some(&message), outcome, why: None, took: Duration::ZERO };
        reporter.on(&handled(Outcome::Done));
        reporter.flush();
        reporter.say();
        let told = told.lock().expect("ears");
        assert_eq!(
            (told[0].1["jobs"]["mel"]["in_work"].as_u64(), told[0].1["jobs"]["mel"]["longest"].as_u64()),
            (Some(1), Some(5))
        );
        assert_eq!(told[0].1["jobs"]["mel"]["longest_entity"], "t-1");
        let notes: Notes = serde_json::from_value(told[1].1.clone()).expect("notes");
        assert_eq!(told[1].0, run_key(message.run));
        let ended: Vec<_> = notes.notes.iter().map(|note| (note.outcome, note.millis)).collect();
        assert_eq!(ended, [(Outcome::Done, Some(5000))]);
        let report: NodeReport = serde_json::from_value(told[2].1.clone()).expect("a report");
        assert_eq!((report.jobs[&job].done, report.jobs[&job].in_work, report.not_downloaded_bytes), (1, 0, 7));
        assert_eq!(report.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(report.jobs[&job].packages, [("mel".to_owned(), "1.2".to_owned())].into());
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_body_that_cannot_be_read_counts_as_dead() {
        let job = JobName::new("mel").expect("a name");
        let send: Mouth = Arc::new(|_, _| true);
        let reporter = Reporter::new(
            "n",
            [(job.clone(), 1)],
            send,
            Arc::new(|_| 0),
            Arc::new(|| 0),
            Arc::new(|_| BTreeMap::new()),
            None,
        );
        let handled = |outcome| Event::Handled { job: &job, message: None, outcome, why: None, took: Duration::ZERO };
        for (outcome, dead) in [(Outcome::HandedOver, 0), (Outcome::Parked, 0), (Outcome::Malformed, 1)] {
            reporter.on(&handled(outcome));
            assert_eq!(reporter.locked().jobs[&job].dead, dead, "{outcome:?}");
        }
    }
}
