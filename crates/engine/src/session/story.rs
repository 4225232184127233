//! The facts about one job for one entity.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use euterpe_actors::accounting::{Expected, Fate, Forecaster};
use euterpe_actors::edges::{SourceOf, find_source, parent_of};
use euterpe_actors::ids::{EntityId, InputName, JobName, RunId};
use euterpe_actors::message::{Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{InputPlan, JobIx, Route};
use euterpe_actors::refresh::Refresh;
use euterpe_actors::standing::standing_skip;
use euterpe_actors::state::{DeadLetter, LetterFilter, SkipRecord};
use euterpe_actors::storage::{Making, ObjectKey, StorageErrorKind};
use euterpe_actors::template::EntityForm;
use serde::Serialize;

use super::Session;
use crate::run::former::change_since;
use crate::workspace::Workspace;

/// All that is known of one job for one entity.
#[derive(Debug, Serialize)]
pub struct Story {
    /// The job.
    pub job: JobName,
    /// What it runs, as the graph file names it.
    pub transform: String,
    /// Its inputs.
    pub inputs: Vec<StoryInput>,
    /// Its outputs, the primary first.
    pub outputs: Vec<StoryOutput>,
    /// What a run would do.
    pub decision: Decision,
    /// Why its output would be made anew although it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_date: Option<String>,
    /// What its output was made from, where its stamp tells that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_from: Option<Arc<Making>>,
    /// What was changed in the job since, where its output was made before that and is left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// Its dead letters, the newest first, one of each run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dead: Vec<StoryLetter>,
    /// Why it was declined or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkipRecord>,
}

/// One input.
#[derive(Debug, Serialize)]
pub struct StoryInput {
    /// The job's name for it.
    pub name: InputName,
    /// The parent that makes it; none for a source.
    pub from: Option<Target>,
    /// Its key, where it can be told.
    pub key: Option<String>,
    /// Whether it is there.
    pub there: bool,
    /// The entity that its stamp names, where that is another one: somebody moved or copied it here, and so it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_for: Option<EntityId>,
    /// Whether the work goes on without it.
    pub optional: bool,
    /// Why it can never be had as things are.
    pub problem: Option<String>,
}

/// One output.
#[derive(Debug, Serialize)]
pub struct StoryOutput {
    /// Its key.
    pub key: String,
    /// The store's folder or bucket.
    pub place: String,
    /// Whether it is there.
    pub there: bool,
    /// The entity that its stamp names, where that is another one: somebody moved or copied it here, and so it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_for: Option<EntityId>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// The run that made it; none where it came from elsewhere.
    pub run: Option<RunId>,
    /// When it was last written, in milliseconds after the Unix epoch.
    pub modified: Option<u64>,
}

/// What a run would do.
#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Nothing: the output is there.
    Have,
    /// Run the transform, after these.
    Make {
        /// What is made before it.
        first: Vec<Target>,
    },
    /// It cannot be made: the target that fails, and why.
    Blocked {
        /// The target.
        at: Target,
        /// The reason.
        reason: Reason,
        /// The sentence.
        text: String,
    },
    /// It or an ancestor was declined or dropped.
    Skipped {
        /// The target.
        at: Target,
        /// The reason.
        reason: Reason,
        /// The sentence.
        text: String,
    },
}

/// A dead letter.
#[derive(Debug, Serialize)]
pub struct StoryLetter {
    /// The run.
    pub run: Option<RunId>,
    /// The reason.
    pub reason: Reason,
    /// The sentence.
    pub text: String,
    /// The last that was printed on standard error.
    pub stderr: String,
    /// How many tries there were.
    pub tries: u32,
    /// When it was given up, in milliseconds after the Unix epoch.
    pub millis: u64,
    /// Whether the output is there by now.
    pub made_good: bool,
}

