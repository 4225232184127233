//! Follows each entity of a run to its end, in memory that depends on the entities under way and not on all of them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use euterpe_actors::accounting::TargetStatus;
use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::memory::Fingerprint;
use euterpe_actors::message::Target;
use euterpe_actors::outcome::{Outcome, Reason};
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::refresh::Force;
use tokio::sync::Notify;

use super::in_hand::{Held, InHand};
use super::report::Note;
use super::tally::{JobTally, Tally};
use super::work_times::whole_millis;
use crate::traces::Roots;

mod observe;
mod sent;
#[cfg(test)]
mod tests;
mod under_way;

use under_way::UnderWay;

/// Follows a run. Watches the node as its [`Observer`](euterpe_actors::events::Observer).
#[derive(Debug)]
pub struct Tracker {
    plan: Arc<NodePlan>,
    /// For each job, the jobs below it over identity edges.
    below: Vec<Vec<u16>>,
    /// The jobs that the run redoes.
    force: Force,
    inner: Mutex<Inner>,
    /// Told whenever an entity came to its end, and whenever something went wrong.
    pub moved: Notify,
    /// The roots of the traces of the entities under way.
    pub roots: Roots,
}

#[derive(Debug, Default)]
struct Inner {
    tally: Tally,
    under_way: UnderWay,
    troubles: Vec<Trouble>,
    /// The job and entity of each dead letter: several children may ask for one, and each is answered.
    dead: HashSet<Fingerprint>,
    /// What transforms of this process are working on.
    in_hand: InHand,
}

/// How many dead letters get a line in the log.
const SHOWN: u64 = 20;

/// How many dead letters are told apart; from there on, one that is asked for again may be counted again.
const TOLD_APART: usize = 1_000_000;

/// Something that a person should see while the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The job that met it.
    pub job: String,
    /// What happened, one line.
    pub text: String,
    /// Whether it is over again.
    pub over: bool,
}

/// How a job ended for an entity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Exists,
    /// Made in this run, as a later message found: nobody told when it was made.
    MadeUnheard,
    Skipped,
    Dead,
    Ping,
}

impl Tracker {
    /// Follows a run of `plan` that redoes the jobs of `force`.
    pub fn new(plan: Arc<NodePlan>, force: Force, roots: Roots) -> Self {
        let mut below: Vec<Vec<u16>> = vec![Vec::new(); plan.jobs.len()];
        for at in plan.job_indices().rev() {
            let mut jobs: Vec<u16> = Vec::new();
            for child in &plan.job(at).children {
                jobs.push(child.0 as u16);
                jobs.extend_from_slice(&below[child.0]);
            }
            jobs.sort_unstable();
            jobs.dedup();
            below[at.0] = jobs;
        }
        let tally = Tally { jobs: vec![JobTally::default(); plan.jobs.len()], ..Tally::default() };
        let inner = Mutex::new(Inner { tally, ..Inner::default() });
        Self { plan, below, force, inner, moved: Notify::new(), roots }
    }

    /// An entity whose required jobs are all there: it is counted and not sent.
    pub fn exists(&self, required: &[JobIx]) {
        let mut inner = self.locked();
        inner.tally.entities += 1;
        for at in required {
            let job = &mut inner.tally.jobs[at.0];
            job.required += 1;
            job.ended += 1;
            job.exists += 1;
        }
    }

    /// An entity that will be sent when there is room.
    pub fn expect(&self, required: &[JobIx]) {
        let mut inner = self.locked();
        inner.tally.entities += 1;
        inner.tally.waiting += 1;
        required.iter().for_each(|at| inner.tally.jobs[at.0].required += 1);
    }

    /// A name that cannot be an id, or an entity that no job takes.
    pub fn bad_name(&self) {
        let mut inner = self.locked();
        inner.tally.entities += 1;
        inner.tally.bad_names += 1;
    }

    /// Where the run stands.
    pub fn tally(&self) -> Tally {
        let inner = self.locked();
        Tally { open: inner.under_way.len(), ..inner.tally.clone() }
    }

