//! Checks the graph file's own tests: the jobs, outputs and stores that they name are there.

use std::collections::BTreeMap;

use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::plan::JobIx;
use serde::Deserialize;
use serde_json::Value;

use crate::cases::{Checks, Content, Target, TestCase};
use crate::location::Store;
use crate::plan::Job;
use crate::position::At;
use crate::problem::Findings;
use crate::wording::{did_you_mean, listed};

/// One entry of `tests` as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: Option<String>,
    entity: String,
    job: Option<String>,
    #[serde(default)]
    given: BTreeMap<String, Content>,
    #[serde(default)]
    expect: BTreeMap<String, Option<Checks>>,
}

/// Reads what stands under `tests`. Problems go to `findings`.
pub fn read(tests: &At<Value>, jobs: &[Job], stores: &[Store], findings: &Findings) -> Vec<TestCase> {
    let list = match &tests.value {
        Value::Null => return Vec::new(),
        Value::Array(list) => list,
        _ => {
            findings.add(tests.position, "tests", "expected a list, such as `- {entity: t-1, expect: {mel: {}}}`");
            return Vec::new();
        }
    };
    let case = |(number, written): (usize, &Value)| {
        let read = WrittenCase::deserialize(written).map_err(|error| error.to_string());
        let read = read.and_then(|written| case(number, written, jobs, stores));
        read.map_err(|message| findings.add(tests.position, format!("tests.{number}"), message)).ok()
    };
    list.iter().enumerate().filter_map(case).collect()
}

fn case(number: usize, written: WrittenCase, jobs: &[Job], stores: &[Store]) -> Result<TestCase, String> {
    let entity = EntityId::of_name(&written.entity).map_err(|bad| format!("entity: {bad}"))?;
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
