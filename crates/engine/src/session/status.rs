//! The status of a graph over a broker: what its queues hold, and what its nodes report.

use std::time::Duration;

use anyhow::{Context, anyhow};
use euterpe_actors::ids::JobName;
use euterpe_amqp::{ConnectionSettings, ListenerEvent, QueueDepths, listen};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Session;
use super::letter_counts::LetterCounts;
use crate::run::fitting::Fitting;
use crate::run::node_views::AtWork;
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
    /// What keeps all nodes that serve it from working on it, where something does.
    pub misfit: Option<String>,
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
    /// Messages of all jobs that are in no job's queue, since they wait for their next try or for another node.
    pub delayed: u64,
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
        let unusable = || format!("the broker at {} cannot be used", dial.url);
        tokio::select! {
            shown = showing => shown,
            ended = listen(dial, &self.workspace.plan.graph, &[NODE_KEY], &reports) => match ended {
                Ok(never) => match never {},
                Err(error) => Err(anyhow!(error).context(unusable())),
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
        let mine = workspace.seen_setup().await?;
        let mut fitting = Fitting::to(&mine);
        let depths = QueueDepths::open(dial, &workspace.plan.graph).await;
        let mut depths = depths.with_context(|| format!("the broker at {} cannot be used", dial.url))?;
        let mut letters = LetterCounts::default();
        loop {
            let until = Instant::now() + LISTEN;
            while let Ok(Some(what)) = tokio::time::timeout_at(until, heard.recv()).await {
                fitting.heard(what);
            }
            letters.refresh(&workspace.state).await?;
            let mut jobs = Vec::with_capacity(workspace.nodes.jobs.len());
            for job in &workspace.nodes.jobs {
                let ready = depths.ready(&job.name).await?;
                let letters = letters.of(&job.name);
                let at_work = fitting.nodes.job(&job.name);
                let misfit = if at_work.sum.workers > 0 { fitting.problem(&job.name) } else { None };
                jobs.push(JobStatus { name: job.name.clone(), ready, letters, at_work, misfit });
            }
            let (delayed, nodes) = (depths.delayed().await?, fitting.nodes.alive().cloned().collect());
            if !view.show(&Status { jobs, delayed, nodes })? {
                return Ok(());
            }
        }
    }
}
