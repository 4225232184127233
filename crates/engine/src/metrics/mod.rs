//! What a process counts of its work, as Prometheus text: outcomes, times by phase, what is in work, the cache, the broker.
//!
//! No label ever names an entity or a run: their number has no bound. All series of a job that this process serves are there
//! from the start, so that a rate is right from the first event on. `docs/operations.md` lists all metrics for people.

mod families;
mod job;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::JobName;
use euterpe_processes::resident_of_children;
use euterpe_storage::s3::Cache;

use crate::run::in_hand::InHand;
use crate::traces::SpanBuffer;
use families::Families;
use job::JobMetrics;

/// What only the handle of a broker knows.
pub trait BrokerGauges: Send + Sync {
    /// Whether no connection is lost.
    fn is_connected(&self) -> bool;
    /// How often the broker went away since the process began.
    fn outages(&self) -> u64;
    /// Messages of a job that are here and that no worker has begun with.
    fn prefetched(&self, job: &JobName) -> usize;
    /// For how long the message of a job that came last had waited in its queue.
    fn waited(&self, job: &JobName) -> Duration;
}

/// Messages in the queues of a broker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// For each job.
    pub ready: BTreeMap<JobName, u64>,
    /// In delay queues, for all jobs.
    pub delayed: u64,
}

/// The metrics of one process.
pub struct Metrics {
    families: Families,
    jobs: HashMap<JobName, JobMetrics>,
    in_work: Mutex<InHand>,
    cache: Option<Cache>,
    broker: OnceLock<Arc<dyn BrokerGauges>>,
    spans: OnceLock<Arc<SpanBuffer>>,
}

impl Metrics {
    /// Of a process that works on these jobs of `graph` with so many workers each, and keeps objects of buckets in `cache`.
    ///
    /// # Errors
    /// Where the registry refuses a metric.
    pub fn new(
        graph: &str,
        jobs: impl IntoIterator<Item = (JobName, usize)>,
        cache: Option<Cache>,
    ) -> Result<Self, prometheus::Error> {
        let families = Families::new(graph)?;
        let of = |(job, workers): (JobName, usize)| {
            let metrics = families.of_job(&job);
            metrics.workers.set(workers as i64);
            (job, metrics)
        };
        let jobs = jobs.into_iter().map(of).collect();
        Ok(Self { families, jobs, in_work: Mutex::default(), cache, broker: OnceLock::new(), spans: OnceLock::new() })
    }

    /// Counts what `inner` observes, too.
    pub fn beside(self: &Arc<Self>, inner: Arc<dyn Observer>) -> Arc<dyn Observer> {
        Arc::new(Metered { metrics: self.clone(), inner })
    }

    /// Says that this process works without a broker, so that none can be lost.
    pub(crate) fn has_no_broker(&self) {
        self.families.process.connected.set(1);
    }

    /// Says what broker there is. The first one stays.
    pub(crate) fn set_broker(&self, broker: Arc<dyn BrokerGauges>) {
        self.broker.get_or_init(|| broker);
    }

    /// Says where the spans of this process wait to be sent. The first place stays.
    pub(crate) fn set_spans(&self, spans: &Arc<SpanBuffer>) {
        self.spans.get_or_init(|| spans.clone());
    }

    /// Takes note of how many messages wait in the queues of the jobs, and in delay queues; none where that is not known.
    pub(crate) fn set_waiting(&self, waiting: Option<&Waiting>) {
        let known = |count: Option<u64>| count.map_or(f64::NAN, |count| count as f64);
        for (job, metrics) in &self.jobs {
            metrics.ready.set(known(waiting.map(|waiting| waiting.ready.get(job).copied().unwrap_or(0))));
        }
        self.families.process.delayed.set(known(waiting.map(|waiting| waiting.delayed)));
    }

    /// Says which jobs this process serves, where it does not serve all.
    pub(crate) fn serves(&self, served: impl Fn(&JobName) -> bool) {
        self.jobs.iter().filter(|(job, _)| !served(job)).for_each(|(_, metrics)| metrics.workers.set(0));
    }

    /// The jobs that are counted.
    pub fn jobs(&self) -> impl Iterator<Item = &JobName> {
        self.jobs.keys()
    }

