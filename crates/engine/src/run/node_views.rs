//! How a graph is at work: what its queues hold and what its nodes report, put together.

use std::collections::BTreeMap;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use tokio::time::Instant;

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
        NodeReport { node: node.into(), seconds, draining: false, not_downloaded_bytes: 0, jobs }
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
}