    /// The troubles since the last call.
    pub fn troubles(&self) -> Vec<Trouble> {
        std::mem::take(&mut self.locked().troubles)
    }

    /// What transforms of this process are working on, the longest first.
    pub fn in_hand(&self) -> Vec<Held> {
        self.locked().in_hand.longest_first()
    }

    /// What was told to have ended for a job has left neither an output nor a record: it is open.
    pub fn is_not_there(&self, at: JobIx) {
        let mut inner = self.locked();
        inner.tally.jobs[at.0].reopen();
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message of the run ended, here or on another node.
    pub fn ended(&self, note: &Note) {
        if let (Outcome::Dead | Outcome::Retried, Some(reason)) = (note.outcome, note.reason) {
            self.say(&note.job, &note.entity, note.attempt, note.outcome, reason, &note.text);
        }
        if let Some(millis) = note.millis {
            self.worked(&note.job, &note.entity, Duration::from_millis(millis));
        }
        self.handled(&note.job, &note.entity, note.outcome, note.reason);
        if note.outcome == Outcome::Done {
            self.heard_late(&note.job);
        }
    }

    /// A transform worked so long on one try.
    fn worked(&self, job: &JobName, entity: &EntityId, took: Duration) {
        let Some(at) = self.plan.find(job.as_str()) else { return };
        let mut inner = self.locked();
        inner.tally.jobs[at.0].millis += whole_millis(took);
        inner.tally.slowest.note(job, entity, took);
    }

    /// Reports of two nodes may be heard the wrong way round: what is there before it is made was made in this run.
    fn heard_late(&self, job: &JobName) {
        let Some(at) = self.plan.find(job.as_str()) else { return };
        let mut inner = self.locked();
        let job = &mut inner.tally.jobs[at.0];
        if job.required > 0 && job.done + job.exists + job.skipped + job.dead > job.ended {
            take_back(job);
        }
    }

    /// The run made anew what it had found to be there, or had made before: that counts once.
    fn made_after_all(&self, job: &JobName) {
        let Some(at) = self.plan.find(job.as_str()) else { return };
        let mut inner = self.locked();
        let job = &mut inner.tally.jobs[at.0];
        if job.required > 0 {
            take_back(job);
        }
    }

    /// Whether the dead letter of a target is counted.
    pub fn knows_letter(&self, target: &Target) -> bool {
        self.locked().dead.contains(&Fingerprint::of(target.job.as_str(), target.entity.as_str()))
    }

    /// Whether a further dead letter gets a line.
    pub fn shows_letters(&self) -> bool {
        self.locked().tally.letters() < SHOWN
    }

    /// Storage says how a job ended for an entity under way, although nobody told. False where it is not under way.
    pub fn found(&self, entity: &EntityId, at: JobIx, standing: &TargetStatus) -> bool {
        let end = match standing {
            TargetStatus::Done => End::Done,
            TargetStatus::Skipped(..) => End::Skipped,
            TargetStatus::Dead(..) => End::Dead,
            TargetStatus::Open => return false,
        };
        let mut inner = self.locked();
        let Inner { tally, under_way, .. } = &mut *inner;
        let Some(one) = under_way.get_mut(entity).filter(|one| !one.is_ping) else { return false };
        if one.left.contains(&(at.0 as u16)) && end == End::Done {
            tally.jobs[at.0].done += 1;
        }
        settle(tally, &mut one.left, at.0 as u16, end);
        let is_over = one.left.is_empty();
        self.note_end(inner, entity, is_over);
        true
    }

    /// Forgets an entity whose jobs have all ended, and tells so.
    fn note_end(&self, mut inner: MutexGuard<'_, Inner>, entity: &EntityId, is_over: bool) {
        if is_over {
            inner.under_way.end(entity);
            drop(inner);
            self.roots.end(entity);
            self.moved.notify_one();
        }
    }

    /// A message of the run ended. Whether its job was still to end for the entity.
    fn handled(&self, job: &JobName, entity: &EntityId, outcome: Outcome, reason: Option<Reason>) -> bool {
        let Some(at) = self.plan.find(job.as_str()) else { return false };
        let is_skip = reason.is_some_and(Reason::is_skip);
        let end = match outcome {
            Outcome::Done => End::Done,
            // Only what was made since the run began is good enough for it: the report of that was lost.
            Outcome::Exists if self.force.names(job) => End::MadeUnheard,
            Outcome::Exists => End::Exists,
            Outcome::Skipped => End::Skipped,
            Outcome::UpstreamFailed if is_skip => End::Skipped,
            Outcome::Dead | Outcome::UpstreamFailed => End::Dead,
            Outcome::Ping => End::Ping,
            Outcome::Retried => {
                self.locked().tally.jobs[at.0].retried += 1;
                return false;
            }
            _ => return false,
        };
        let mut inner = self.locked();
        let Inner { tally, under_way, dead, .. } = &mut *inner;
        match (outcome, end) {
            (Outcome::Done, _) => tally.jobs[at.0].done += 1,
            (Outcome::Dead, _) => {
                let letter = Fingerprint::of(job.as_str(), entity.as_str());
                let is_new = match dead.len() {
                    ..TOLD_APART => dead.insert(letter),
                    _ => !dead.contains(&letter),
                };
                tally.jobs[at.0].letters += u64::from(is_new);
            }
            (_, End::Ping) => tally.jobs[at.0].pings += 1,
            _ => {}
        }
        let Some(one) = under_way.get_mut(entity) else { return false };
        let was_left = one.left.contains(&(at.0 as u16));
        if one.is_ping {
            // Nobody requires anything of it, and more of its messages may follow this one.
            one.left.retain(|left| *left != at.0 as u16);
            if one.left.is_empty() || end != End::Ping {
                under_way.end(entity);
                self.moved.notify_one();
            }
            return was_left;
        }
        if end == End::Ping {
            return was_left;
        }
        settle(tally, &mut one.left, at.0 as u16, end);
        if matches!(end, End::Skipped | End::Dead) {
            // In a wave nothing more is sent: who comes below is accounted for by this end.
            self.below[at.0].iter().for_each(|below| settle(tally, &mut one.left, *below, end));
        }
        let is_over = one.left.is_empty();
        if end == End::Dead {
            self.roots.failed(entity, || format!("{job}: {}", reason.map_or("failed", Reason::name)));
        }
        self.note_end(inner, entity, is_over);
        was_left
    }

    /// A few dead letters are worth a line each; thousands would hide everything else.
    fn say(&self, job: &JobName, entity: &EntityId, attempt: u32, outcome: Outcome, reason: Reason, text: &str) {
        if outcome == Outcome::Retried {
            tracing::info!(target: "euterpe::run", %job, %entity, attempt, %reason, "will be tried again: {text}");
            return;
        }
        let inner = self.locked();
        if inner.dead.contains(&Fingerprint::of(job.as_str(), entity.as_str())) {
            return;
        }
        match inner.tally.letters() {
            ..SHOWN => tracing::warn!(target: "euterpe::run", %job, %entity, %reason, "dead: {text}"),
            SHOWN => {
                tracing::warn!(target: "euterpe::run", "further dead letters are not shown here; see `euterpe dead ls`")
            }
            _ => {}
        }
    }

    /// Notes something that a person should see.
    pub fn trouble(&self, job: &str, text: String, over: bool) {
        self.locked().troubles.push(Trouble { job: job.to_owned(), text, over });
        self.moved.notify_one();
    }
}

fn take_back(job: &mut JobTally) {
    match job.exists {
        0 => job.done -= 1,
        _ => job.exists -= 1,
    }
}

fn settle(tally: &mut Tally, left: &mut Vec<u16>, at: u16, end: End) {
    let Some(place) = left.iter().position(|job| *job == at) else { return };
    left.swap_remove(place);
    let job = &mut tally.jobs[usize::from(at)];
    job.ended += 1;
    match end {
        End::Exists => job.exists += 1,
        End::MadeUnheard => job.done += 1,
        End::Skipped => job.skipped += 1,
        End::Dead => job.dead += 1,
        End::Done | End::Ping => {}
    }
}
