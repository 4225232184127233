//! What the queues hold and what the nodes say, over a broker.

use euterpe_engine::Status;
use serde::Serialize;

/// What the queues hold and what the nodes say.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct BrokerView {
    /// The jobs, parents first.
    pub jobs: Vec<QueueLine>,
    /// Messages that wait for their next try or for another node.
    pub delayed: u64,
    /// The nodes that are heard.
    pub nodes: Vec<NodeLine>,
    /// Why nothing newer is known.
    pub trouble: Option<String>,
}

/// A job's queue, and its workers over all nodes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct QueueLine {
    pub job: String,
    /// Messages that wait; none where there is no queue yet.
    pub ready: Option<u64>,
    pub in_work: u64,
    pub workers: u64,
    /// Messages that came to an end in a second.
    pub rate: f64,
    /// For how many seconds the message that came last had waited, or the longest work has been going on.
    pub oldest: u64,
    /// What keeps all nodes from working on it.
    pub misfit: Option<String>,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeLine {
    pub name: String,
    pub version: Option<String>,
    /// For how many seconds it has served.
    pub seconds: u64,
    pub draining: bool,
    pub jobs: Vec<NodeJobLine>,
}

/// A job on a node.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NodeJobLine {
    pub job: String,
    pub workers: u64,
    pub in_work: u64,
    /// The entity that has been worked on longest, and for how many seconds.
    pub longest: Option<(String, u64)>,
    pub done: u64,
    pub dead: u64,
}

impl BrokerView {
    /// What a status says.
    pub(crate) fn of(status: &Status) -> Self {
        let queue = |job: &euterpe_engine::JobStatus| QueueLine {
            job: job.name.to_string(),
            ready: job.ready,
            in_work: job.at_work.sum.in_work as u64,
            workers: job.at_work.sum.workers as u64,
            rate: job.at_work.rate,
            oldest: job.at_work.sum.waited.max(job.at_work.sum.longest),
            misfit: job.misfit.clone(),
        };
        let node = |node: &euterpe_engine::NodeReport| NodeLine {
            name: node.node.clone(),
            version: node.version.clone(),
            seconds: node.seconds,
            draining: node.draining,
            jobs: node.jobs.iter().map(|(job, report)| NodeJobLine::of(job.as_str(), report)).collect(),
        };
        Self {
            jobs: status.jobs.iter().map(queue).collect(),
            delayed: status.delayed,
            nodes: status.nodes.iter().map(node).collect(),
            trouble: None,
        }
    }

    /// The queue of a job.
    pub(crate) fn queue(&self, job: &str) -> Option<&QueueLine> {
        self.jobs.iter().find(|line| line.job == job)
    }
}

impl NodeJobLine {
    fn of(job: &str, report: &euterpe_engine::JobReport) -> Self {
        let longest = report.longest_entity.as_ref().map(|entity| (entity.to_string(), report.longest));
        Self {
            job: job.to_owned(),
            workers: report.workers as u64,
            in_work: report.in_work as u64,
            longest,
            done: report.done,
            dead: report.dead,
        }
    }
}
