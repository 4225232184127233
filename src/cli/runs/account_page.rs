//! The account of a run as a page for people, or as JSON.

use std::fmt::Write;

use super::check::Account;
use crate::cli::words::{columns, count};
use crate::cli::{Exit, Output};

impl Account {
    /// Prints the account and says how to end.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) fn show(&self, file: &str, out: Output) -> anyhow::Result<Exit> {
        match out.json {
            true => out.fact(self)?,
            false => out.text(&self.text(file)?)?,
        }
        Ok(self.exit())
    }

    fn text(&self, file: &str) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        writeln!(
            text,
            "run {}: {} = {} done + {} skipped + {} dead + {} open\n",
            self.run,
            count(self.entities, "entity", "entities"),
            self.done,
            self.skipped,
            self.dead,
            self.open
        )?;
        let mut lines = vec![["job", "done", "skipped", "dead", "open"].map(str::to_owned).to_vec()];
        for (job, standings) in self.order.iter().filter_map(|job| self.jobs.get_key_value(job)) {
            let numbers = [standings.done, standings.skipped, standings.dead, standings.open].map(|n| n.to_string());
            lines.push(std::iter::once(job.to_string()).chain(numbers).collect());
        }
        text += &columns(&lines, &[1, 2, 3, 4]);
        if !self.reasons.is_empty() {
            let reasons: Vec<String> = self.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            writeln!(text, "\nwhy: {}", reasons.join(", "))?;
        }
        if let Some(hashes) = &self.hashes {
            let (whole, foreign) = (hashes.whole, hashes.foreign);
            writeln!(
                text,
                "\nread: {whole} whole, {} half written or changed, {foreign} without a stamp",
                hashes.broken
            )?;
            hashes.broken_examples.iter().try_for_each(|key| writeln!(text, "  {key}"))?;
        }
        if self.graph_changed {
            writeln!(text, "\nthe graph has changed since this run; this account goes by the graph as it is today")?;
        }
        if !self.all_read {
            writeln!(
                text,
                "\nthis run was stopped before it said that it had read all of its ids: those that it had not read are in no \
                 account; start it again with the same ids, and it does what is missing"
            )?;
        } else if !self.complete {
            writeln!(text, "\nthis run was not brought to its end")?;
        }
        if self.dead > 0 {
            writeln!(text, "\n`euterpe dead ls {file} --run {}` shows what failed", self.run)?;
        }
        if self.open > 0 {
            let some: Vec<String> = self.open_examples.iter().map(ToString::to_string).collect();
            writeln!(text, "\nopen, such as {}; `euterpe runs resume {file} {}` goes on", some.join(", "), self.run)?;
        }
        Ok(text)
    }
}