    /// All metrics in the text format of Prometheus, version 0.0.4.
    ///
    /// Looks at the processes of this machine, which may take some milliseconds: not on the thread of the actors.
    ///
    /// # Errors
    /// Where the encoder refuses a metric.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.read_gauges();
        text::text(&self.families.registry.gather())
    }

    fn in_work(&self) -> MutexGuard<'_, InHand> {
        self.in_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_gauges(&self) {
        let mut in_work: HashMap<JobName, (i64, Duration)> = HashMap::new();
        for held in self.in_work().longest_first() {
            let (count, longest) = in_work.entry(held.job).or_insert((0, held.took));
            (*count, *longest) = (*count + 1, (*longest).max(held.took));
        }
        let broker = self.broker.get();
        for (job, metrics) in &self.jobs {
            let (count, longest) = in_work.get(job).copied().unwrap_or_default();
            metrics.in_work.set(count);
            metrics.longest.set(longest.as_secs_f64());
            if let Some(broker) = broker {
                let prefetched = i64::try_from(broker.prefetched(job)).unwrap_or(i64::MAX);
                metrics.prefetched.set(prefetched);
                metrics.waited.set(broker.waited(job).as_secs_f64());
            }
            let ready = metrics.ready.get();
            let ready = if ready.is_finite() { ready as i64 } else { 0 };
            metrics.remaining.set(ready + metrics.prefetched.get() + count);
            metrics.read_trouble();
        }
        let own = &self.families.process;
        own.children.set(whole(resident_of_children()));
        if let Some(broker) = broker {
            own.connected.set(broker.is_connected().into());
            count_up(&own.outages, broker.outages());
        }
        if let Some(spans) = self.spans.get() {
            count_up(&own.lost_spans, spans.lost());
        }
        if let Some(cache) = &self.cache {
            let cached = cache.usage();
            own.cache_entries.set(whole(cached.entries));
            own.cache_bytes.set(whole(cached.bytes));
            count_up(&own.cache_hits, cached.hits);
            count_up(&own.spared, cached.spared);
        }
    }
}

/// An observer whose events are counted, too.
struct Metered {
    metrics: Arc<Metrics>,
    inner: Arc<dyn Observer>,
}

impl Observer for Metered {
    fn on(&self, event: &Event<'_>) {
        self.metrics.count(event);
        self.inner.on(event);
    }
}

impl Metrics {
    fn count(&self, event: &Event<'_>) {
        let of = |job: &JobName, count: &dyn Fn(&JobMetrics)| self.jobs.get(job).into_iter().for_each(count);
        match event {
            Event::Started { job, entity, message } => self.in_work().begin(job, entity, message.id),
            Event::Abandoned { job, entity, message } => {
                self.in_work().end(job, entity, *message);
            }
            Event::Handled { job, message, outcome, .. } => {
                if let Some(message) = message {
                    self.in_work().end(job, &message.target.entity, message.id);
                }
                of(job, &|job| job.settled(*outcome));
            }
            Event::Unconfirmed { job, message, .. } => {
                if let Some(message) = message {
                    self.in_work().end(job, &message.target.entity, message.id);
                }
                of(job, &|job| {
                    job.unconfirmed.inc();
                    job.touch();
                });
            }
            Event::Worked { job, times } => of(job, &|job| job.worked(times)),
            Event::Published { job, purpose, count } => of(job, &|job| job.published(*purpose, *count)),
            Event::Stalled { job, .. } => of(job, &|job| {
                job.stalls.inc();
                job.in_trouble(&job.stalled, true);
            }),
            Event::Recovered { job } => of(job, &|job| job.in_trouble(&job.stalled, false)),
            Event::PoolPaused { job, .. } => of(job, &|job| {
                job.pauses.inc();
                job.in_trouble(&job.paused, true);
            }),
            Event::PoolResumed { job } => of(job, &|job| job.in_trouble(&job.paused, false)),
            Event::LeftToOthers { job } => of(job, &|job| job.left_to_others.inc()),
            Event::ClaimLost { job } => of(job, &|job| job.lost_claims.inc()),
            Event::WorkerLost { job, .. } => of(job, &|job| job.lost_workers.inc()),
            Event::WorkerFailed { job, .. } => of(job, &|job| job.failed_workers.inc()),
            Event::Awaited { .. } | Event::OtherSetup { .. } | Event::Traced { .. } => {}
        }
    }
}

/// A counter that is kept elsewhere.
fn count_up(counter: &prometheus::IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
