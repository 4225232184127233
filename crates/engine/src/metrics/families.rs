//! Every metric by its name, with the words that explain it. `docs/operations.md` has the same list; a test compares them.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Outcome;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::Collector,
};
use tokio::time::Instant;

use super::job::{JobMetrics, PHASES, PURPOSES, Trouble};

/// The upper bounds of the histogram of times, in seconds: from a merge of two JSON files to an hour of a model's work.
const BOUNDS: [f64; 11] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0, 300.0, 1200.0, 3600.0];

/// All metrics, by what they are labelled with.
pub(super) struct Families {
    pub registry: Registry,
    pub process: ProcessMetrics,
    messages: IntCounterVec,
    seconds: HistogramVec,
    published: IntCounterVec,
    unconfirmed: IntCounterVec,
    stalls: IntCounterVec,
    stalled: IntGaugeVec,
    pauses: IntCounterVec,
    paused: IntGaugeVec,
    left_to_others: IntCounterVec,
    lost_claims: IntCounterVec,
    lost_workers: IntCounterVec,
    failed_workers: IntCounterVec,
    workers: IntGaugeVec,
    in_work: IntGaugeVec,
    longest: GaugeVec,
    ready: GaugeVec,
    prefetched: IntGaugeVec,
    remaining: IntGaugeVec,
    waited: GaugeVec,
}

/// Metrics of the process as a whole.
pub(super) struct ProcessMetrics {
    pub children: IntGauge,
    pub connected: IntGauge,
    pub delayed: Gauge,
    pub outages: IntCounter,
    pub cache_entries: IntGauge,
    pub cache_bytes: IntGauge,
    pub cache_hits: IntCounter,
    pub spared: IntCounter,
    pub lost_spans: IntCounter,
}

impl Families {
    /// Registers all of them for a process of `graph`.
    pub fn new(graph: &str) -> Result<Self, prometheus::Error> {
        let labels = [("graph".to_owned(), graph.to_owned())].into();
        let registry = Registry::new_custom(Some("euterpe".into()), Some(labels))?;
        let into = Registering(&registry);
        let seconds = HistogramOpts::new(
            "work_seconds",
            "How long works took, by phase: wait (in hand: look-ups, others' answers, a core, the claim), fetch (opening the \
             inputs), work (the transform), store (outputs), publish (records and messages, confirmed).",
        );
        let seconds = into.keep(HistogramVec::new(seconds.buckets(BOUNDS.to_vec()), &["job", "phase"]))?;
        Ok(Self {
            messages: into.counters(
                "messages_total",
                "Messages that were settled, by outcome.",
                &["job", "outcome"],
            )?,
            seconds,
            published: into.counters(
                "published_total",
                "Messages that were published and confirmed, by purpose.",
                &["job", "purpose"],
            )?,
            unconfirmed: into.counters(
                "unconfirmed_total",
                "Messages that went back because the broker did not confirm what carries them on.",
                &["job"],
            )?,
            stalls: into.counters(
                "stalls_total",
                "Times that a store was in trouble and work waited for it.",
                &["job"],
            )?,
            stalled: into.gauges("stalled", "1 while work waits for a store that is in trouble.")?,
            pauses: into.counters("pauses_total", "Times that a job paused for trouble of this machine.", &["job"])?,
            paused: into.gauges("paused", "1 while a job pauses for trouble of this machine.")?,
            left_to_others: into.counters(
                "left_to_others_total",
                "Messages that were left to other nodes, because their publisher means something else by the job.",
                &["job"],
            )?,
            lost_claims: into.counters(
                "claims_lost_total",
                "Claims that were taken over by another node, or ran out, while the work went on.",
                &["job"],
            )?,
            lost_workers: into.counters(
                "worker_restarts_total",
                "Workers that ended or could not start, and are replaced.",
                &["job"],
            )?,
            failed_workers: into.counters("worker_failures_total", "Workers that could not start.", &["job"])?,
            workers: into.gauges("workers", "Workers of a job on this node.")?,
            in_work: into.gauges("in_work", "Entities that transforms of this node work on now.")?,
            longest: into.reals("longest_work_seconds", "For how long the oldest of them has been worked on.")?,
            ready: into.reals(
                "queue_ready_messages",
                "Messages that wait in a job's queue, for all nodes; NaN while not known.",
            )?,
            prefetched: into.gauges("prefetched_messages", "Messages that this node holds ready for its workers.")?,
            remaining: into.gauges(
                "work_remaining",
                "Messages that wait in the queue, are held ready here, or are worked on here.",
            )?,
            waited: into
                .reals("queue_wait_seconds", "For how long the message that came last had waited in its queue.")?,
            process: ProcessMetrics {
                children: into.gauge("children_resident_bytes", "Memory of all child processes of this node.")?,
                connected: into.gauge(
                    "broker_connected",
                    "1 while the broker is reached and no connection to it is lost, and without a broker.",
                )?,
                delayed: into.real(
                    "delayed_messages",
                    "Messages of all jobs that wait in delay queues for their next try; NaN while not known.",
                )?,
                outages: into.counter("broker_outages_total", "Times that the broker went away.")?,
                cache_entries: into.gauge("cache_entries", "Objects of buckets that are kept on this machine.")?,
                cache_bytes: into.gauge("cache_bytes", "Their bytes.")?,
                cache_hits: into.counter("cache_hits_total", "Objects that were read from the cache.")?,
                spared: into.counter(
                    "not_downloaded_bytes_total",
                    "Bytes that were read from the cache instead of being downloaded.",
                )?,
                lost_spans: into.counter(
                    "spans_dropped_total",
                    "Spans that the collector of traces did not get; none are counted without --otlp.",
                )?,
            },
            registry,
        })
    }

