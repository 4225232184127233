//! The status of a graph over a broker: what its queues hold, and what its nodes report.

use std::time::Duration;

use anyhow::anyhow;
use euterpe_actors::ids::JobName;
use euterpe_actors::state::LetterFilter;
use euterpe_amqp::{ConnectionSettings, ListenerEvent, QueueDepths, listen};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Session;
use crate::run::node_views::{AtWork, Nodes};
use crate::run::report::{NODE_KEY, NodeReport};

/// For how long nodes are listened to before they are shown: each speaks once a second.
const LISTEN: Duration = Duration::from_millis(2300);

/// One job of a status.
#[derive(Debug)]
pub struct JobStatus {
    /// The job.
    pub name: JobName,
    /// Messages in its queue; none where there is no queue yet.
    pub ready: Option<u64>,
    /// Its dead letters in the state.
    pub letters: u64,
    /// What its workers do, over all nodes.
    pub at_work: AtWork,
}

impl JobStatus {
    /// How long its queue will take at the rate of the last seconds, where there is a rate.
    pub fn eta(&self) -> Option<Duration> {
        let left = self.ready? + self.at_work.sum.in_work as u64;
        (self.at_work.rate > 0.01).then(|| Duration::from_secs_f64((left as f64 / self.at_work.rate).min(1e9)))
    }
}

/// How a graph is at work.
#[derive(Debug)]
pub struct Status {
    /// Its jobs, parents before children.
    pub jobs: Vec<JobStatus>,
    /// The nodes that are heard, by name.
    pub nodes: Vec<NodeReport>,
}

/// Gets each status of a graph as it is found.
pub trait StatusView {
    /// Takes a status; whether to go on.
    ///
    /// # Errors
    /// Where it cannot be shown.
    fn show(&mut self, status: &Status) -> anyhow::Result<bool>;
}

impl Session {
    /// Finds out how the graph is at work, every few seconds for as long as `view` wants to go on.
    ///
    /// # Errors
    /// A broker that cannot be used; what keeps the dead letters from being counted.
    pub async fn status(&self, dial: &ConnectionSettings, view: &mut dyn StatusView) -> anyhow::Result<()> {
        let (reports, mut heard) = mpsc::unbounded_channel();
        let showing = self.show_status(dial, &mut heard, view);
        let unusable = |error: &dyn std::fmt::Display| anyhow!("the broker at {} cannot be used: {error}", dial.url);
        tokio::select! {
            shown = showing => shown,
            ended = listen(dial, &self.workspace.plan.graph, NODE_KEY, &reports) => match ended {
                Ok(never) => match never {},
                Err(error) => Err(unusable(&error)),
            },
        }
    }

    async fn show_status(
        &self,
        dial: &ConnectionSettings,
        heard: &mut mpsc::UnboundedReceiver<ListenerEvent>,
        view: &mut dyn StatusView,
    ) -> anyhow::Result<()> {
        let workspace = &self.workspace;
        let mut nodes = Nodes::default();
        let depths = QueueDepths::open(dial, &workspace.plan.graph).await;
        let mut depths = depths.map_err(|error| anyhow!("the broker at {} cannot be used: {error}", dial.url))?;
        loop {
            let until = Instant::now() + LISTEN;
            while let Ok(Some(what)) = tokio::time::timeout_at(until, heard.recv()).await {
                if let ListenerEvent::Report(body) = what {
                    match serde_json::from_slice::<NodeReport>(&body) {
                        Ok(report) => nodes.heard(report),
                        Err(error) => {
                            tracing::warn!(%error, "a node reported what cannot be read; is it of another version?");
                        }
                    }
                }
            }
            let mut jobs = Vec::with_capacity(workspace.nodes.jobs.len());
            for job in &workspace.nodes.jobs {
                let ready = depths.ready(&job.name).await?;
                let filter = LetterFilter { job: Some(job.name.clone()), ..LetterFilter::default() };
                let letters = workspace.state.letter_keys(&filter).await?.len() as u64;
                jobs.push(JobStatus { name: job.name.clone(), ready, letters, at_work: nodes.job(&job.name) });
            }
            if !view.show(&Status { jobs, nodes: nodes.alive().cloned().collect() })? {
                return Ok(());
            }
        }
    }
}
