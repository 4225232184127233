//! The worker protocol as types; `docs/worker-protocol.md` describes it for whoever writes a worker.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::{Fault, FaultKind};
use euterpe_actors::transform::{OpenContext, OutputShape};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::supervised::Level;

/// The version that this node speaks.
pub(super) const VERSION: u32 = 1;

/// The most bytes of JSON in a frame, and the most that are attached.
pub(super) const LONGEST: usize = 1 << 20;

/// A message to a worker.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToWorker<'w> {
    /// Once, at the start.
    Open(&'w Opening),
    /// One entity.
    Work(Request<'w>),
}

/// The job that a worker is started for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opening {
    pub(super) protocol: u32,
    pub(super) job: String,
    /// The function that it runs; `None` for programs that know by themselves.
    pub(super) source: Option<Source>,
    /// The names of its inputs, in order.
    pub(super) inputs: Vec<String>,
    /// Those of them that an entity may lack.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) optional: Vec<String>,
    /// Its outputs, in order.
    pub(super) outputs: Vec<OutputShape>,
    /// The options under `with:`.
    pub(super) options: Value,
    /// Seconds that one try may take.
    pub(super) timeout: f64,
}

impl Opening {
    /// The opening for the workers of this job.
    pub(crate) fn of(job: &OpenContext, options: Value, source: Option<Source>) -> Self {
        Self {
            protocol: VERSION,
            job: job.job.clone(),
            source,
            inputs: job.inputs.clone(),
            optional: job.optional.clone(),
            outputs: job.outputs.clone(),
            options,
            timeout: job.timeout.as_secs_f64(),
        }
    }
}

/// A function in a file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Source {
    /// The absolute path.
    pub(crate) file: PathBuf,
    /// Its name.
    pub(crate) function: String,
}

/// One entity to work on.
#[derive(Serialize)]
pub(super) struct Request<'w> {
    pub(super) entity: &'w str,
    pub(super) attempt: u32,
    pub(super) timeout: f64,
    pub(super) scratch: &'w Path,
    pub(super) inputs: BTreeMap<&'w str, Input<'w>>,
    pub(super) outputs: Vec<PathBuf>,
}

/// An input, in the form that the worker asked for.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Input<'w> {
    File { file: PathBuf, size: u64, path: &'w str },
    Attached { attached: usize, path: &'w str },
    Audio { audio: PathBuf, rate: u32, channels: usize, frames: u64, path: &'w str },
}

/// A message from a worker.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromWorker {
    Ready(Ready),
    Fault(WorkerFault),
    Made(Vec<Output>),
    Log { level: Level, text: String },
    Metric { name: String, value: f64 },
    Progress(f64),
}

/// The worker can begin.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ready {
    pub(super) protocol: u32,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, Form>,
    #[serde(default)]
    pub(super) attach: usize,
    #[serde(default)]
    pub(super) about: String,
    /// What it has loaded, by name, each with its version.
    #[serde(default)]
    pub(super) packages: BTreeMap<String, String>,
}

/// The forms in which a worker can have an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    #[default]
    File,
    Bytes,
    Audio,
}

/// One output.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Output {
    File { file: PathBuf },
    Attached { attached: usize },
    Audio { audio: PathBuf, rate: u32, channels: usize },
}

/// Why there is no output.
#[derive(Debug, Deserialize)]
pub(super) struct WorkerFault {
    kind: WorkerFaultKind,
    text: String,
    #[serde(default)]
    trace: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WorkerFaultKind {
    Failed,
    Fatal,
    BadInput,
    Skip,
    NodeTrouble,
}

impl WorkerFault {
    /// As a fault of the entity. Its standard error is what the worker printed and then the trace.
    pub(super) fn into_fault(self, printed: &[u8]) -> Fault {
        let kind = match self.kind {
            WorkerFaultKind::Failed => FaultKind::Failed,
            WorkerFaultKind::Fatal => FaultKind::Fatal,
            WorkerFaultKind::BadInput => FaultKind::BadInput,
            WorkerFaultKind::Skip => FaultKind::Skip,
            WorkerFaultKind::NodeTrouble => FaultKind::NodeTrouble,
        };
        let mut stderr = printed.to_vec();
        if !(stderr.is_empty() || stderr.ends_with(b"\n")) {
            stderr.push(b'\n');
        }
        stderr.extend_from_slice(self.trace.as_bytes());
        Fault::new(kind, self.text).with_stderr(&stderr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_sends_is_read_in_each_of_its_forms() {
        let read = |json: &str| serde_json::from_str::<FromWorker>(json).expect(json);
        let FromWorker::Made(outputs) =
            read(r#"{"made": [{"file": "/a"}, {"attached": 3}, {"audio": "/b", "rate": 44100, "channels": 2}]}"#)
        else {
            panic!("made")
        };
        assert!(matches!(
            &outputs[..],
            [Output::File { .. }, Output::Attached { attached: 3 }, Output::Audio { rate: 44100, .. }]
        ));
        let FromWorker::Ready(ready) = read(r#"{"ready": {"protocol": 1, "inputs": {"a": "audio"}}}"#) else {
            panic!("ready")
        };
        assert_eq!((ready.inputs["a"], ready.attach), (Form::Audio, 0));
        let FromWorker::Fault(fault) = read(r#"{"fault": {"kind": "bad_input", "text": "silence", "trace": "T"}}"#)
        else {
            panic!("fault")
        };
        let fault = fault.into_fault(b"printed");
        assert_eq!((fault.kind, &*fault.text, &*fault.stderr), (FaultKind::BadInput, "silence", "printed\nT"));
        assert!(matches!(read(r#"{"progress": 0.5}"#), FromWorker::Progress(_)));
        assert!(serde_json::from_str::<FromWorker>(r#"{"made": {}}"#).is_err());
    }
}
