//! What node and worker process say to each other; `docs/worker-protocol.md` is written for those who write a worker.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use euterpe_actors::outcome::{Fault, FaultKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use euterpe_actors::transform::OutputShape;

/// The version that this node speaks.
pub(super) const PROTOCOL: u32 = 1;

/// What the node says.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said<'w> {
    /// Once, at the start.
    Open(&'w Opening),
    /// One entity.
    Work(Order<'w>),
}

/// The job that a worker is started for.
#[derive(Clone, Debug, Serialize)]
pub struct Opening {
    pub(super) protocol: u32,
    /// Its name.
    pub job: String,
    /// The function that it runs; none for programs that know by themselves.
    pub source: Option<Source>,
    /// The names of its inputs, in order.
    pub inputs: Vec<String>,
    /// Its outputs, in order.
    pub outputs: Vec<OutputShape>,
    /// What stands under `with:`.
    pub options: Value,
    /// Seconds that one try may take.
    pub timeout: f64,
}

/// A function in a file.
#[derive(Clone, Debug, Serialize)]
pub struct Source {
    /// The absolute path.
    pub file: PathBuf,
    /// Its name.
    pub function: String,
}

/// One entity to work on.
#[derive(Serialize)]
pub(super) struct Order<'w> {
    pub(super) entity: &'w str,
    pub(super) attempt: u32,
    pub(super) timeout: f64,
    pub(super) scratch: &'w Path,
    pub(super) inputs: BTreeMap<&'w str, Given<'w>>,
    pub(super) outputs: Vec<PathBuf>,
}

/// An input, in the form that the worker asked for.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Given<'w> {
    File { file: PathBuf, size: u64, path: &'w str },
    Attached { attached: usize, path: &'w str },
    Audio { audio: PathBuf, rate: u32, channels: usize, frames: u64, path: &'w str },
}

/// What the worker says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Heard {
    Ready(Ready),
    Fault(Told),
    Made(Vec<Piece>),
    Log { level: Level, text: String },
    Metric { name: String, value: f64 },
    Progress(f64),
}

/// It can begin.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Ready {
    pub(super) protocol: u32,
    #[serde(default)]
    pub(super) inputs: BTreeMap<String, Form>,
    #[serde(default)]
    pub(super) attach: usize,
    #[serde(default)]
    pub(super) about: String,
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

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// One output.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Piece {
    File { file: PathBuf },
    Attached { attached: usize },
    Audio { audio: PathBuf, rate: u32, channels: usize },
}

/// Why there is no output.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) kind: Kind,
    pub(super) text: String,
    #[serde(default)]
    pub(super) trace: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Failed,
    Fatal,
    BadInput,
    Skip,
}

impl Told {
    /// As a fault, with the trace as the last of what was printed.
    pub(super) fn into_fault(self, printed: &[u8]) -> Fault {
        let kind = match self.kind {
            Kind::Failed => FaultKind::Failed,
            Kind::Fatal => FaultKind::Fatal,
            Kind::BadInput => FaultKind::BadInput,
            Kind::Skip => FaultKind::Skip,
        };
        let mut last = printed.to_vec();
        if !(last.is_empty() || last.ends_with(b"\n")) {
            last.push(b'\n');
        }
        last.extend_from_slice(self.trace.as_bytes());
        Fault::new(kind, self.text).with_stderr(&last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_is_read_in_each_of_its_forms() {
        let heard = |json: &str| serde_json::from_str::<Heard>(json).expect(json);
        let Heard::Made(pieces) =
            heard(r#"{"made": [{"file": "/a"}, {"attached": 3}, {"audio": "/b", "rate": 44100, "channels": 2}]}"#)
        else {
            panic!("made")
        };
        assert!(matches!(
            &pieces[..],
            [Piece::File { .. }, Piece::Attached { attached: 3 }, Piece::Audio { rate: 44100, .. }]
        ));
        let Heard::Ready(ready) = heard(r#"{"ready": {"protocol": 1, "inputs": {"a": "audio"}}}"#) else {
            panic!("ready")
        };
        assert_eq!((ready.inputs["a"], ready.attach), (Form::Audio, 0));
        let Heard::Fault(told) = heard(r#"{"fault": {"kind": "bad_input", "text": "silence", "trace": "T"}}"#) else {
            panic!("fault")
        };
        let fault = told.into_fault(b"printed");
        assert_eq!((fault.kind, &*fault.text, &*fault.stderr), (FaultKind::BadInput, "silence", "printed\nT"));
        assert!(matches!(heard(r#"{"progress": 0.5}"#), Heard::Progress(_)));
        assert!(serde_json::from_str::<Heard>(r#"{"made": {}}"#).is_err());
    }
}
