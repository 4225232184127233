//! The graph file's own tests: what is given, which entity, what is expected of its outputs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use euterpe_actors::ids::{EntityId, JobName, StoreName};
use euterpe_actors::plan::JobIx;
use serde::Deserialize;
use serde_json::Value;

use super::plan::{Job, Store};
use super::problem::did_you_mean;
use super::read::listed;

/// One entry of `tests`.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// What it is called: its `name`, or its number and entity.
    pub name: String,
    /// The entity that is made.
    pub entity: EntityId,
    /// The jobs whose outputs are made for it.
    pub jobs: Vec<JobIx>,
    /// What lies in the stores before.
    pub given: Vec<(Target, Content)>,
    /// What must hold afterwards.
    pub expect: Vec<(Target, Checks)>,
}

/// What a test speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An output of a job for the test's entity, by its number.
    Output(JobIx, usize),
    /// An object of a store, by its path.
    Object(StoreName, String),
}

/// What is given.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// This value as JSON.
    Json(Value),
    /// This text.
    Text(String),
    /// What a file holds, by its path beside the graph file.
    File(PathBuf),
}

/// What is expected of one target; all that is named must hold.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// It is this value as JSON.
    pub json: Option<Value>,
    /// It is JSON with at least these members; numbers may differ by a millionth.
    pub json_has: Option<Value>,
    /// It is this text.
    pub text: Option<String>,
    /// It is a text with this in it.
    pub contains: Option<String>,
    /// It holds the same bytes as this file beside the graph file.
    pub file: Option<PathBuf>,
    /// It is a track.
    pub audio: Option<Sound>,
    /// There is a dead letter with this reason.
    pub dead: Option<String>,
    /// The transform declined the entity.
    pub skipped: bool,
    /// It is not there.
    pub absent: bool,
}

/// What is expected of a track.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Sound {
    /// How long it is, in seconds.
    pub seconds: Option<f64>,
    /// By how many seconds it may be longer or shorter; a hundredth by default.
    pub within: Option<f64>,
    /// Frames in a second.
    pub rate: Option<u32>,
    /// Channels.
    pub channels: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    entity: String,
    job: Option<String>,
    #[serde(default)]
    given: BTreeMap<String, Content>,
    #[serde(default)]
    expect: BTreeMap<String, Option<Checks>>,
}

/// Something wrong with the tests.
pub struct Wrong {
    /// Where: `tests.2`.
    pub path: String,
    /// What, and what to do.
    pub message: String,
}

/// Reads what stands under `tests`; what is wrong goes to `wrong`.
pub fn read(tests: &Value, jobs: &[Job], stores: &[Store], wrong: &mut Vec<Wrong>) -> Vec<TestCase> {
    let list = match tests {
        Value::Null => return Vec::new(),
        Value::Array(list) => list,
        _ => {
            let message = "expected a list, such as `- {entity: t-1, expect: {mel: {}}}`".to_owned();
            wrong.push(Wrong { path: "tests".to_owned(), message });
            return Vec::new();
        }
    };
    let case = |(number, written): (usize, &Value)| {
        let read = Written::deserialize(written).map_err(|error| error.to_string());
        let read = read.and_then(|written| case(number, written, jobs, stores));
        read.map_err(|message| wrong.push(Wrong { path: format!("tests.{number}"), message })).ok()
    };
    list.iter().enumerate().filter_map(case).collect()
}

fn case(number: usize, written: Written, jobs: &[Job], stores: &[Store]) -> Result<TestCase, String> {
    let entity = EntityId::new(&written.entity).map_err(|bad| format!("entity: {bad}"))?;
    let find = |text: &str| target(text, jobs, stores);
    let given = written.given.into_iter().map(|(text, content)| Ok((find(&text)?, content)));
    let given = given.collect::<Result<Vec<_>, String>>()?;
    let expect = written.expect.into_iter().map(|(text, checks)| Ok((find(&text)?, checks.unwrap_or_default())));
    let expect = expect.collect::<Result<Vec<_>, String>>()?;
    let named = written.job.as_deref().map(|name| job(name, jobs)).transpose()?;
    let mut wanted: Vec<JobIx> = expect.iter().filter_map(|(target, _)| target.job()).chain(named).collect();
    wanted.sort_unstable_by_key(|job| job.0);
    wanted.dedup();
    if wanted.is_empty() {
        return Err("names no job to make; write what is expected of one, such as `expect: {mel: {}}`".to_owned());
    }
    let name = written.name.unwrap_or_else(|| format!("test {}, {entity}", number + 1));
    Ok(TestCase { name, entity, jobs: wanted, given, expect })
}

impl Target {
    fn job(&self) -> Option<JobIx> {
        match self {
            Self::Output(job, _) => Some(*job),
            Self::Object(..) => None,
        }
    }
}

/// `job`, `job.output` or `store:key`.
fn target(text: &str, jobs: &[Job], stores: &[Store]) -> Result<Target, String> {
    if let Some((store, key)) = text.split_once(':') {
        let known = stores.iter().find(|known| known.name.as_str() == store);
        let names = stores.iter().map(|store| store.name.as_str());
        let store = known.ok_or_else(|| none("store", store, names.collect()))?;
        return Ok(Target::Object(store.name.clone(), key.to_owned()));
    }
    let (name, output) = text.split_once('.').map_or((text, None), |(job, output)| (job, Some(output)));
    let at = job(name, jobs)?;
    let names = &jobs[at.0].output_names;
    let number = match output {
        None => 0,
        Some(output) => {
            let number = names.iter().position(|known| known == output);
            number.ok_or_else(|| none("output", output, names.iter().map(String::as_str).collect()))?
        }
    };
    Ok(Target::Output(at, number))
}

fn job(name: &str, jobs: &[Job]) -> Result<JobIx, String> {
    let names = || jobs.iter().map(|job| JobName::as_str(&job.name)).collect();
    jobs.iter().position(|job| job.name.as_str() == name).map(JobIx).ok_or_else(|| none("job", name, names()))
}

fn none(what: &str, name: &str, known: Vec<&str>) -> String {
    let near = did_you_mean(name, known.iter().copied());
    let remedy = if near.is_empty() { format!("; there is {}", listed(&known)) } else { near };
    format!("no {what} named `{name}`{remedy}")
}