    /// The series of one job.
    pub fn of_job(&self, job: &JobName) -> JobMetrics {
        let job = job.as_str();
        let alone = [job];
        let trouble =
            |gauges: &IntGaugeVec| Trouble { gauge: gauges.with_label_values(&alone), is_told: AtomicBool::new(false) };
        JobMetrics {
            outcomes: Outcome::ALL.map(|outcome| self.messages.with_label_values(&[job, &outcome.to_string()])),
            phases: PHASES.map(|phase| self.seconds.with_label_values(&[job, phase])),
            published: PURPOSES.map(|(_, purpose)| self.published.with_label_values(&[job, purpose])),
            unconfirmed: self.unconfirmed.with_label_values(&alone),
            stalls: self.stalls.with_label_values(&alone),
            stalled: trouble(&self.stalled),
            pauses: self.pauses.with_label_values(&alone),
            paused: trouble(&self.paused),
            left_to_others: self.left_to_others.with_label_values(&alone),
            lost_claims: self.lost_claims.with_label_values(&alone),
            lost_workers: self.lost_workers.with_label_values(&alone),
            failed_workers: self.failed_workers.with_label_values(&alone),
            workers: self.workers.with_label_values(&alone),
            in_work: self.in_work.with_label_values(&alone),
            longest: self.longest.with_label_values(&alone),
            ready: self.ready.with_label_values(&alone),
            prefetched: self.prefetched.with_label_values(&alone),
            remaining: self.remaining.with_label_values(&alone),
            waited: self.waited.with_label_values(&alone),
            touched: Mutex::new(Instant::now()),
        }
    }
}

/// Makes metrics and registers them.
struct Registering<'r>(&'r Registry);

impl Registering<'_> {
    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauges(&self, name: &str, help: &str) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), &["job"]))
    }

    fn reals(&self, name: &str, help: &str) -> Result<GaugeVec, prometheus::Error> {
        self.keep(GaugeVec::new(Opts::new(name, help), &["job"]))
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.keep(IntGauge::new(name, help))
    }

    fn real(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.keep(Gauge::new(name, help))
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.keep(IntCounter::new(name, help))
    }

    fn keep<C>(&self, made: Result<C, prometheus::Error>) -> Result<C, prometheus::Error>
    where
        C: Collector + Clone + 'static,
    {
        let made = made?;
        self.0.register(Box::new(made.clone()))?;
        Ok(made)
    }
}