impl Story {
    /// Reads the facts.
    pub(super) async fn of(
        session: &Session,
        forecaster: &Forecaster,
        at: JobIx,
        entity: &EntityId,
    ) -> anyhow::Result<Self> {
        let workspace = &session.workspace;
        let job = workspace.nodes.job(at);
        let target = Target { job: job.name.clone(), entity: entity.clone() };
        let Some(parts) = job.form.split(entity) else { anyhow::bail!("`{target}` does not have its job's form") };
        let mut inputs = Vec::with_capacity(job.inputs.len());
        for input in &job.inputs {
            inputs.push(read_input(workspace, input, entity, &job.form).await?);
        }
        let mut outputs = Vec::with_capacity(job.outputs.len());
        let (mut made_from, mut written) = (None, None);
        for output in &job.outputs {
            let key = output.key_of(&parts);
            let store = workspace.stores.get(&key.store);
            let (path, found, made_for) = match workspace.stores.find(&key).await {
                Ok(Some((path, found))) => (path, Some(found), None),
                Ok(None) => (&*key.path, None, made_for(workspace, &key).await?),
                Err(error) if error.kind == StorageErrorKind::BadKey => (&*key.path, None, None),
                Err(error) => return Err(error.into()),
            };
            if outputs.is_empty() {
                made_from = found.as_ref().and_then(|found| found.stamp.as_ref()?.making.clone());
                written = found.as_ref().and_then(|found| found.modified);
            }
            outputs.push(StoryOutput {
                key: format!("{}:{path}", key.store),
                place: store.place(),
                there: found.is_some(),
                made_for,
                size: found.as_ref().map(|found| found.size),
                run: found.as_ref().and_then(|found| found.stamp.as_ref()?.run()),
                modified: found.as_ref().and_then(|found| found.modified).map(millis),
            });
        }
        let filter =
            LetterFilter { job: Some(job.name.clone()), entity: Some(entity.to_string()), ..LetterFilter::default() };
        let mut dead: Vec<StoryLetter> = Vec::new();
        for (_, letter) in workspace.state.letters(&filter).await? {
            let other = match letter.run {
                Some(run) => session.is_other(run).await?,
                None => false,
            };
            if !other {
                let made_good = session.is_made_good(&letter).await?;
                dead.push(StoryLetter::of(letter, made_good));
            }
        }
        dead.sort_by_key(|dead| std::cmp::Reverse(dead.millis));
        // Each job that waited has a letter of its own; a person wants to know once that a run could not make it.
        let mut told = HashSet::new();
        dead.retain(|dead| told.insert(dead.run));
        let expected = forecaster.request(at, entity).await?;
        let own = expected.iter().find(|expected| expected.target == target);
        let out_of_date = own.and_then(|own| own.out_of_date.as_ref()).map(ToString::to_string);
        let changed = match &made_from {
            Some(making) => changed(workspace, &job.name, &making.recipe, written).await?,
            None => None,
        };
        Ok(Self {
            out_of_date,
            made_from,
            changed,
            decision: decide(expected, &target),
            job: job.name.clone(),
            transform: workspace.plan.jobs[at.0].transform.clone(),
            inputs,
            outputs,
            dead,
            skipped: standing_skip(&workspace.nodes, &workspace.stores, &workspace.state, at, entity).await?,
        })
    }
}

/// What was changed in a job since this recipe of it, unless that counts as the one of today.
async fn changed(
    workspace: &Workspace,
    job: &JobName,
    recipe: &str,
    written: Option<SystemTime>,
) -> anyhow::Result<Option<String>> {
    let refresh = Refresh { recipes: Force::All, ..Refresh::default() };
    if !workspace.standard(Some(&refresh)).await?.is_former(job, recipe, written) {
        return Ok(None);
    }
    let change = change_since(workspace, job, recipe).await;
    Ok(Some(change.unwrap_or_else(|| "nobody noted what it did then".to_owned())))
}

impl StoryLetter {
    fn of(letter: DeadLetter, made: bool) -> Self {
        let DeadLetter { run, reason, text, stderr, tries, millis, .. } = letter;
        Self { run, reason, text, stderr, tries, millis, made_good: made }
    }
}

async fn read_input(
    workspace: &Workspace,
    input: &InputPlan,
    entity: &EntityId,
    form: &EntityForm,
) -> anyhow::Result<StoryInput> {
    let name = input.name.clone();
    let Some(parts) = form.split(entity) else { anyhow::bail!("`{entity}` does not have its job's form") };
    let never = |why: euterpe_actors::edges::Unobtainable| (None, None, false, Some(why.text));
    let mut made_for_other = None;
    let (from, key, there, problem) = match (&input.from, parent_of(&workspace.nodes, input, entity, &parts)) {
        (Route::Source { store, key, exts, optional }, _) => {
            let source = SourceOf { entity, form, store, template: key, exts, optional: *optional };
            match find_source(&workspace.stores, &workspace.state, source).await {
                Ok(Ok(key)) => (None, Some(key.to_string()), true, None),
                Ok(Err(why)) if *optional && why.reason == Reason::SourceMissing => {
                    let key = format!("{store}:{}", key.source_key(&parts, "{ext}"));
                    (None, Some(key), false, None)
                }
                Ok(Err(why)) => never(why),
                Err(error) if matches!(error.kind, StorageErrorKind::BadKey | StorageErrorKind::Denied) => {
                    (None, None, false, Some(error.to_string()))
                }
                Err(error) => return Err(error.into()),
            }
        }
        (Route::Job { .. }, Some(Ok(parent))) => {
            let (there, problem) = match workspace.stores.look(&parent.key).await {
                Ok(found) => (found.is_some(), None),
                Err(error) if error.kind == StorageErrorKind::BadKey => (false, Some(error.to_string())),
                Err(error) => return Err(error.into()),
            };
            if !there && problem.is_none() {
                made_for_other = made_for(workspace, &parent.key).await?;
            }
            (Some(parent.target), Some(parent.key.to_string()), there, problem)
        }
        (Route::Job { .. }, Some(Err(why))) => never(why),
        (Route::Job { .. }, None) => (None, None, false, None),
    };
    let optional = matches!(input.from, Route::Source { optional: true, .. });
    Ok(StoryInput { name, from, key, there, made_for: made_for_other, optional, problem })
}

/// The entity that the stamp of what lies under a key names, where something of another entity lies there.
async fn made_for(workspace: &Workspace, key: &ObjectKey) -> anyhow::Result<Option<EntityId>> {
    let found = workspace.stores.get(&key.store).look(&key.path).await?;
    Ok(found.and_then(|found| found.stamp?.entity))
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
