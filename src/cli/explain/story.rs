//! The facts about one job for one entity.

use std::time::{SystemTime, UNIX_EPOCH};

use euterpe_actors::accounting::{Expected, Fate, Forecaster};
use euterpe_actors::edges::{find_source, parent_of};
use euterpe_actors::ids::{EntityId, InputName, JobName, RunId};
use euterpe_actors::message::Target;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{InputPlan, JobIx, Route};
use euterpe_actors::state::{DeadLetter, LetterFilter, SkipRecord};
use euterpe_actors::storage::StorageErrorKind;
use euterpe_actors::template::Parts;
use serde::Serialize;

use euterpe_engine::assembly::Opened;

/// All that is known of one job for one entity.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    pub job: JobName,
    pub transform: String,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    pub decision: Decision,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<Dead>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipRecord>,
}

/// One input.
#[derive(Debug, Serialize)]
pub(super) struct Input {
    pub name: InputName,
    /// The parent that makes it; none for a source.
    pub from: Option<Target>,
    /// Its key, where it can be told.
    pub key: Option<String>,
    pub there: bool,
    /// Why it can never be had as things are.
    pub problem: Option<String>,
}

/// One output.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    pub key: String,
    /// The store's folder or bucket.
    pub place: String,
    pub there: bool,
    pub size: Option<u64>,
    /// The run that made it; none where it came from elsewhere.
    pub run: Option<RunId>,
    /// When it was last written, in milliseconds after the Unix epoch.
    pub modified: Option<u64>,
}

/// What a run would do.
#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub(super) enum Decision {
    /// Nothing: the output is there.
    Have,
    /// Run the transform, after these.
    Make { first: Vec<Target> },
    /// It cannot be made: the target that fails, and why.
    Blocked { at: Target, reason: Reason, text: String },
    /// It or an ancestor was declined or dropped.
    Skipped { at: Target, reason: Reason, text: String },
}

/// A dead letter.
#[derive(Debug, Serialize)]
pub(super) struct Dead {
    pub run: Option<RunId>,
    pub reason: Reason,
    pub text: String,
    pub stderr: String,
    pub tries: u32,
    /// When it was given up, in milliseconds after the Unix epoch.
    pub millis: u64,
    /// Whether the output is there by now.
    pub made_good: bool,
}

impl Story {
    /// Reads the facts.
    pub async fn of(opened: &Opened, forecaster: &Forecaster, at: JobIx, entity: &EntityId) -> anyhow::Result<Self> {
        let job = opened.nodes.job(at);
        let target = Target { job: job.name.clone(), entity: entity.clone() };
        let Some(parts) = job.form.split(entity) else { anyhow::bail!("`{target}` does not have its job's form") };
        let mut inputs = Vec::with_capacity(job.inputs.len());
        for input in &job.inputs {
            inputs.push(read_input(opened, input, entity, &parts).await?);
        }
        let mut outputs = Vec::with_capacity(job.outputs.len());
        for output in &job.outputs {
            let key = output.key_of(&parts);
            let store = opened.stores.get(&key.store);
            let found = match store.look(&key.path).await {
                Ok(found) => found,
                Err(error) if error.kind == StorageErrorKind::BadKey => None,
                Err(error) => return Err(error.into()),
            };
            outputs.push(Output {
                key: key.to_string(),
                place: store.place(),
                there: found.is_some(),
                size: found.as_ref().map(|found| found.size),
                run: found.as_ref().and_then(|found| found.stamp.as_ref()?.run()),
                modified: found.as_ref().and_then(|found| found.modified).map(millis),
            });
        }
        let made = outputs[0].there;
        let filter =
            LetterFilter { job: Some(job.name.clone()), entity: Some(entity.to_string()), ..LetterFilter::default() };
        let letters = opened.state.letters(&filter).await?;
        let mut dead: Vec<Dead> = letters.into_iter().map(|(_, letter)| Dead::of(letter, made)).collect();
        dead.sort_by_key(|dead| std::cmp::Reverse(dead.millis));
        Ok(Self {
            decision: decide(forecaster.request(at, entity).await?, &target),
            job: job.name.clone(),
            transform: opened.plan.jobs[at.0].transform.clone(),
            inputs,
            outputs,
            dead,
            skipped: opened.state.skip_of(&target, job.settings).await?,
        })
    }
}

impl Dead {
    fn of(letter: DeadLetter, made: bool) -> Self {
        let DeadLetter { run, reason, text, stderr, tries, millis, .. } = letter;
        Self { run, reason, text, stderr, tries, millis, made_good: made }
    }
}

async fn read_input(opened: &Opened, input: &InputPlan, entity: &EntityId, parts: &Parts<'_>) -> anyhow::Result<Input> {
    let name = input.name.clone();
    let never = |why: euterpe_actors::edges::Unobtainable| (None, None, false, Some(why.text));
    let (from, key, there, problem) = match (&input.from, parent_of(&opened.nodes, input, entity, parts)) {
        (Route::Source { store, key, exts }, _) => match find_source(&opened.stores, parts, store, key, exts).await {
            Ok(Ok(key)) => (None, Some(key.to_string()), true, None),
            Ok(Err(why)) => never(why),
            Err(error) if error.kind == StorageErrorKind::BadKey => (None, None, false, Some(error.to_string())),
            Err(error) => return Err(error.into()),
        },
        (Route::Job { .. }, Some(Ok(parent))) => {
            let (there, problem) = match opened.stores.get(&parent.key.store).look(&parent.key.path).await {
                Ok(found) => (found.is_some(), None),
                Err(error) if error.kind == StorageErrorKind::BadKey => (false, Some(error.to_string())),
                Err(error) => return Err(error.into()),
            };
            (Some(parent.target), Some(parent.key.to_string()), there, problem)
        }
        (Route::Job { .. }, Some(Err(why))) => never(why),
        (Route::Job { .. }, None) => (None, None, false, None),
    };
    Ok(Input { name, from, key, there, problem })
}

fn decide(expected: Vec<Expected>, target: &Target) -> Decision {
    let first = || {
        let made = expected.iter().filter(|e| e.fate == Fate::Make && e.target != *target);
        made.map(|e| e.target.clone()).collect()
    };
    match expected.iter().find(|e| e.target == *target).map(|e| &e.fate) {
        Some(Fate::Blocked(at, why)) => {
            Decision::Blocked { at: at.clone(), reason: why.reason, text: why.text.clone() }
        }
        Some(Fate::Skipped(at, why)) => {
            Decision::Skipped { at: at.clone(), reason: why.reason, text: why.text.clone() }
        }
        Some(Fate::Make) => Decision::Make { first: first() },
        Some(Fate::Have) | None => Decision::Have,
    }
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
