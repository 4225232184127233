//! Reads bodies in JSON. All problems are reported at once, in the order of the body.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::message::{ForeignMessage, starting_at};
use super::publish_id::PublishId;
use super::text::{run_id as parse_run_id, shortened};
use crate::addressing::forced;
use crate::ids::{EntityId, JobName, RunId};
use crate::message::{Force, MAX_MESSAGE_BYTES};
use crate::plan::{JobIx, NodePlan};
use crate::wire;

/// How many problems one sentence holds.
const MOST: usize = 8;

/// The keys of the outermost object, as written: a map would drop one of two equal keys in silence.
struct Keys(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as {\"entity\": \"t-1\"}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    keys.push(pair);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// What `force` says.
enum ForceOption {
    Nothing,
    /// The jobs that the message reaches.
    Reached,
    All,
    Jobs(Vec<JobName>),
}

/// Reads a body for the job at `job`. The body is small by now, and the parser refuses deep nesting.
pub(super) fn read(body: &[u8], job: JobIx, plan: &NodePlan) -> Result<ForeignMessage, String> {
    let Keys(keys) = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not JSON as it is read: {}", shortened(&error.to_string())))?;
    let mut problems: Vec<String> = Vec::new();
    let (mut entity, mut run, mut force_option) = (None, None, ForceOption::Nothing);
    let mut selection = starting_at(job, plan);
    for (at, (key, value)) in keys.iter().enumerate() {
        if keys[..at].iter().any(|(before, _)| before == key) {
            problems.push(format!("`{}` stands there twice", shortened(key)));
            continue;
        }
        let result = match key.as_str() {
            "entity" => id(value).map(|id| entity = Some(id)),
            "mode" => mode(value).map(|bottom_up| selection.bottom_up = bottom_up),
            "only" => jobs(value, plan).map(|jobs| selection.only = Some(jobs)),
            "force" => force(value, plan).map(|force| force_option = force),
            "ping" => value.as_bool().map(|ping| selection.ping = ping).ok_or_else(|| expected("true or false", value)),
            "run" => run_id(value).map(|id| run = Some(id)),
            _ => Err("no such key; there are entity, mode, force, only, ping and run".to_owned()),
        };
        if let Err(problem) = result {
            problems.push(format!("`{}`: {problem}", shortened(key)));
        }
    }
    if !keys.iter().any(|(key, _)| key == "entity") {
        problems.push("`entity` is missing: the id that the job is to be done for".to_owned());
    }
    selection.force = match force_option {
        ForceOption::Nothing => Force::None,
        ForceOption::All => Force::All,
        ForceOption::Jobs(jobs) => Force::Jobs(jobs),
        ForceOption::Reached => forced(plan, &selection),
    };
    if selection.ping && (selection.bottom_up || selection.force != Force::None) {
        problems.push("`ping` travels down and does no work: it goes with neither `bottom_up` nor `force`".to_owned());
    }
    if selection.bottom_up && selection.only.is_some() {
        problems.push("`only` limits what is passed on, and `bottom_up` passes nothing on".to_owned());
    }
    match entity {
        Some(entity) if problems.is_empty() => fits(ForeignMessage { entity, selection, run }, plan),
        _ => Err(sentence(problems)),
    }
}

/// The messages that follow from this one must fit an envelope too, with the frames and hops that they collect. So a body
/// that names so many jobs that it fills half of an envelope is refused here, where its publisher is told.
fn fits(asked: ForeignMessage, plan: &NodePlan) -> Result<ForeignMessage, String> {
    let publishing = PublishId { run: RunId::inbox_at(0), wave: u64::MAX };
    let message = asked.message(plan, publishing, u64::MAX);
    match message.as_ref().map(wire::encode) {
        Some(Ok(bytes)) if bytes.len() <= MAX_MESSAGE_BYTES / 2 => Ok(asked),
        _ => {
            Err("it names more jobs than a message can carry on; force \"all\", or publish it more than once"
                .to_owned())
        }
    }
}

fn id(value: &Value) -> Result<EntityId, String> {
    let text = value.as_str().ok_or_else(|| expected("an id in quotes", value))?;
    EntityId::of_name(text).map_err(|bad| bad.to_string())
}

/// Whether the mode is bottom-up.
fn mode(value: &Value) -> Result<bool, String> {
    match value.as_str() {
        Some("top_down") => Ok(false),
        Some("bottom_up") => Ok(true),
        _ => Err(expected("\"top_down\" or \"bottom_up\"", value)),
    }
}

fn force(value: &Value, plan: &NodePlan) -> Result<ForceOption, String> {
    match value {
        Value::Bool(false) => Ok(ForceOption::Nothing),
        Value::Bool(true) => Ok(ForceOption::Reached),
        Value::String(all) if all == "all" => Ok(ForceOption::All),
        Value::Array(names) if names.is_empty() => Ok(ForceOption::Nothing),
        Value::Array(_) => jobs(value, plan).map(ForceOption::Jobs),
        _ => Err(expected("true, false, \"all\" or a list of jobs", value)),
    }
}

/// The jobs of a list, each once.
fn jobs(value: &Value, plan: &NodePlan) -> Result<Vec<JobName>, String> {
    let list = value.as_array().ok_or_else(|| expected("a list of jobs", value))?;
    let mut jobs = Vec::new();
    for name in list {
        let name = name.as_str().ok_or_else(|| expected("the names of jobs", name))?;
        let at = plan.find(name).ok_or_else(|| format!("no job named `{}` in this graph", shortened(name)))?;
        jobs.push(plan.job(at).name.clone());
    }
    jobs.sort_unstable();
    jobs.dedup();
    Ok(jobs)
}

fn run_id(value: &Value) -> Result<RunId, String> {
    parse_run_id(value.as_str().ok_or_else(|| expected("the id of a run in quotes", value))?)
}

fn expected(what: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(found) => found.to_string(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) => format!("\"{}\"", shortened(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    format!("expected {what}, got {found}")
}

fn sentence(mut problems: Vec<String>) -> String {
    let more = problems.len().saturating_sub(MOST);
    problems.truncate(MOST);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    problems.join("; ")
}
