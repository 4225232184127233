//! Feeds entities as workers get free, so that a run's memory does not depend on how many entities it has.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::EntityMessage;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::points::reach;
use euterpe_actors::state::{DeadLetter, GivenUp, Manifest, StateStore};
use euterpe_actors::wire;

use super::ids::Passed;
use super::tracker::Tracker;

/// Where a feeder puts its entities.
pub struct Line {
    /// The graph.
    pub plan: Arc<NodePlan>,
    /// What is known to exist.
    pub presence: Arc<Presence>,
    /// Dead letters and manifests.
    pub state: StateStore,
    /// What the run is.
    pub manifest: Manifest,
    /// Who follows the entities.
    pub tracker: Arc<Tracker>,
    /// How many entities may be under way and not put off.
    pub window: usize,
    pub(super) way: Way,
    pub(super) ids: std::cell::Cell<u64>,
}

/// The broker at the end of the line.
pub(super) enum Way {
    /// In this process: it knows how much is where.
    Embedded(InProcess),
    /// Elsewhere: messages are gathered, for an answer takes long.
    Remote {
        broker: Arc<dyn Broker>,
        gathered: std::cell::RefCell<Vec<Outgoing>>,
        /// Whether somebody tells the tracker how entities end; otherwise they are forgotten once they are sent.
        followed: bool,
    },
}

/// The most entities under way at all, put off or not.
const MOST_LIVE: usize = 20_000;
/// How many messages for a broker elsewhere are gathered.
const GATHERED: usize = 1024;

impl Line {
    /// A message id.
    pub fn next_id(&self) -> u64 {
        self.ids.set(self.ids.get() + 1);
        self.ids.get() ^ self.manifest.wave
    }

    /// Waits until there is room, then sends an entity's messages; the tracker follows it through `required`.
    ///
    /// # Errors
    /// Where a message is too large or the broker is closed.
    pub async fn send(&self, entity: &EntityId, required: &[JobIx], messages: &[EntityMessage]) -> anyhow::Result<()> {
        self.room().await?;
        if !self.tracker.begin(entity, required) {
            return Ok(()); // under way already
        }
        let mut outgoing = Vec::with_capacity(messages.len());
        for message in messages {
            let body = wire::encode(message).with_context(|| format!("could not send `{entity}`"))?;
            outgoing.push(Outgoing::now(message.target.job.clone(), body));
        }
        reach("before_feed");
        match &self.way {
            Way::Embedded(broker) => {
                broker.publish(outgoing).await.with_context(|| format!("could not send `{entity}`"))
            }
            Way::Remote { gathered, followed, .. } => {
                if !followed {
                    self.tracker.leave(entity);
                }
                gathered.borrow_mut().extend(outgoing);
                let full = gathered.borrow().len() >= GATHERED;
                if full { self.flush().await } else { Ok(()) }
            }
        }
    }

    /// Publishes what was gathered, and returns when all of it is confirmed.
    ///
    /// # Errors
    /// Where the broker did not take it.
    pub async fn flush(&self) -> anyhow::Result<()> {
        let Way::Remote { broker, gathered, .. } = &self.way else { return Ok(()) };
        let messages = std::mem::take(&mut *gathered.borrow_mut());
        if messages.is_empty() {
            return Ok(());
        }
        broker.publish(messages).await.context("could not publish")
    }

    async fn room(&self) -> anyhow::Result<()> {
        loop {
            let moved = self.tracker.moved.notified();
            let live = self.tracker.live();
            let has_room = match &self.way {
                Way::Embedded(broker) => {
                    let put_off: usize = self.plan.jobs.iter().map(|job| broker.depth(&job.name).delayed).sum();
                    let is_ping = self.manifest.selection.ping && broker.open() >= self.window;
                    live.saturating_sub(put_off) < self.window && !is_ping
                }
                Way::Remote { .. } => true, // its queues hold what its nodes cannot take yet
            };
            if has_room && live < MOST_LIVE {
                return Ok(());
            }
            self.flush().await?;
            // Looked at again now and then: what is put off changes without an entity's end.
            let looked = tokio::time::timeout(Duration::from_millis(50), moved).await;
            drop(looked);
        }
    }

    /// Keeps a dead letter for a name that cannot be run.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn bury(&self, job: &JobName, name: &str, text: String, clock: u64) -> anyhow::Result<()> {
        tracing::warn!(target: "euterpe::run", name, "bad_id: {text}");
        let why = GivenUp { job, node: "feed", millis: clock, reason: Reason::BadId, text };
        let letter = DeadLetter::of_bad_name(name, self.manifest.run, why);
        self.state.keep_letter(&letter).await?;
        self.tracker.bad_name();
        Ok(())
    }

    /// The job whose dead letters hold names that no job can be asked for.
    pub fn first_job(&self) -> JobName {
        self.manifest.selection.job.clone().unwrap_or_else(|| self.plan.jobs[0].name.clone())
    }
}

/// Puts entities on the line until there are no more.
#[async_trait(?Send)]
pub trait Feeder {
    /// Feeds all; dropped when the run is stopped.
    async fn feed(&mut self, line: &Line) -> anyhow::Result<Passed>;
}

/// Why an entity cannot be sent to the jobs it would go to, or nothing.
pub fn why_not(plan: &NodePlan, origins: &[JobIx], entity: &EntityId) -> Option<String> {
    let Some(first) = origins.first() else {
        let forms: Vec<String> = plan.jobs.iter().map(|job| format!("`{}`", job.form)).collect();
        return Some(format!("no job takes ids of this form; the jobs' forms are {}", forms.join(", ")));
    };
    let form = &plan.job(*first).form;
    if form.split(entity).is_none() {
        return Some(format!("job `{}` takes ids of the form `{form}`", plan.job(*first).name));
    }
    let other = origins.iter().find(|at| plan.job(**at).form != *form)?;
    let (one, two) = (plan.job(*first), plan.job(*other));
    Some(format!(
        "it fits `{form}` of job `{}` and `{}` of job `{}` equally; say which with --job",
        one.name, two.form, two.name
    ))
}
