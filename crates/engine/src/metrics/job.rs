//! The series of one job, looked up once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use euterpe_actors::events::{Purpose, WorkTimes};
use euterpe_actors::outcome::Outcome;
use prometheus::{Gauge, Histogram, IntCounter, IntGauge};
use tokio::time::Instant;

/// The parts of a work, in their order.
pub(super) const PHASES: [&str; 5] = ["wait", "fetch", "work", "store", "publish"];

/// Why messages are published, and the word for it.
pub(super) const PURPOSES: [(Purpose, &str); 5] = [
    (Purpose::PassOn, "pass_on"),
    (Purpose::Request, "request"),
    (Purpose::Failure, "failure"),
    (Purpose::Retry, "retry"),
    (Purpose::Park, "park"),
];

/// The series of one job.
pub(super) struct JobMetrics {
    /// In the order of [`Outcome::ALL`].
    pub outcomes: [IntCounter; Outcome::ALL.len()],
    /// In the order of [`PHASES`].
    pub phases: [Histogram; PHASES.len()],
    /// In the order of [`PURPOSES`].
    pub published: [IntCounter; PURPOSES.len()],
    pub unconfirmed: IntCounter,
    pub stalls: IntCounter,
    pub stalled: Trouble,
    pub pauses: IntCounter,
    pub paused: Trouble,
    pub left_to_others: IntCounter,
    pub lost_claims: IntCounter,
    pub lost_workers: IntCounter,
    pub failed_workers: IntCounter,
    pub workers: IntGauge,
    pub in_work: IntGauge,
    pub longest: Gauge,
    pub ready: Gauge,
    pub prefetched: IntGauge,
    pub remaining: IntGauge,
    pub waited: Gauge,
    /// When the last message was settled or went back.
    pub touched: Mutex<Instant>,
}

/// For how long trouble counts while no message of the job comes here: then it is other nodes' affair, or over.
pub(super) const QUIET: Duration = Duration::from_secs(180);

/// Trouble of a job, told when it begins and when it is over.
pub(super) struct Trouble {
    pub gauge: IntGauge,
    pub is_told: AtomicBool,
}

impl JobMetrics {
    /// Trouble began, or is over.
    pub fn in_trouble(&self, trouble: &Trouble, is_told: bool) {
        self.touch();
        trouble.is_told.store(is_told, Ordering::Relaxed);
    }

    /// A message came to an end here.
    pub fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Sets the gauges of trouble.
    pub fn read_trouble(&self) {
        let is_quiet = self.touched.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > QUIET;
        for trouble in [&self.stalled, &self.paused] {
            trouble.gauge.set(i64::from(!is_quiet && trouble.is_told.load(Ordering::Relaxed)));
        }
    }

    /// A message was settled.
    pub fn settled(&self, outcome: Outcome) {
        self.touch();
        if let Some(at) = Outcome::ALL.iter().position(|known| *known == outcome) {
            self.outcomes[at].inc();
        }
    }

    /// Messages were published.
    pub fn published(&self, purpose: Purpose, count: usize) {
        if let Some(at) = PURPOSES.iter().position(|(known, _)| *known == purpose) {
            self.published[at].inc_by(count as u64);
        }
    }

    /// A transform ran for a message.
    pub fn worked(&self, times: &WorkTimes) {
        let WorkTimes { wait, fetch, work, store, publish } = times;
        let times: [Option<Duration>; PHASES.len()] = [Some(*wait), Some(*fetch), Some(*work), *store, Some(*publish)];
        let took = self.phases.iter().zip(times).filter_map(|(phase, took)| Some((phase, took?)));
        took.for_each(|(phase, took)| phase.observe(took.as_secs_f64()));
    }
}
