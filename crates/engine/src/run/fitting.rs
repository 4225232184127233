//! Which nodes can work for a run: those that are heard, serve its jobs, and mean the same by them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::setup::Setup;
use euterpe_amqp::{ConnectionError, ConnectionSettings, ListenerEvent, listen};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::in_hand::Held;
use super::node_views::Nodes;
use super::report::{NODE_KEY, NodeReport};
use super::tracker::Tracker;

/// How long nodes are listened to before it is said that none can work: each speaks once a second.
pub const LISTEN: Duration = Duration::from_millis(1700);
/// How often it is looked at again.
const AGAIN: Duration = Duration::from_millis(500);

/// The nodes that are heard, beside what is meant here.
pub struct Fitting<'s> {
    mine: &'s Setup,
    /// The nodes that are heard.
    pub nodes: Nodes,
    was_heard: bool,
}

impl<'s> Fitting<'s> {
    /// Nobody was heard yet.
    pub fn to(mine: &'s Setup) -> Self {
        Self { mine, nodes: Nodes::default(), was_heard: false }
    }

    /// Takes what was listened to.
    pub fn heard(&mut self, event: ListenerEvent) {
        if let Some(report) = report_of(event) {
            self.was_heard = true;
            self.nodes.heard(report);
        }
    }

    /// Why no node can work on a job; nothing where one can.
    pub fn problem(&self, job: &JobName) -> Option<String> {
        let mut alive = self.nodes.alive().peekable();
        if alive.peek().is_none() {
            return Some("no node is heard; start one with `euterpe node`".into());
        }
        let mut serving = alive.filter(|report| report.jobs.contains_key(job)).peekable();
        if serving.peek().is_none() {
            return Some("no node serves it".into());
        }
        let mut unfit = Vec::new();
        for report in serving {
            let Some(theirs) = &report.setup else { return None }; // of a version that does not tell
            let differences = self.mine.differences(theirs, job);
            if differences.is_empty() {
                return None;
            }
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            unfit.push(format!("node `{}` has {}", report.node, differences.join(", ")));
        }
        unfit.sort_unstable();
        Some(format!("no node can work on it: {}", unfit.join("; ")))
    }

    /// The jobs that no node can work on, by what keeps them from it.
    pub fn problems<'j>(&self, jobs: impl IntoIterator<Item = &'j JobName>) -> BTreeMap<String, Vec<&'j JobName>> {
        let mut problems: BTreeMap<String, Vec<&JobName>> = BTreeMap::new();
        for job in jobs {
            if let Some(problem) = self.problem(job) {
                problems.entry(problem).or_default().push(job);
            }
        }
        problems
    }
}

/// The nodes that are heard while all of them speak once, beside what is meant here.
///
/// # Errors
/// The broker does not let anybody listen.
pub async fn hear<'s>(dial: &ConnectionSettings, graph: &str, mine: &'s Setup) -> Result<Fitting<'s>, ConnectionError> {
    let mut fitting = Fitting::to(mine);
    hear_all(dial, graph, |event| fitting.heard(event)).await?;
    Ok(fitting)
}

/// The nodes that are heard while all of them speak once.
///
/// # Errors
/// The broker does not let anybody listen.
pub async fn listen_to_nodes(dial: &ConnectionSettings, graph: &str) -> Result<Nodes, ConnectionError> {
    let mut nodes = Nodes::default();
    hear_all(dial, graph, |event| report_of(event).into_iter().for_each(|report| nodes.heard(report))).await?;
    Ok(nodes)
}

/// The report of a node, where it is one that can be read.
fn report_of(event: ListenerEvent) -> Option<NodeReport> {
    let ListenerEvent::Report(body) = event else { return None };
    match serde_json::from_slice::<NodeReport>(&body) {
        Ok(report) => Some(report),
        Err(error) => {
            tracing::warn!(%error, "a node reported what cannot be read; is it of another version?");
            None
        }
    }
}

/// Gives `take` all that is said while all nodes speak once.
async fn hear_all(
    dial: &ConnectionSettings,
    graph: &str,
    mut take: impl FnMut(ListenerEvent),
) -> Result<(), ConnectionError> {
    let (reports, mut heard) = mpsc::unbounded_channel();
    let hearing = async {
        let until = Instant::now() + LISTEN;
        while let Ok(Some(event)) = tokio::time::timeout_at(until, heard.recv()).await {
            take(event);
        }
    };
    tokio::select! {
        () = hearing => Ok(()),
        ended = listen(dial, graph, &[NODE_KEY], &reports) => match ended {
            Ok(never) => match never {},
            Err(error) => Err(error),
        },
    }
}

