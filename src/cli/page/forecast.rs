//! A plan on paper: the table, why jobs are blocked, and what comes next; or the same as JSON.

use std::collections::BTreeMap;

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::JobIx;
use serde_json::{Map, Value, json};

use euterpe_engine::{Forecast, Group, Row};

use super::words::{columns, count, plain, selection};
use crate::cli::args::Place;

/// A plan on paper.
pub struct ForecastPage<'f>(pub &'f Forecast);

impl ForecastPage<'_> {
    /// As JSON.
    pub fn json(&self, graph: &str) -> Value {
        let names = self.0.plan.jobs.iter();
        let jobs: Map<String, Value> = names
            .zip(&self.0.jobs)
            .map(|(job, row)| {
                let Row { have, make, on_request, blocked, skipped } = row;
                let row = json!({
                    "have": have, "make": make, "on_request": on_request, "blocked": blocked, "skipped": skipped,
                });
                (job.name.to_string(), row)
            })
            .collect();
        let groups = |groups: &BTreeMap<(JobIx, JobName, Reason), Group>| -> Vec<Value> {
            let group = |((at, cause, reason), group): (&(JobIx, JobName, Reason), &Group)| {
                json!({
                    "job": self.0.plan.job(*at).name, "at": cause, "reason": reason, "count": group.count,
                    "example": {"entity": group.entity, "text": group.text},
                })
            };
            groups.iter().map(group).collect()
        };
        json!({
            "graph": graph, "entities": self.0.entities, "unfinished": self.0.unfinished, "bad_names": self.0.bad_names,
            "jobs": jobs, "blocked": groups(&self.0.blocked), "skipped": groups(&self.0.skipped), "work": self.0.work(),
        })
    }

    /// For people.
    pub fn text(&self, place: &Place) -> String {
        let file = place.typed();
        let entities = count(self.0.entities, "entity", "entities");
        let mut text = format!("{entities}, {}; nothing was written\n\n", selection(&self.0.selection));
        text += &self.table();
        text += &self.reasons("blocked", &self.0.blocked);
        text += &self.reasons("skipped", &self.0.skipped);
        if let Some((name, why)) = &self.0.bad_name {
            let names = count(self.0.bad_names, "name", "names");
            text += &format!("\n{names} cannot be run, such as `{}`: {why}\n", plain(name, false));
        }
        if self.0.passed > 0 {
            let files = count(self.0.passed, "other file", "other files");
            text += &format!("\n{files} in the source: no such name or extension is asked for\n");
        }
        let blocked = self.0.bad_names > 0 || !self.0.blocked.is_empty();
        text += &match (self.0.work(), blocked) {
            (0, false) if self.0.entities == 0 => "\nno entities: nothing to do\n".to_owned(),
            (0, false) => "\nnothing to do: all that is asked for is there\n".to_owned(),
            (0, true) => "\nnothing can be made: what is missing is blocked\n".to_owned(),
            (work, _) => format!("\n`euterpe run {file}` would run {}\n", count(work, "transform", "transforms")),
        };
        text
    }

    fn table(&self) -> String {
        let asked = self.0.jobs.iter().any(|row| row.on_request > 0);
        let mut lines = vec![["job", "have", "make"].map(str::to_owned).to_vec()];
        if asked {
            lines[0].push("on request".into());
        }
        lines[0].extend(["blocked", "skipped"].map(str::to_owned));
        for (job, row) in self.0.plan.jobs.iter().zip(&self.0.jobs) {
            let mut line = vec![job.name.to_string(), row.have.to_string(), row.make.to_string()];
            if asked {
                line.push(row.on_request.to_string());
            }
            line.extend([row.blocked.to_string(), row.skipped.to_string()]);
            lines.push(line);
        }
        let mut text = columns(&lines, &[1, 2, 3, 4, 5]);
        if asked {
            text += "\non request: not asked for, and made because another job needs it\n";
        }
        text
    }

    /// Each reason once, at the job that would fail; who waits for it is only counted.
    fn reasons(&self, title: &str, groups: &BTreeMap<(JobIx, JobName, Reason), Group>) -> String {
        let mut text = String::new();
        for ((at, cause, reason), group) in groups {
            let job = &self.0.plan.job(*at).name;
            if text.is_empty() {
                text += &format!("\n{title}\n");
            }
            text += &match job == cause {
                true => format!(
                    "  {job}: {} {reason}, such as `{}`: {}\n",
                    group.count,
                    group.entity,
                    plain(&group.text, false)
                ),
                false => format!("  {job}: {} because of {cause} ({reason})\n", group.count),
            };
        }
        text
    }
}
