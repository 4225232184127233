//! One try in a process of its own, which is this program again, while its memory is looked at from here.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use euterpe_actors::transform::Registry;
use euterpe_engine::profile::{Measured, Took, Trial, Tried, measure, profiled};
use euterpe_engine::{Mistake, Opening};
use euterpe_graph_file::plan::Location;
use euterpe_processes::usage::{Sample, Sampled, Sampler};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cli::Exit;
use crate::cli::args::{GraphFile, Place, wait_for};
use crate::cli::page::{Output, signals::interrupted};

/// The hidden verb by which this program does one try.
pub const MEASURE_VERB: &str = "__measure";

/// What is the same for all tries.
pub struct Around<'a> {
    pub place: &'a Place,
    pub job: &'a str,
    pub measured: Measured,
    /// The flags that hold for each process: how loud it is, and in which form.
    pub flags: Vec<String>,
}

/// What one try took, and what was seen of it from outside.
#[cfg_attr(not(feature = "audio"), allow(dead_code))] // some of it is for a picture alone
pub struct Try {
    pub took: Took,
    /// The most memory that one process of it had.
    pub peak: u64,
    /// Its memory over time.
    pub samples: Vec<Sample>,
    /// The most that all of its processes had together, where there were several.
    pub together: Option<u64>,
    /// Seconds between the first sample and the beginning and end of the work.
    pub work: (f64, f64),
}

/// Why a try made nothing.
pub struct Failure {
    pub kind: String,
    pub text: String,
    pub stderr: String,
}

/// What the process of a try is told.
#[derive(Serialize, Deserialize)]
struct Request {
    graph: PathBuf,
    stores: Vec<(String, String)>,
    state: Option<String>,
    trial: Trial,
    lines: Option<PathBuf>,
}

/// Does one try of an entity. With `lines`, a Python function writes there how long each of its lines took.
///
/// # Errors
/// A process that cannot be started, or that ended without an answer.
pub(super) fn one(around: &Around<'_>, id: &str, lines: Option<&Path>) -> anyhow::Result<Result<Try, Failure>> {
    let Around { place, job, .. } = around;
    let request = |scratch: &Path| Request {
        graph: place.graph.graph.clone(),
        stores: place.graph.stores.clone(),
        state: place.state.as_ref().map(Location::text),
        trial: Trial { job: (*job).to_owned(), entity: id.to_owned(), scratch: scratch.to_owned() },
        lines: lines.map(Path::to_owned),
    };
    // Not by its name: the file may have been replaced since this process was started.
    let mut command = Command::new("/proc/self/exe");
    command.args(&around.flags).arg(MEASURE_VERB).arg(std::process::id().to_string());
    let began = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let with_itself = around.measured == Measured::Program;
    let tried = wait_for(async {
        // From here on no signal leaves the scratch folder behind.
        let interrupted = interrupted();
        let scratch = tempfile::tempdir().context("no scratch folder")?;
        let text = serde_json::to_vec(&request(scratch.path()))?;
        let mut child = tokio::process::Command::from(command);
        let mut child = child.kill_on_drop(true).spawn().context("no process for a try")?;
        let process = child.id().context("no process for a try")?;
        let sampler = Sampler::start(process, with_itself).context("no thread for a try")?;
        let mut stdin = child.stdin.take().context("no pipe to a try")?;
        let told = stdin.write_all(&text).await;
        drop(stdin);
        let mut stdout = child.stdout.take().context("no pipe from a try")?;
        let mut said = Vec::new();
        let ended = async {
            stdout.read_to_end(&mut said).await.context("could not hear a try")?;
            child.wait().await.context("could not wait for a try")
        };
        tokio::select! {
            ended = ended => anyhow::Ok(Some((ended?, said, sampler.stop(), told))),
            () = interrupted => {
                // It writes into the folder that is about to go.
                child.kill().await.context("could not end a try")?;
                Ok(None)
            }
        }
    })?;
    let Some((status, said, sampled, told)) = tried else { return Err(Interrupted.into()) };
    if !status.success() {
        bail!("the process of a try ended with {status}, for the reason above");
    }
    told.context("could not tell a try what to do")?;
    let tried: Tried = serde_json::from_slice(&said).context("the process of a try said nothing")?;
    Ok(match tried {
        Tried::Took(took) => Ok(Try::of(took, sampled, began)),
        Tried::Failed { kind, text, stderr } => Err(Failure { kind, text, stderr }),
    })
}

/// A signal ended the try.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Try {
    fn of(took: Took, sampled: Sampled, began: f64) -> Self {
        let peak = match took.child_peak {
            // What it started counts, too.
            None => took.peak.max(sampled.largest_process),
            // The kernel counts what a child has of our memory before it begins its program.
            Some(kernel) if kernel > took.before => kernel.max(sampled.largest_process),
            Some(_) => sampled.largest_process,
        };
        let together = sampled.samples.iter().map(|sample| sample.resident).max();
        let together = together.filter(|_| sampled.most_processes > 1);
        let work = (took.work_from_to.0 - began, took.work_from_to.1 - began);
        Self { took, peak, samples: sampled.samples, together, work }
    }

    /// The same as data.
    pub fn fact(&self) -> Value {
        let Took { start, wait, fetch, work, store, cpu, process_cpu, before, bytes_in, bytes_out, .. } = &self.took;
        json!({
            "seconds": {"start": start, "wait": wait, "fetch": fetch, "work": work, "store": store},
            "cpu": cpu, "process_cpu": process_cpu, "peak_rss_bytes": self.peak, "rss_before_bytes": before,
            "rss_together_bytes": self.together, "bytes_in": bytes_in, "bytes_out": bytes_out,
        })
    }
}

/// Does what standard input says, once, and answers on standard output. `parent` is the process that asked.
///
/// # Errors
/// As [`measure`]; a request that cannot be read.
pub fn measure_once(registry: &Registry, parent: u32, out: Output) -> anyhow::Result<Exit> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    if std::os::unix::process::parent_id() != parent {
        bail!("the process that asked is gone");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let request: Request = serde_json::from_str(&text).context("no request; this verb is for the program itself")?;
    let Request { graph, stores, state, trial, lines } = request;
    let plan = GraphFile { graph, stores }.load(registry)?;
    let at = plan.find(&trial.job).with_context(|| format!("no job named `{}`", trial.job))?;
    let plan = profiled(&plan, at, lines.as_deref());
    let state = state.map(|text| Location::parse(&text)).transpose().map_err(Mistake)?;
    let opening = Opening { state, ..Opening::default() };
    let tried = wait_for(measure(plan, registry, &opening, &trial))?;
    out.fact(&tried)?;
    Ok(Exit::Ok)
}