/// Tells a run's watcher, once, of jobs that no node can work on, and again when that is over; gives `hold` what the nodes
/// have in hand of the run.
///
/// # Errors
/// The broker does not let anybody listen.
pub async fn tell_misfits(
    dial: &ConnectionSettings,
    graph: &str,
    (plan, tracker): (&NodePlan, &Tracker),
    mine: &Setup,
    hold: impl Fn(Vec<Held>),
) -> Result<Infallible, ConnectionError> {
    let (reports, mut heard) = mpsc::unbounded_channel();
    let told: RefCell<BTreeMap<JobName, String>> = RefCell::default();
    let telling = async {
        let mut fitting = Fitting::to(mine);
        let mut at = Instant::now() + LISTEN;
        loop {
            match tokio::time::timeout_at(at, heard.recv()).await {
                Ok(Some(event)) => fitting.heard(event),
                Ok(None) => std::future::pending().await,
                Err(_) => {
                    at = Instant::now() + AGAIN;
                    let mut in_hand = fitting.nodes.in_hand();
                    in_hand.retain(|held| tracker.is_live(&held.entity));
                    hold(in_hand);
                    // Once nodes were heard, silence may as well be the broker's.
                    if fitting.was_heard && fitting.nodes.alive().next().is_none() {
                        continue;
                    }
                    let tally = tracker.tally();
                    let open = plan.jobs.iter().zip(&tally.jobs).filter(|(_, job)| job.required > job.ended);
                    tell(tracker, &fitting.problems(open.map(|(job, _)| &job.name)), &mut told.borrow_mut());
                }
            }
        }
    };
    tokio::select! {
        never = telling => never,
        ended = listen(dial, graph, &[NODE_KEY], &reports) => ended,
    }
}

/// Tells what is new among `problems`, and which of the jobs that were told have none any more.
fn tell(tracker: &Tracker, problems: &BTreeMap<String, Vec<&JobName>>, told: &mut BTreeMap<JobName, String>) {
    let over: Vec<JobName> =
        told.keys().filter(|job| !problems.values().any(|jobs| jobs.contains(job))).cloned().collect();
    if !over.is_empty() {
        tracker.trouble(&some(&over.iter().collect::<Vec<_>>()), "a node can work on it now".into(), true);
        over.iter().for_each(|job| drop(told.remove(job)));
    }
    for (problem, jobs) in problems {
        let news: Vec<&JobName> = jobs.iter().filter(|job| told.get(**job) != Some(problem)).copied().collect();
        if !news.is_empty() {
            tracker.trouble(&some(&news), problem.clone(), false);
            told.extend(news.into_iter().map(|job| (job.clone(), problem.clone())));
        }
    }
}

/// Some jobs as one word.
pub fn some(jobs: &[&JobName]) -> String {
    const MOST: usize = 4;
    let names: Vec<&str> = jobs.iter().take(MOST).map(|job| job.as_str()).collect();
    match jobs.len() {
        ..=MOST => names.join(","),
        all => format!("{},… ({all} jobs)", names.join(",")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use euterpe_actors::refresh::Force;

    use super::*;
    use crate::traces::Roots;

    #[test]
    fn a_job_is_told_of_when_what_keeps_it_changes_and_is_over_only_when_nothing_does() {
        let tracker = Tracker::new(Arc::new(NodePlan::new(Vec::new())), Force::None, Roots::new(None));
        let (a, b): (JobName, JobName) = ("a".parse().expect("a name"), "b".parse().expect("a name"));
        let mut told = BTreeMap::new();
        let mut step = |problems: &[(&str, &[&JobName])]| {
            let problems = problems.iter().map(|(text, jobs)| ((*text).to_owned(), jobs.to_vec())).collect();
            tell(&tracker, &problems, &mut told);
            let said = |trouble: super::super::tracker::Trouble| format!("{}: {}", trouble.job, trouble.text);
            tracker.troubles().into_iter().map(said).collect::<Vec<_>>()
        };
        assert_eq!(step(&[("no node", &[&a, &b])]), ["a,b: no node"]);
        assert_eq!(step(&[("no node", &[&a, &b])]), [""; 0]);
        assert_eq!(step(&[("another mel", &[&a]), ("no node", &[&b])]), ["a: another mel"]);
        assert_eq!(step(&[("another mel", &[&a])]), ["b: a node can work on it now"]);
        assert_eq!(step(&[]), ["a: a node can work on it now"]);
    }
}
