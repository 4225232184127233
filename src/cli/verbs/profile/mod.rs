//! `profile`: one job's entities under measurement; nothing of it is kept.

mod lines;
mod page;
mod picture;
mod statistics;
mod tries;

use std::path::PathBuf;

use anyhow::Context;
use euterpe_actors::ids::EntityId;
use euterpe_actors::transform::Registry;
use euterpe_engine::profile::{Measured, Missing};
use euterpe_engine::{Mistake, Session};
use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{Place, wait_for};
use crate::cli::page::Output;
use crate::cli::page::words::{for_shell, plain};
use crate::telemetry::{self, LogFormat};
use lines::Lines;
use statistics::Summary;
use tries::{Around, Interrupted, Try};

pub use tries::{MEASURE_VERB, measure_once};

/// Measure one job for some entities: time by phase, CPU, memory, bytes. Nothing outside a scratch folder is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// The job.
    #[arg(value_name = "JOB")]
    job: String,

    /// An entity whose inputs are there. May be given several times.
    #[arg(long = "id", value_name = "ID", required = true)]
    ids: Vec<String>,

    /// Try each entity so many times, each time in fresh processes.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,

    /// Draw the memory of the try that took most of it, over time, as a PNG.
    #[arg(long, value_name = "FILE")]
    memory_png: Option<PathBuf>,

    /// Also measure each line of a Python transform, in a further try, which is slower by that.
    #[arg(long)]
    lines: bool,
}

/// Measures: exit 0, 1 where inputs are missing or a try failed.
///
/// # Errors
/// A job that is not there, an id that can be none; what keeps the graph from being opened or a process from being started.
pub fn run(args: &Args, registry: &Registry, out: Output, (verbose, log): (u8, LogFormat)) -> anyhow::Result<Exit> {
    let session = match args.place.look(registry, out)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let at = euterpe_engine::find_job(&session.workspace().nodes, &args.job)?;
    let job = session.workspace().plan.jobs[at.0].clone();
    if args.lines && job.python.is_none() {
        return Err(
            Mistake(format!("job `{}` is no Python transform: --lines has nothing to measure", job.name)).into()
        );
    }
    picture::refuse_without_audio(args.memory_png.as_deref())?;
    if !wait_for(inputs_are_there(args, &session))? {
        return Ok(Exit::Failed);
    }
    drop(session);
    let mut flags = vec!["-v".to_owned(); usize::from(verbose)];
    if log == LogFormat::Json {
        flags.extend(["--log".to_owned(), "json".to_owned()]);
    }
    let around = Around { place: &args.place, job: &args.job, measured: Measured::of(&job), flags };
    let mut most: Option<(String, Try)> = None;
    for id in &args.ids {
        let mut tried: Vec<Try> = Vec::new();
        for _ in 0..args.repeat {
            match tries::one(&around, id, None) {
                Ok(Ok(took)) => tried.push(took),
                Ok(Err(failure)) => return failed(args, id, &failure, out),
                Err(error) if error.is::<Interrupted>() => return Ok(interrupted()),
                Err(error) => return Err(error),
            }
        }
        let lines = match args.lines {
            false => None,
            true => match lines_of(&around, id) {
                Ok(Ok(lines)) => Some(lines),
                Ok(Err(failure)) => return failed(args, id, &failure, out),
                Err(error) if error.is::<Interrupted>() => return Ok(interrupted()),
                Err(error) => return Err(error),
            },
        };
        let summary = Summary::of(&tried);
        if out.json {
            out.fact(&json!({
                "event": "profile", "job": job.name, "entity": id, "transform": job.transform, "measured": around.measured,
                "memory_limit": job.memory, "median": summary.median, "least": summary.least, "most": summary.most,
                "tries": tried.iter().map(Try::fact).collect::<Vec<_>>(), "lines": lines,
            }))?;
        } else {
            out.text(&page::page(&job, id, around.measured, &tried, &summary, lines.as_ref()))?;
        }
        for one in tried {
            if most.as_ref().is_none_or(|(_, most)| one.peak > most.peak) {
                most = Some((id.clone(), one));
            }
        }
    }
    if let (Some(file), Some((id, one))) = (&args.memory_png, most) {
        picture::draw(file, &format!("{}({id})", job.name), &one)?;
        telemetry::say(&format!("memory over time is drawn in {}", file.display()));
    }
    Ok(Exit::Ok)
}

/// A signal ended it: nothing is kept.
fn interrupted() -> Exit {
    telemetry::say("stopped; nothing of it is kept");
    Exit::Interrupted
}

/// Whether all inputs are there; says which are missing, and how to make them.
async fn inputs_are_there(args: &Args, session: &Session) -> anyhow::Result<bool> {
    let mut all = true;
    for id in &args.ids {
        let entity = EntityId::of_name(id)
            .map_err(|bad| Mistake(format!("`{}` cannot be an entity: {bad}", id.escape_debug())))?;
        for Missing { name, text, made_by } in session.missing_inputs(&args.job, &entity).await? {
            all = false;
            let remedy = made_by.map(|target| {
                let (job, entity) = (for_shell(target.job.as_str()), for_shell(target.entity.as_str()));
                format!("; make it with `euterpe run {} --job {job} --bottom-up {entity}`", args.place.typed())
            });
            let remedy = remedy.unwrap_or_default();
            telemetry::say_error(&format!("input `{name}` of {}({id}) is missing: {text}{remedy}", args.job));
        }
    }
    Ok(all)
}

/// A further try, of which only the lines count.
fn lines_of(around: &Around<'_>, id: &str) -> anyhow::Result<Result<Lines, tries::Failure>> {
    let folder = tempfile::tempdir().context("no scratch folder")?;
    let file = folder.path().join("lines.json");
    Ok(match tries::one(around, id, Some(&file))? {
        Ok(_) => Ok(Lines::read(&file)?),
        Err(failure) => Err(failure),
    })
}

fn failed(args: &Args, id: &str, failure: &tries::Failure, out: Output) -> anyhow::Result<Exit> {
    let tries::Failure { kind, text, stderr } = failure;
    if out.json {
        let (job, event) = (&args.job, "failed");
        out.fact(&json!({"event": event, "job": job, "entity": id, "kind": kind, "text": text, "stderr": stderr}))?;
    }
    telemetry::say_error(&format!(
        "a try of {}({}) failed ({kind}): {}",
        args.job,
        plain(id, false),
        plain(text, true)
    ));
    if !stderr.is_empty() && !out.json {
        telemetry::say(plain(stderr, true).trim_end());
    }
    Ok(Exit::Failed)
}
