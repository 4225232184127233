//! What all threads of the server know.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use euterpe_actors::transform::Registry;
use euterpe_engine::Session;
use tokio::sync::{Notify, watch};

#[cfg(feature = "amqp")]
use crate::broker::BrokerView;
use crate::commands::Commands;
use crate::history::History;
use crate::locks::locked;
use crate::settings::{Admission, Opener, random_token};
use crate::snapshot::{Newest, Snapshot};
use crate::words::now;

/// How long after the last request somebody is taken to look, in milliseconds.
const LOOKS: u64 = 30_000;

/// What all threads of the server know.
pub(crate) struct Shared {
    pub(crate) admission: Admission,
    pub(crate) read_only: bool,
    pub(crate) graph_file: PathBuf,
    pub(crate) registry: Registry,
    pub(crate) commands: Commands,
    /// What a form must send back: other sites cannot know it.
    pub(crate) form_token: String,
    /// Wakes the survey.
    pub(crate) hurry: Notify,
    /// How many browsers wait for news.
    pub(crate) listeners: AtomicUsize,
    #[cfg(feature = "amqp")]
    pub(crate) broker: Mutex<Option<BrokerView>>,
    open: Box<Opener>,
    newest: RwLock<Newest>,
    history: Mutex<History>,
    news: watch::Sender<u64>,
    seen: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        (admission, read_only): (Admission, bool),
        (graph_file, open): (PathBuf, Box<Opener>),
        registry: Registry,
        commands: Commands,
    ) -> Self {
        Self {
            admission,
            read_only,
            graph_file,
            registry,
            commands,
            form_token: random_token(),
            hurry: Notify::new(),
            listeners: AtomicUsize::new(0),
            #[cfg(feature = "amqp")]
            broker: Mutex::default(),
            open,
            newest: RwLock::default(),
            history: Mutex::default(),
            news: watch::Sender::new(0),
            seen: AtomicU64::new(now()),
        }
    }

    /// Opens the graph as it is now.
    ///
    /// # Errors
    /// A graph file that is not valid, a store that is not there.
    pub(crate) fn open(&self) -> anyhow::Result<Session> {
        (self.open)()
    }

    /// The newest snapshot.
    pub(crate) fn newest(&self) -> Newest {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was counted over the last hour.
    pub(crate) fn history(&self) -> History {
        locked(&self.history).clone()
    }

    /// There is a new snapshot, or something that keeps it from being made.
    pub(crate) fn publish(&self, made: Result<Snapshot, String>) {
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        match made {
            Ok(snapshot) => {
                let done = snapshot.jobs.iter().map(|job| job.count(euterpe_engine::ItemState::Done)).collect();
                locked(&self.history).add(snapshot.millis, done);
                (newest.snapshot, newest.trouble) = (Some(Arc::new(snapshot)), None);
            }
            Err(trouble) => newest.trouble = Some(trouble),
        }
        newest.version += 1;
        drop(newest);
        self.tell();
    }

    /// Tells browsers that something is new.
    pub(crate) fn tell(&self) {
        self.news.send_modify(|number| *number += 1);
    }

    /// Gets each piece of news as a number.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Somebody asked for something.
    pub(crate) fn seen(&self) {
        if now().saturating_sub(self.seen.swap(now(), Ordering::Relaxed)) > LOOKS {
            self.hurry.notify_one();
        }
    }

    /// Whether somebody looks.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.listeners.load(Ordering::Relaxed) > 0 || now().saturating_sub(self.seen.load(Ordering::Relaxed)) <= LOOKS
    }
}
