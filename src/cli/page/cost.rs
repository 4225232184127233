//! What a run would cost, on paper.

use euterpe_actors::plan::NodePlan;
use euterpe_engine::{Cost, JobCost};
use serde_json::{Map, Value, json};

use super::words::{columns, count, size};
use crate::cli::args::Prices;

/// What a run would cost.
pub struct CostPage<'c> {
    /// The jobs.
    pub plan: &'c NodePlan,
    /// What they cost.
    pub cost: &'c Cost,
    /// By these prices.
    pub prices: Option<Prices>,
    /// How many works go on at a time on this machine.
    pub at_once: usize,
}

impl CostPage<'_> {
    /// As JSON.
    pub fn json(&self) -> Value {
        let cost = self.cost;
        let job = |job: &JobCost| {
            json!({
                "works": job.works, "seconds": job.seconds.map(|mean| mean.value), "measured": job.seconds.map_or(0, |mean| mean.of),
                "read_bytes": job.reads, "write_bytes": job.writes,
            })
        };
        let names = self.plan.jobs.iter().map(|job| job.name.to_string());
        let jobs: Map<String, Value> = names.zip(cost.jobs.iter().map(job)).collect();
        let store = |of: &euterpe_engine::Requests| json!({"lists": of.lists, "reads": of.reads, "writes": of.writes});
        let requests: Map<String, Value> =
            cost.requests.iter().map(|(name, of)| (name.to_string(), store(of))).collect();
        let (reads, writes) = cost.bytes();
        let mut page = json!({
            "jobs": jobs, "runs": cost.runs, "seconds": cost.seconds(), "read_bytes": reads, "write_bytes": writes,
            "requests": requests, "messages": cost.messages, "message_bytes": cost.message_bytes, "id_bytes": cost.id_bytes,
        });
        if let Some(prices) = self.prices {
            let money = prices.of(cost);
            page["money"] = json!({"requests": money.requests, "month": money.month, "work": money.work});
        }
        page
    }

    /// For people; `limited` is a run of a few entities.
    pub fn text(&self, limited: &str) -> String {
        let cost = self.cost;
        let works: u64 = cost.jobs.iter().map(|job| job.works).sum();
        if works == 0 {
            return "\nit would cost nothing\n".to_owned();
        }
        let mut text = format!("\nwhat that would cost\n{}", self.table(works));
        let runs = count(cost.runs as u64, "finished run", "finished runs");
        text += &format!(
            "seconds: of one work, as {runs} measured it; reads, writes: by the sizes of up to 64 objects of each kind\n"
        );
        let unknown: Vec<String> = cost.unknown().map(|at| format!("`{}`", self.plan.job(at).name)).collect();
        if !unknown.is_empty() {
            let jobs = unknown.join(", ");
            text += &format!("?: nothing is known of that for {jobs}; make some first, such as by `{limited}`\n");
        }
        let hours = cost.seconds() / 3600.0;
        let together = (self.at_once as u64).min(works);
        let at_once = count(together, "work", "works");
        let least = if unknown.is_empty() { "" } else { "at least " };
        text += &format!("{at_once} at a time, as on this machine: {least}{}\n", hours_of(hours / together as f64));
        for (name, of) in &cost.requests {
            let lists = count(of.lists, "list", "lists");
            text += &format!(
                "requests to `{name}`: {lists}, {}, {}\n",
                count(of.reads, "read", "reads"),
                count(of.writes, "write", "writes")
            );
        }
        text += &format!(
            "over a broker: {} of {} in all; in the state: ids of {}, before they are compressed\n",
            count(cost.messages, "message", "messages"),
            size(cost.message_bytes),
            size(cost.id_bytes)
        );
        if let Some(prices) = self.prices {
            let money = prices.of(cost);
            text += &format!(
                "at these prices: {least}{:.2} for requests, {:.2} for {hours:.2} core hours, and {:.2} a month for what is written\n",
                money.requests, money.work, money.month
            );
        }
        text
    }

    fn table(&self, works: u64) -> String {
        let known = |value: Option<f64>, say: &dyn Fn(f64) -> String| value.map_or_else(|| "?".to_owned(), say);
        let bytes = |value: f64| size(value as u64);
        let head = ["job", "works", "seconds", "work", "reads", "writes"];
        let mut lines = vec![head.map(str::to_owned).to_vec()];
        for (job, one) in self.plan.jobs.iter().zip(&self.cost.jobs).filter(|(_, one)| one.works > 0) {
            let all = |value: f64| value * one.works as f64;
            let seconds = one.seconds.map(|mean| mean.value);
            lines.push(vec![
                job.name.to_string(),
                one.works.to_string(),
                known(seconds, &|value| format!("{value:.3}")),
                known(seconds.map(|value| all(value) / 3600.0), &hours_of),
                known(one.reads.map(all), &bytes),
                known(one.writes.map(all), &bytes),
            ]);
        }
        let (reads, writes) = self.cost.bytes();
        let hours = hours_of(self.cost.seconds() / 3600.0);
        let title = if self.cost.unknown().next().is_some() { "at least" } else { "in all" };
        lines.push(vec![title.into(), works.to_string(), String::new(), hours, bytes(reads), bytes(writes)]);
        columns(&lines, &[1, 2, 3, 4, 5])
    }
}

/// Hours as a person says them.
fn hours_of(hours: f64) -> String {
    match hours * 3600.0 {
        seconds if seconds < 60.0 => format!("{seconds:.1} s"),
        seconds if seconds < 3600.0 => format!("{:.1} min", seconds / 60.0),
        _ if hours < 100.0 => format!("{hours:.1} h"),
        _ => format!("{:.1} days", hours / 24.0),
    }
}
