//! Feeds entities as others come to their end, so that neither a run's memory nor a broker's queues depend on how many
//! entities the run has.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::accounting::required_from;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::message::{EntityMessage, SetupDigest};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::JobIx;
use euterpe_actors::points::reach;
use euterpe_actors::state::{DeadLetter, GivenUp, Selection};

use super::found::BadName;
#[cfg(feature = "amqp")]
use super::over::Over;
use super::passed::Passed;
#[cfg(feature = "amqp")]
use super::retry_ends::RetryEnds;
use super::running::Running;
use crate::clock::now;
use crate::workspace::Workspace;

/// Where a feeder puts the entities of a run.
pub struct Sink<'r> {
    /// The graph, opened.
    pub workspace: &'r Workspace,
    /// The run.
    pub running: &'r Running,
    /// How many entities may be under way; in this process, not counting those that are put off.
    window: usize,
    target: Publisher,
    ids: Cell<u64>,
}

/// The broker that gets the messages.
enum Publisher {
    /// In this process: it knows how much is where.
    Embedded(InProcess),
    /// Elsewhere: messages are gathered, for an answer takes long.
    Remote {
        broker: Arc<dyn Broker>,
        gathered: RefCell<Vec<Outgoing>>,
        /// What is meant by what is published.
        setup: SetupDigest,
        /// Whether somebody tells the tracker how entities end; otherwise they are forgotten once they are sent.
        followed: bool,
    },
}

/// The most entities under way at all, put off or not. Over a broker this is the window: its queues hold no more than the
/// messages of these. It is some thousands more than all workers of a large cluster have in hand, so that none of them waits
/// for the next report.
const MOST_LIVE: usize = 20_000;
/// How many messages for a broker elsewhere are gathered.
const GATHERED: usize = 1024;

/// How many entities may be under way over a broker.
#[cfg(feature = "amqp")]
fn most_live() -> usize {
    #[cfg(feature = "faults")]
    if let Some(window) = crate::faults::window() {
        return window;
    }
    MOST_LIVE
}

impl<'r> Sink<'r> {
    /// Publishes to the broker of this process, with `window` entities under way and not put off at the most.
    pub fn embedded(workspace: &'r Workspace, running: &'r Running, broker: InProcess, window: usize) -> Self {
        Self { workspace, running, window, target: Publisher::Embedded(broker), ids: Cell::new(0) }
    }

    /// Publishes to a broker elsewhere, whose queues hold what its nodes cannot take yet of the entities under way. Where
    /// nobody follows the run, entities are forgotten once they are sent, and the queues take all of them.
    #[cfg(feature = "amqp")]
    pub fn remote(workspace: &'r Workspace, running: &'r Running, over: &Over, followed: bool) -> Self {
        let (broker, setup) = (over.amqp.clone(), over.setup.digest);
        let target = Publisher::Remote { broker, gathered: RefCell::default(), setup, followed };
        Self { workspace, running, window: most_live(), target, ids: Cell::new(0) }
    }

    /// How many entities may be under way.
    pub fn window(&self) -> usize {
        self.window
    }

    /// A message id.
    pub fn next_id(&self) -> u64 {
        self.ids.set(self.ids.get() + 1);
        self.ids.get() ^ self.running.manifest.wave
    }

    /// Waits until there is room, then sends an entity's messages; the tracker follows it through `required`.
    ///
    /// # Errors
    /// Where a message is too large or the broker is closed.
    pub async fn send(&self, entity: &EntityId, required: &[JobIx], messages: &[EntityMessage]) -> anyhow::Result<()> {
        self.room(0).await?;
        let (tracker, selection) = (&self.running.tracker, &self.running.manifest.selection);
        let begun = match self.target {
            Publisher::Remote { followed: true, .. } if selection.ping => {
                tracker.begin_ping(entity, &self.travelled_by(messages))
            }
            _ => tracker.begin(entity, required),
        };
        // Else it is under way already.
        if begun { self.publish(entity, messages).await } else { Ok(()) }
    }

