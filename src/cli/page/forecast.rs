//! A plan on paper: the table, why jobs are blocked, and what comes next; or the same as JSON.

use std::collections::BTreeMap;

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::JobIx;
use serde_json::{Map, Value, json};

use euterpe_engine::{Forecast, Group, PassedKind, Row};

use super::words::{columns, count, former, out_of_date, passed_over, plain, selection};
use crate::cli::args::{Place, Select};

/// A plan on paper.
pub struct ForecastPage<'f> {
    /// The plan.
    pub forecast: &'f Forecast,
    /// Whether it names what is passed over.
    pub names_passed: bool,
    /// What is planned.
    pub of: Planned,
}

/// What a plan is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// A run.
    Run,
    /// A publishing, with or without what is there.
    #[cfg(feature = "amqp")]
    Publishing {
        /// Whether entities are left out of which all is there.
        missing_only: bool,
    },
}

impl ForecastPage<'_> {
    /// As JSON.
    pub fn json(&self, graph: &str) -> Value {
        let names = self.forecast.plan.jobs.iter();
        let jobs: Map<String, Value> = names
            .zip(&self.forecast.jobs)
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
                    "job": self.forecast.plan.job(*at).name, "at": cause, "reason": reason, "count": group.count,
                    "example": {"entity": group.entity, "text": group.text},
                })
            };
            groups.iter().map(group).collect()
        };
        let mut page = json!({
            "graph": graph, "entities": self.forecast.entities, "unfinished": self.forecast.unfinished, "bad_names": self.forecast.bad_names,
            "jobs": jobs, "blocked": groups(&self.forecast.blocked), "skipped": groups(&self.forecast.skipped), "work": self.forecast.work(),
            "out_of_date": self.forecast.out_of_date.json(&self.forecast.plan),
            "former": self.forecast.former.json(&self.forecast.plan),
            "passed_over": self.forecast.passed.total(), "passed_over_by_kind": self.forecast.passed.kinds(),
            "shortened": self.forecast.shortened,
        });
        if self.names_passed {
            let one = |(kind, path): &(PassedKind, String)| json!({"path": path, "kind": kind.name()});
            page["passed_over_names"] = self.forecast.passed_names.iter().map(one).collect();
        }
        page
    }

    /// For people.
    pub fn text(&self, place: &Place, select: &Select) -> String {
        let file = place.typed() + &select.typed();
        let entities = count(self.forecast.entities, "entity", "entities");
        let mut text = format!("{entities}, {}; nothing was written\n\n", selection(&self.forecast.selection));
        text += &self.table();
        text += &out_of_date("out of date, and made anew", &self.forecast.out_of_date, &self.forecast.plan);
        text += &former(&self.forecast.former, &self.forecast.plan, &place.typed());
        text += &self.reasons("blocked", &self.forecast.blocked);
        text += &self.reasons("skipped", &self.forecast.skipped);
        if let Some((name, why)) = &self.forecast.bad_name {
            let names = count(self.forecast.bad_names, "name", "names");
            text += &format!("\n{names} cannot be run, such as `{}`: {why}\n", plain(name, false));
        }
        if let Some((entity, key)) = &self.forecast.shortened_example {
            let outputs = count(self.forecast.shortened, "output", "outputs");
            text += &format!("\n{outputs} of too long a name, shortened, such as that of `{entity}`: {key}\n");
        }
        text += &passed_over(&self.forecast.passed);
        for (kind, path) in self.forecast.passed_names.iter().filter(|_| self.names_passed) {
            text += &format!("  {}  {}\n", kind.name(), plain(path, false));
        }
        text += &match (self.forecast.work(), self.of) {
            #[cfg(feature = "amqp")]
            (work, Planned::Publishing { missing_only }) if self.forecast.entities > 0 => {
                let (flag, sent) = match missing_only {
                    true => (" --missing-only", self.forecast.unfinished),
                    false => ("", self.forecast.entities),
                };
                let (sent, work) = (count(sent, "entity", "entities"), count(work, "transform", "transforms"));
                format!("\n`euterpe publish {file}{flag}` would send {sent}, for which nodes would run {work}\n")
            }
            (0, _) if !self.forecast.blocked.is_empty() => {
                "\nnothing can be made: what is missing is blocked\n".to_owned()
            }
            (0, _) if self.forecast.bad_names > 0 => "\nnothing to do for the names that can be run\n".to_owned(),
            (0, _) if self.forecast.entities == 0 => "\nno entities: nothing to do\n".to_owned(),
            (0, _) if !self.forecast.skipped.is_empty() => {
                "\nnothing to do: what is missing or out of date is skipped\n".to_owned()
            }
            (0, _) => "\nnothing to do: all that is asked for is there\n".to_owned(),
            (work, _) => format!("\n`euterpe run {file}` would run {}\n", count(work, "transform", "transforms")),
        };
        text
    }

    fn table(&self) -> String {
        let asked = self.forecast.jobs.iter().any(|row| row.on_request > 0);
        let mut lines = vec![["job", "have", "make"].map(str::to_owned).to_vec()];
        if asked {
            lines[0].push("on request".into());
        }
        lines[0].extend(["blocked", "skipped"].map(str::to_owned));
        for (job, row) in self.forecast.plan.jobs.iter().zip(&self.forecast.jobs) {
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
            let job = &self.forecast.plan.job(*at).name;
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
