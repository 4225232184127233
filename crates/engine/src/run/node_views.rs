//! How a graph is at work: what its queues hold and what its nodes report, put together.

use std::collections::BTreeMap;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use tokio::time::Instant;

use super::in_hand::Held;
use super::report::{JobReport, NodeReport};

/// How long a node may be silent before it is taken for gone.
const SILENT: Duration = Duration::from_secs(5);
/// Over how long a rate is measured.
const WINDOW: Duration = Duration::from_secs(20);

/// What is known of the nodes, from their reports.
#[derive(Debug, Default)]
pub struct Nodes {
    nodes: BTreeMap<String, Heard>,
}

#[derive(Debug)]
struct Heard {
    /// Reports with when they were heard, the oldest first, over the last while.
    reports: Vec<(Instant, NodeReport)>,
}

/// One job over all nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtWork {
    /// What the nodes that are heard report, added up.
    pub sum: JobReport,
    /// Messages that came to an end in a second.
    pub rate: f64,
}

impl Nodes {
    /// A node said how it is.
    pub fn heard(&mut self, report: NodeReport) {
        let now = Instant::now();
        let heard = self.nodes.entry(report.node.clone()).or_insert_with(|| Heard { reports: Vec::new() });
        // One that began anew under its old name counts from nothing again.
        if heard.reports.last().is_some_and(|(_, last)| report.seconds < last.seconds) {
            heard.reports.clear();
        }
        heard.reports.retain(|(at, _)| now - *at <= WINDOW);
        heard.reports.push((now, report));
    }

    /// The nodes that are heard, by name.
    pub fn alive(&self) -> impl Iterator<Item = &NodeReport> {
        let last = self.nodes.values().filter_map(|heard| heard.reports.last());
        last.filter(|(at, _)| at.elapsed() <= SILENT).map(|(_, report)| report)
    }

    /// The longest work of each job of each node that is heard, the longest first.
    pub fn in_hand(&self) -> Vec<Held> {
        let longest = |(job, report): (&JobName, &JobReport)| {
            let (entity, took) = (report.longest_entity.clone()?, Duration::from_secs(report.longest));
            Some(Held { job: job.clone(), entity, took })
        };
        let mut all: Vec<Held> = self.alive().flat_map(|node| node.jobs.iter().filter_map(longest)).collect();
        all.sort_by_key(|held| std::cmp::Reverse(held.took));
        all
    }

    /// A job over all nodes that are heard.
    pub fn job(&self, job: &JobName) -> AtWork {
        let mut at_work = AtWork::default();
        for heard in self.nodes.values() {
            let (Some((first_at, first)), Some((last_at, last))) = (heard.reports.first(), heard.reports.last()) else {
                continue;
            };
            let (true, Some(now)) = (last_at.elapsed() <= SILENT, last.jobs.get(job)) else { continue };
            let sum = &mut at_work.sum;
            sum.workers += now.workers;
            sum.in_work += now.in_work;
            if now.longest >= sum.longest && now.longest_entity.is_some() {
                sum.longest_entity.clone_from(&now.longest_entity);
            }
            sum.longest = sum.longest.max(now.longest);
            sum.waited = sum.waited.max(now.waited);
            sum.done += now.done;
            sum.exists += now.exists;
            sum.skipped += now.skipped;
            sum.dead += now.dead;
            sum.retried += now.retried;
            sum.parked += now.parked;
            let before = first.jobs.get(job).map_or(0, ended);
            let seconds = (*last_at - *first_at).as_secs_f64();
            if seconds > 0.0 {
                at_work.rate += ended(now).saturating_sub(before) as f64 / seconds;
            }
        }
        at_work
    }
}

fn ended(job: &JobReport) -> u64 {
    job.done + job.exists + job.skipped + job.dead
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(node: &str, seconds: u64, done: u64) -> NodeReport {
        let job = JobReport { workers: 2, done, ..JobReport::default() };
        let jobs = [(JobName::new("mel").expect("a name"), job)].into();
        NodeReport {
            node: node.into(),
            seconds,
            draining: false,
            not_downloaded_bytes: 0,
            jobs,
            setup: None,
            version: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nodes_are_added_up_rates_measured_and_the_silent_left_out() {
        let mut nodes = Nodes::default();
        let mel = JobName::new("mel").expect("a name");
        nodes.heard(report("a", 1, 100));
        nodes.heard(report("b", 1, 0));
        tokio::time::advance(Duration::from_secs(2)).await;
        nodes.heard(report("a", 3, 120));
        nodes.heard(report("b", 3, 6));
        let at_work = nodes.job(&mel);
        assert_eq!((at_work.sum.workers, at_work.sum.done, at_work.rate), (4, 126, 13.0));
        tokio::time::advance(Duration::from_secs(4)).await;
        nodes.heard(report("b", 0, 1)); // began anew
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(nodes.alive().map(|node| node.node.as_str()).collect::<Vec<_>>(), ["b"]);
        assert_eq!((nodes.job(&mel).sum.done, nodes.job(&mel).rate), (1, 0.0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_work_of_each_node_is_known() {
        let held = |node: &str, entity: &str, longest| {
            let mut report = report(node, 1, 0);
            let job = report.jobs.values_mut().next().expect("a job");
            job.longest = longest;
            job.longest_entity = euterpe_actors::ids::EntityId::new(entity).ok();
            report
        };
        let mut nodes = Nodes::default();
        [held("a", "t-1", 3), held("b", "t-17", 58), report("c", 1, 0)].into_iter().for_each(|one| nodes.heard(one));
        let hand: Vec<(String, u64)> =
            nodes.in_hand().iter().map(|held| (held.entity.to_string(), held.took.as_secs())).collect();
        assert_eq!(hand, [("t-17".to_owned(), 58), ("t-1".to_owned(), 3)]);
        let mel = nodes.job(&JobName::new("mel").expect("a name")).sum;
        assert_eq!((mel.longest, mel.longest_entity.as_ref().map(|id| id.as_str())), (58, Some("t-17")));
    }
}