    /// Sends an entity's messages, whom the tracker follows already.
    ///
    /// # Errors
    /// Where a message is too large or the broker is closed.
    pub async fn publish(&self, entity: &EntityId, messages: &[EntityMessage]) -> anyhow::Result<()> {
        let mut outgoing = Vec::with_capacity(messages.len());
        for message in messages {
            let sent = match self.target {
                Publisher::Embedded(_) => Outgoing::of(message),
                // What came from others is nobody's in particular: whichever node there is works on it.
                Publisher::Remote { .. } if message.run.is_inbox() => Outgoing::of(message),
                Publisher::Remote { setup, .. } => {
                    // What is published again may say nothing of it.
                    let own = || self.workspace.nodes.refresh().clone();
                    let refresh = Some(message.refresh.clone().unwrap_or_else(own));
                    Outgoing::of(&EntityMessage { setup, refresh, ..message.clone() })
                }
            };
            let sent = sent.with_context(|| format!("could not send `{entity}`"))?;
            let trace = self.running.tracker.roots.begin(entity, message.run);
            outgoing.push(Outgoing { trace, ..sent });
        }
        reach("before_feed");
        match &self.target {
            Publisher::Embedded(broker) => {
                broker.publish(outgoing).await.with_context(|| format!("could not send `{entity}`"))
            }
            Publisher::Remote { gathered, followed, .. } => {
                if !followed {
                    self.running.tracker.leave(entity);
                }
                gathered.borrow_mut().extend(outgoing);
                let full = gathered.borrow().len() >= GATHERED;
                if full { self.flush().await } else { Ok(()) }
            }
        }
    }

    /// The jobs that pings come to.
    fn travelled_by(&self, messages: &[EntityMessage]) -> Vec<JobIx> {
        let nodes = &self.workspace.nodes;
        let first: Vec<JobIx> = messages.iter().filter_map(|message| nodes.find(message.target.job.as_str())).collect();
        let at_work = Selection { ping: false, ..self.running.manifest.selection.clone() };
        required_from(nodes, &at_work, &first)
    }

    /// Publishes what was gathered, and returns when all of it is confirmed.
    ///
    /// # Errors
    /// Where the broker did not take it.
    pub async fn flush(&self) -> anyhow::Result<()> {
        let Publisher::Remote { broker, gathered, .. } = &self.target else { return Ok(()) };
        let messages = std::mem::take(&mut *gathered.borrow_mut());
        if messages.is_empty() {
            return Ok(());
        }
        broker.publish(messages).await.context("could not publish")
    }

    /// Waits until there is room for one more entity beside `waiters`, which only wait for what is still to be sent.
    ///
    /// # Errors
    /// Where the broker did not take what was gathered.
    pub async fn room(&self, waiters: usize) -> anyhow::Result<()> {
        loop {
            let moved = self.running.tracker.moved.notified();
            let live = self.running.tracker.live().saturating_sub(waiters);
            let has_room = match &self.target {
                Publisher::Embedded(broker) => {
                    let put_off: usize =
                        self.workspace.nodes.jobs.iter().map(|job| broker.depth(&job.name).delayed).sum();
                    let is_ping = self.running.manifest.selection.ping && broker.open() >= self.window;
                    live.saturating_sub(put_off) < self.window && live < MOST_LIVE && !is_ping
                }
                Publisher::Remote { .. } => live < self.window,
            };
            if has_room {
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
    pub async fn bury(&self, job: &JobName, bad: BadName) -> anyhow::Result<()> {
        let BadName { name, why: text, source } = bad;
        tracing::warn!(target: "euterpe::run", name, "bad_id: {text}");
        let why = GivenUp { job, node: "feed", millis: now(), reason: Reason::BadId, text };
        let letter = DeadLetter::of_bad_name(&name, source, self.running.manifest.run, why);
        self.running.keep_record(async || self.workspace.state.keep_letter(&letter).await).await?;
        self.running.tracker.bad_name();
        Ok(())
    }

    /// The job whose dead letters hold names that no job can be asked for.
    pub fn first_job(&self) -> JobName {
        self.running.manifest.selection.job.clone().unwrap_or_else(|| self.workspace.nodes.jobs[0].name.clone())
    }
}

/// Puts entities into the sink until there are no more.
#[async_trait(?Send)]
pub trait Feeder {
    /// Feeds all; dropped when the run is stopped.
    async fn feed(&mut self, sink: &Sink<'_>) -> anyhow::Result<Passed>;

    /// Whether it feeds all entities of the run.
    fn feeds_all(&self) -> bool {
        false
    }

    /// How it is known what failed again, where it feeds messages of other runs; none for a run of its own.
    #[cfg(feature = "amqp")]
    fn retry_ends(&self) -> Option<RetryEnds> {
        None
    }
}
