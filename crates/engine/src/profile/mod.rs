//! One job's work under measurement: a try for one entity in a process of its own, which keeps nothing.
//!
//! The program that is asked to profile starts itself once for each try ([`measure`] there), so that each try has a fresh
//! process, fresh workers, and the kernel's counts for itself. Inputs come from their stores; outputs go to a scratch folder.

mod inputs;
mod measure;
mod target;

use std::path::PathBuf;

use euterpe_processes::usage::Cpu;
use serde::{Deserialize, Serialize};

pub use inputs::Missing;
pub use measure::measure;
pub use target::{Measured, profiled};

/// What is to be measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// The job.
    pub job: String,
    /// The entity.
    pub entity: String,
    /// A folder that is removed afterwards, by whoever asks.
    pub scratch: PathBuf,
}

/// What one try took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// Seconds until the job's worker process could begin; none where it has none that stays.
    pub start: Option<f64>,
    /// Seconds in which it was looked for the inputs.
    pub wait: f64,
    /// Seconds in which they were opened.
    pub fetch: f64,
    /// Seconds in the transform, with what it reads of its inputs.
    pub work: f64,
    /// Seconds in which the outputs were put in place.
    pub store: f64,
    /// The CPU of the work alone.
    pub cpu: Cpu,
    /// The CPU of the measured process from its beginning until the work was done.
    pub process_cpu: Cpu,
    /// The most memory that the measured process had resident, in bytes; of a command see [`Took::child_peak`].
    pub peak: u64,
    /// What the measured process had resident before the work, in bytes.
    pub before: u64,
    /// The most that the largest program that a command started had, in bytes, as the kernel counts it when a child has
    /// ended: the memory of this process when it was forked is in it.
    pub child_peak: Option<u64>,
    /// Bytes of the inputs.
    pub bytes_in: u64,
    /// Bytes of the outputs.
    pub bytes_out: u64,
    /// When the work began and ended, in seconds after the Unix epoch.
    pub work_from_to: (f64, f64),
}

/// How a try ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// The outputs were made.
    Took(Took),
    /// There are none: the kind of fault, the sentence, and what was printed.
    Failed {
        /// Such as `timeout`, or `skipped`.
        kind: String,
        /// One sentence.
        text: String,
        /// The last that was printed.
        stderr: String,
    },
}
