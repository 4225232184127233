//! From the graph file's plan to the plan of a node: the only place that sees both configuration and actors.

mod opened;

use std::collections::BTreeMap;

use euterpe_actors::plan::JobSpec;
use euterpe_actors::transform::TransformFactory;

pub use opened::{Opened, Opening, STATE_FOLDER, now, salt};

use crate::config::plan::{Job, Plan};
use crate::config::{Catalog, Facts, InputRule};

/// What the actors need to know of each job, parents first; `factory` opens a job's transform.
///
/// `cores` are the workers of a job whose pool does not name a number.
///
/// # Errors
/// The first error of `factory`.
pub fn to_specs<E>(
    plan: &Plan,
    cores: usize,
    mut factory: impl FnMut(&Job) -> Result<TransformFactory, E>,
) -> Result<Vec<JobSpec>, E> {
    let spec = |job: &Job| {
        Ok(JobSpec {
            name: job.name.clone(),
            form: job.form.clone(),
            inputs: job.inputs.clone(),
            outputs: job.outputs.clone(),
            transform: factory(job)?,
            workers: job.workers.unwrap_or(cores).max(1),
            timeout: job.timeout,
            retry: job.retry,
            claim: job.claim,
            settings: job.settings_digest(),
        })
    };
    plan.jobs.iter().map(spec).collect()
}

/// The transforms that come with the program.
pub fn catalog() -> impl Catalog + use<> {
    const AUDIO: [&str; 11] = ["aac", "aif", "aiff", "caf", "flac", "m4a", "mka", "mp3", "oga", "ogg", "wav"];
    let facts = |summary: &str, inputs: InputRule, reads: &[&str], suffixes: &[&str], most_outputs| Facts {
        summary: summary.into(),
        inputs,
        extensions: reads.iter().map(|text| (*text).into()).collect(),
        suffixes: suffixes.iter().map(|text| (*text).into()).collect(),
        most_outputs,
        options: serde_json::json!({"type": "object"}),
    };
    let audio = || InputRule::Exact(vec!["audio".into()]);
    let any = |least| InputRule::Any { least };
    BTreeMap::from([
        ("audio.loudness".into(), facts("loudness by EBU R 128", audio(), &AUDIO, &["json"], 1)),
        ("audio.melspectrogram".into(), facts("mel spectrogram", audio(), &AUDIO, &["npy"], 1)),
        ("audio.spectrogram".into(), facts("picture of the spectrum", audio(), &AUDIO, &["png"], 1)),
        ("audio.transcode".into(), facts("other rate, channels, format", audio(), &AUDIO, &["wav", "flac"], 1)),
        ("command".into(), facts("any program", any(0), &[], &[], usize::MAX)),
        ("json.merge".into(), facts("one JSON object of several", any(1), &["json"], &["json"], 1)),
        ("synth.track".into(), facts("a small made-up track", InputRule::Exact(vec![]), &[], &["wav", "flac"], 1)),
    ])
}
