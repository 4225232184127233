//! `prune`: shows, and with `--delete` removes, outputs that no job and no entity accounts for any more.

use std::time::Duration;

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Mistake, Opening, PruneFound, PruneRequest, Pruned};
use serde_json::{Value, json};

use crate::cli::Exit;
use crate::cli::args::{Place, duration, wait_for};
use crate::cli::page::Output;
use crate::cli::page::words::{columns, count, for_shell, plain, size};
use crate::telemetry;

/// Show outputs that nothing accounts for any more: of jobs that the graph has no more, of entities whose sources are gone.
/// With `--delete`, remove them.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// Remove what is found. Refused while a run or a node is at work.
    #[arg(long, conflicts_with = "dry_run")]
    delete: bool,

    /// Only show what would be removed, as without `--delete`.
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// Outputs of this job alone, of the graph or gone. May be given several times.
    #[arg(long = "job", value_name = "JOB")]
    jobs: Vec<String>,

    /// Only what was last written so long ago.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    older_than: Option<Duration>,

    /// Also what is left alone otherwise: `unrecorded` (made in runs whose records are gone; needs `--job`), `foreign`
    /// (without a stamp, where a job would write for an entity that is gone).
    #[arg(long, value_name = "KIND")]
    also: Vec<Also>,

    /// The sources are as they should be although one of them is empty, or most outputs have none any more.
    #[arg(long)]
    sources_are_right: bool,
}

/// What is left alone unless it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Also {
    /// Made in runs whose records are gone.
    Unrecorded,
    /// Without a stamp.
    Foreign,
}

/// Prunes: exit 0, or 1 where something could not be looked at or removed, or where it is refused.
///
/// # Errors
/// Sources that look as if a disk were away; a state that another process has.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    if args.also.contains(&Also::Unrecorded) && args.jobs.is_empty() {
        let text = "--also unrecorded needs --job: the outputs of another graph in the same store may have no record here, either";
        return Err(Mistake(text.into()).into());
    }
    // A run that goes on may need what it made a moment ago.
    let access = if args.delete { Access::Hold } else { Access::Look };
    let session = match args.place.open_as_in(None, registry, out, Opening { access, ..Opening::default() })? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let request = PruneRequest {
        jobs: args.jobs.clone(),
        older_than: args.older_than,
        unrecorded: args.also.contains(&Also::Unrecorded),
        foreign: args.also.contains(&Also::Foreign),
        sources_are_right: args.sources_are_right,
        delete: args.delete,
    };
    let pruned = wait_for(session.prune(&request))?;
    for problem in &pruned.problems {
        telemetry::say(&plain(problem, false));
    }
    match out.json {
        true => out.fact(&json(args, &pruned))?,
        false => out.text(&text(args, &pruned))?,
    }
    Ok(if pruned.problems.is_empty() { Exit::Ok } else { Exit::Failed })
}

fn text(args: &Args, pruned: &Pruned) -> String {
    let mut text = String::new();
    if !pruned.found.is_empty() {
        let title = if args.delete { "to be removed" } else { "would be removed" };
        let mut lines = vec![[title, "count", "size", "why", "such as"].map(str::to_owned).to_vec()];
        for ((job, why), found) in &pruned.found {
            let example = found.examples.first().map(|key| plain(key, false)).unwrap_or_default();
            lines.push(vec![job.to_string(), found.count.to_string(), size(found.bytes), why.text().into(), example]);
        }
        lines.push(vec!["in all".into(), pruned.count().to_string(), size(pruned.bytes())]);
        text += &columns(&lines, &[1, 2]);
    }
    if !pruned.left.is_empty() {
        text += if text.is_empty() { "left alone\n" } else { "\nleft alone\n" };
        for (kind, PruneFound { count, bytes, examples }) in &pruned.left {
            let examples: Vec<String> = examples.iter().map(|key| plain(key, false)).collect();
            text += &format!("  {count} ({}) {}: {}\n", size(*bytes), kind.text(), examples.join(", "));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let kept = format!("{} accounted for", count(pruned.kept, "output is", "outputs are"));
    let wants_word = !args.delete && pruned.is_most() && !args.sources_are_right;
    if wants_word {
        text += "most outputs have no source any more: is a disk not mounted? If that is as it should be, `--delete` wants \
                 `--sources-are-right`\n";
    }
    text += &match (pruned.count(), args.delete) {
        (0, _) => format!("nothing to remove; {kept}\n"),
        (_, true) => {
            let again = match pruned.came_back {
                0 => String::new(),
                some => format!(", {some} were accounted for again or gone"),
            };
            format!("removed {}{again}; {kept}\n", pruned.removed)
        }
        (_, false) => {
            let word = if wants_word { " --sources-are-right" } else { "" };
            let (file, flags, found) = (args.place.typed(), again(args) + word, pruned.count());
            format!("{kept}; `euterpe prune {file}{flags} --delete` removes {found}\n")
        }
    };
    text
}

/// The flags with which what was found is removed.
fn again(args: &Args) -> String {
    let mut text: String = args.jobs.iter().map(|job| format!(" --job {}", for_shell(job))).collect();
    if let Some(age) = args.older_than {
        text += &format!(" --older-than {}s", age.as_secs());
    }
    for also in &args.also {
        text += match also {
            Also::Unrecorded => " --also unrecorded",
            Also::Foreign => " --also foreign",
        };
    }
    if args.sources_are_right {
        text += " --sources-are-right";
    }
    text
}

fn json(args: &Args, pruned: &Pruned) -> Value {
    let found = |found: &PruneFound| json!({"count": found.count, "bytes": found.bytes, "examples": found.examples});
    let with = |mut of: Value, key: &str, value: &str| {
        of[key] = value.into();
        of
    };
    let jobs: Vec<Value> = pruned
        .found
        .iter()
        .map(|((job, why), one)| with(with(found(one), "job", job.as_str()), "why", why.name()))
        .collect();
    let left: Vec<Value> = pruned.left.iter().map(|(kind, one)| with(found(one), "kind", kind.name())).collect();
    json!({
        "event": "prune", "dry_run": !args.delete, "found": jobs, "left_alone": left, "count": pruned.count(),
        "bytes": pruned.bytes(), "kept": pruned.kept, "removed": pruned.removed, "came_back": pruned.came_back,
        "problems": pruned.problems,
    })
}
