//! How a run ended: the table, what to look at, and the exit code.

use std::collections::BTreeMap;

use euterpe_engine::{Ended, JobTally, RunEnded, Session, Tally};
use serde_json::{Map, Value, json};

use super::Output;
use super::words::{former, out_of_date, passed_over, size};
use crate::cli::Exit;

/// A column of the table: its name, and what it counts.
type Column = (&'static str, fn(&JobTally) -> u64);

/// What a summary is about.
pub struct Summary<'s> {
    /// The graph file with its stores and state folder, as a further command needs them.
    pub file: String,
    /// The flags by which the same is asked for again.
    pub asked: String,
    /// Why there may be no entities, where that is not the sources' doing.
    pub why_none: Option<String>,
    /// The graph.
    pub session: &'s Session,
    /// The run, and how it ended.
    pub ended: &'s RunEnded,
    /// Whether it was a ping.
    pub ping: bool,
    /// Whether nodes elsewhere do the work, over a broker.
    pub over: bool,
    /// Whether all of the run's ids are in its records.
    pub all_read: bool,
    /// Whether it was taken up again.
    pub resumed: bool,
}

/// The counts of a job, with the names of the outcomes.
pub fn counts(job: &JobTally) -> Value {
    json!({
        "required": job.required, "done": job.done, "exists": job.exists, "skipped": job.skipped,
        "dead": job.dead, "retried": job.retried, "ping": job.pings, "open": job.required - job.ended,
        "seconds": job.millis as f64 / 1000.0,
    })
}

impl Summary<'_> {
    /// Prints the summary and says how to end.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn show(&self, out: Output) -> anyhow::Result<Exit> {
        let tally = &self.ended.ended.tally;
        if out.json {
            let names = self.session.workspace().nodes.jobs.iter().map(|job| job.name.to_string());
            let jobs: Map<String, Value> = names.zip(&tally.jobs).map(|(name, job)| (name, counts(job))).collect();
            out.fact(&json!({
                "event": "summary", "run": self.ended.run, "entities": tally.entities, "bad_names": tally.bad_names, "jobs": jobs,
                "open": open(tally), "complete": self.ended.ended.complete, "seconds": self.ended.ended.took.as_secs_f64(),
                "stalls": self.stalls(),
                "out_of_date": self.ended.ended.out_of_date.json(&self.session.workspace().nodes),
                "former": self.ended.ended.former.json(&self.session.workspace().nodes),
                "passed_over": self.ended.ended.passed.total(), "passed_over_by_kind": self.ended.ended.passed.kinds(),
                "peak_rss_bytes": peak_rss_bytes(), "not_downloaded_bytes": self.session.workspace().spared_bytes(),
            }))?;
        } else {
            out.text(&self.text())?;
        }
        Ok(self.exit())
    }

    /// The jobs that waited for a store when the run was stopped, with what the store said.
    fn stalls(&self) -> BTreeMap<&str, &str> {
        let Ended { tally, complete, .. } = &self.ended.ended;
        let waits = !complete || open(tally) > 0;
        tally.stalls.iter().filter(|_| waits).map(|(job, why)| (job.as_str(), why.as_str())).collect()
    }

    fn exit(&self) -> Exit {
        let tally = &self.ended.ended.tally;
        if !self.ended.ended.complete {
            return Exit::Interrupted;
        }
        match open(tally) {
            0 if tally.letters() + tally.bad_names + tally.jobs.iter().map(|job| job.dead).sum::<u64>() > 0 => {
                Exit::DeadLetters
            }
            0 => Exit::Ok,
            _ => Exit::Failed,
        }
    }

    fn text(&self) -> String {
        let tally = &self.ended.ended.tally;
        let mut text = String::new();
        let worked =
            tally.jobs.iter().any(|job| job.done + job.dead + job.skipped + job.pings > 0) || tally.bad_names > 0;
        if !worked && self.ended.ended.complete && tally.entities > 0 && open(tally) == 0 {
            text += &format!(
                "nothing to do: all outputs of {} are there ({:.2} s)\n",
                entities(tally.entities),
                self.ended.ended.took.as_secs_f64()
            );
            return text + &self.out_of_date() + &passed_over(&self.ended.ended.passed);
        }
        if tally.entities == 0 && self.ended.ended.complete {
            let why = match (&self.why_none, self.ended.ended.passed.total()) {
                (Some(why), _) => why.as_str(),
                (None, 0) => "the source is empty",
                (None, _) => "no name in the source fits its template",
            };
            text += &format!("no entities: {why}\n");
        }
        text += &self.table(tally);
        text += &format!(
            "\n{} in {:.1} s, run {}\n",
            entities(tally.entities),
            self.ended.ended.took.as_secs_f64(),
            self.ended.run
        );
        text += &self.out_of_date();
        text += &passed_over(&self.ended.ended.passed);
        if self.session.workspace().spared_bytes() > 0 {
            text += &format!(
                "{} of what was made or read here was not downloaded again\n",
                size(self.session.workspace().spared_bytes())
            );
        }
        text + &self.what_next(tally)
    }

    /// What was made anew although it was there, and what was left although a job was changed.
    fn out_of_date(&self) -> String {
        let (Ended { out_of_date: outdated, former: left, .. }, plan) =
            (&self.ended.ended, &self.session.workspace().nodes);
        out_of_date("out of date when the run began", outdated, plan) + &former(left, plan, &self.file)
    }

    fn table(&self, tally: &Tally) -> String {
        let mut columns: Vec<Column> = vec![("done", |job| job.done), ("exists", |job| job.exists)];
        let mut add = |name: &'static str, count: fn(&JobTally) -> u64| {
            if tally.jobs.iter().any(|job| count(job) > 0) {
                columns.push((name, count));
            }
        };
        add("skipped", |job| job.skipped);
        add("ping", |job| job.pings);
        add("retried", |job| job.retried);
        let always: [Column; 2] = [("dead", |job| job.dead), ("open", |job| job.required - job.ended)];
        columns.extend(always);
        let names = self.session.workspace().nodes.jobs.iter().map(|job| job.name.as_str());
        let widest = names.clone().map(str::len).max().unwrap_or(0).max(3);
        let mut text = format!("{:<widest$}", "job");
        columns.iter().for_each(|(name, _)| text += &format!("{name:>9}"));
        text.push('\n');
        for (name, job) in names.zip(&tally.jobs) {
            text += &format!("{name:<widest$}");
            columns.iter().for_each(|(_, count)| text += &format!("{:>9}", count(job)));
            text.push('\n');
        }
        text
    }

    fn what_next(&self, tally: &Tally) -> String {
        let file = &self.file;
        let mut text = String::new();
        if self.ping {
            return text;
        }
        for store in &self.session.workspace().plan.stores {
            let written = self
                .session
                .workspace()
                .plan
                .jobs
                .iter()
                .any(|job| job.outputs.iter().any(|output| output.store == store.name));
            if written {
                text += &format!("made:    {}\n", store.location.text());
            }
        }
        let letters = tally.letters() + tally.bad_names;
        if tally.bad_names > 0 {
            let names = if tally.bad_names == 1 { "1 name" } else { &format!("{} names", tally.bad_names) };
            text +=
                &format!("no ids:  {names} among the {} cannot be ids; no job counts them\n", entities(tally.entities));
        }
        if letters > 0 {
            let word = if letters == 1 { "1 dead letter" } else { &format!("{letters} dead letters") };
            text +=
                &format!("failed:  {word}; see `euterpe dead ls {file}`, repair, then `euterpe dead retry {file}`\n");
        }
        for (job, why) in self.stalls() {
            text += &format!("waits:   {job}: {why}\n");
        }
        if !self.ended.ended.complete && self.over {
            text += &self.left_to_nodes(tally);
        } else if !self.ended.ended.complete && self.resumed {
            text += &format!("stopped: `euterpe runs resume {file} {}` goes on where this stopped\n", self.ended.run);
        } else if !self.ended.ended.complete {
            text += &self.stopped();
        } else if open(tally) > 0 {
            text += &format!(
                "open:    {} not brought to an end; `euterpe runs resume {file} {}`\n",
                open(tally),
                self.ended.run
            );
        }
        text
    }
}

