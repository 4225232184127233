//! The account of a run as a page for people, or as JSON.

use std::fmt::Write;

use euterpe_engine::Account;

use super::Output;
use super::words::{columns, count, plain};
use crate::cli::Exit;

/// Prints an account and says how to end.
///
/// # Errors
/// Where standard output cannot be written.
pub fn show(account: &Account, file: &str, out: Output) -> anyhow::Result<Exit> {
    match out.json {
        true => out.fact(account)?,
        false => out.text(&text(account, file)?)?,
    }
    Ok(exit(account))
}

/// How the program ends by an account.
fn exit(account: &Account) -> Exit {
    let broken = account.hashes.as_ref().is_some_and(|hashes| hashes.broken > 0);
    match (account.open, account.dead) {
        // What was never read nobody accounts for.
        _ if broken || account.unreadable_chunks > 0 || !account.all_read => Exit::Failed,
        (0, 0) => Exit::Ok,
        (0, _) => Exit::DeadLetters,
        _ => Exit::Failed,
    }
}

fn text(account: &Account, file: &str) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(
        text,
        "run {}: {} = {} done + {} skipped + {} dead + {} open\n",
        account.run,
        count(account.entities, "entity", "entities"),
        account.done,
        account.skipped,
        account.dead,
        account.open
    )?;
    let mut lines = vec![["job", "done", "skipped", "dead", "open"].map(str::to_owned).to_vec()];
    for (job, standings) in account.order.iter().filter_map(|job| account.jobs.get_key_value(job)) {
        let numbers = [standings.done, standings.skipped, standings.dead, standings.open].map(|n| n.to_string());
        lines.push(std::iter::once(job.to_string()).chain(numbers).collect());
    }
    text += &columns(&lines, &[1, 2, 3, 4]);
    if !account.reasons.is_empty() {
        let reasons: Vec<String> = account.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        writeln!(text, "\nwhy: {}", reasons.join(", "))?;
    }
    if account.bad_names > 0 {
        let names = count(account.bad_names, "name is no id", "names are no ids");
        writeln!(text, "{names}: dead, and in no job's numbers")?;
    }
    if let Some(hashes) = &account.hashes {
        let (whole, foreign) = (hashes.whole, hashes.foreign);
        writeln!(text, "\nread: {whole} whole, {} half written or changed, {foreign} without a stamp", hashes.broken)?;
        hashes.broken_examples.iter().try_for_each(|key| writeln!(text, "  {key}"))?;
    }
    if account.graph_changed {
        writeln!(text, "\nthe graph has changed since this run; this account goes by the graph as it is today")?;
    }
    if !account.all_read {
        writeln!(
            text,
            "\nthis run was stopped before it said that it had read all of its ids: those that it had not read are in no \
                 account; start it again with the same ids, and it does what is missing (a forced run: with those that \
             follow, for it would redo the others)"
        )?;
    } else if !account.complete && account.open > 0 {
        writeln!(text, "\nthis run was not brought to its end")?;
    }
    if account.dead > 0 {
        writeln!(text, "\n`euterpe dead ls {file} --run {}` shows what failed", account.run)?;
    }
    for job in &account.unknown_jobs {
        let run = account.run;
        writeln!(
            text,
            "\nrun {run} asked for job `{job}`, which this graph has no more; all of its entities are open"
        )?;
    }
    if account.not_taken > 0 {
        let some: Vec<String> = account.not_taken_examples.iter().map(|id| plain(id.as_str(), false)).collect();
        let ids = count(account.not_taken, "id", "ids");
        let (run, some) = (account.run, some.join(", "));
        writeln!(text, "\nrun {run} asked for {ids} that no job of this graph takes, such as {some}; they are open")?;
    }
    if !account.unknown_jobs.is_empty() || account.not_taken > 0 {
        writeln!(
            text,
            "give the graph back what the run asked for, and `euterpe runs resume {file} {}` goes on; or run its ids anew as the \
                 graph is today",
            account.run
        )?;
    }
    if account.unreadable_chunks > 0 {
        let records = count(account.unreadable_chunks, "record of this run's ids", "records of this run's ids");
        writeln!(
            text,
            "\n{records} cannot be read: what stands there is in no account; start the run again with the same ids"
        )?;
    }
    let can_resume = account.unknown_jobs.is_empty() && account.not_taken == 0;
    if account.open > 0 && can_resume && !account.open_examples.is_empty() {
        let some: Vec<String> = account.open_examples.iter().map(ToString::to_string).collect();
        writeln!(text, "\nopen, such as {}; `euterpe runs resume {file} {}` goes on", some.join(", "), account.run)?;
    }
    Ok(text)
}