impl Summary<'_> {
    /// How a run of this process that was stopped goes on. A forced one must not begin anew: it would redo what it did.
    fn stopped(&self) -> String {
        let (file, run) = (&self.file, self.ended.run);
        if !self.asked.contains(" --force") {
            return format!("stopped: `euterpe run {file}{}` goes on where this stopped\n", self.asked);
        }
        let mut text = format!("stopped: `euterpe runs resume {file} {run}` goes on where this stopped\n");
        if !self.all_read {
            text += "unread:  the ids were not read to their end; give the run those that follow once it is resumed\n";
        }
        text
    }

    /// What becomes of a run that was left to its nodes: what is published goes on, and what is not has to be.
    fn left_to_nodes(&self, tally: &Tally) -> String {
        let (file, run) = (&self.file, self.ended.run);
        let mut text = format!(
            "left:    the nodes go on with what is published; `euterpe runs check {file} {run}` tells how it ends\n"
        );
        if self.resumed {
            text +=
                &format!("unsent:  perhaps not all of it was; `euterpe runs resume {file} {run}` publishes the rest\n");
        } else if tally.waiting > 0 {
            text += &format!(
                "unsent:  {} not published; `euterpe runs resume {file} {run}` publishes them\n",
                if tally.waiting == 1 { "1 id was".into() } else { format!("{} ids were", tally.waiting) }
            );
        }
        if !self.all_read {
            text += &format!(
                "unread:  the ids were not read to their end; `euterpe run {file}{}` reads them all and makes what is missing\n",
                self.asked
            );
        }
        text
    }
}

/// Required (job, entity) that did not come to an end.
fn open(tally: &Tally) -> u64 {
    tally.jobs.iter().map(|job| job.required - job.ended).sum()
}

fn entities(count: u64) -> String {
    if count == 1 { "1 entity".into() } else { format!("{count} entities") }
}

/// The most memory that this process had resident so far, where the system tells.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
