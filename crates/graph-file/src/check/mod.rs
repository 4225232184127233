//! Checks the written form and resolves it into a plan. Each kind of rule has a file; `draft` holds what the rules share.

mod clash;
mod draft;
mod edges;
mod listed_sources;
mod outputs;
mod pattern;
mod python;
mod python_signature;
mod references;
mod stores;
mod test_cases;
mod transforms;
mod without_case;

use std::path::{Path, PathBuf};
use std::time::Duration;

use euterpe_actors::ids::JobName;

use crate::location::Store;
use crate::order;
use crate::places::Places;
use crate::plan::{Job, Plan};
use crate::problem::Findings;
use crate::surroundings::Surroundings;
use crate::wording::printable;
use crate::written::GraphFile;
use draft::Draft;

/// The most jobs of a graph.
const MOST_JOBS: usize = 500;
/// The longest path of a graph, in edges: a request carries one frame for each.
const MOST_DEPTH: usize = 32;

/// Checks a whole file. `None` where nothing can be planned. Problems go to `findings`; a plan with problems is not complete.
///
/// `folder` is the absolute folder of the file at `path`.
pub fn check(
    file: &GraphFile,
    path: &Path,
    folder: PathBuf,
    around: Surroundings<'_>,
    findings: &Findings,
) -> Option<Plan> {
    if let Some(graph) = &file.graph
        && let Err(error) = JobName::new(&graph.value)
    {
        findings.add(graph.position, "graph", error.to_string());
    }
    if file.jobs.len() > MOST_JOBS {
        let position = file.jobs[MOST_JOBS].name.position;
        findings.add(position, "jobs", format!("a graph has at most {MOST_JOBS} jobs; split it"));
        return None;
    }
    let stores = stores::stores(file, &folder, around, findings);
    let mut drafts: Vec<Draft<'_>> = file.jobs.iter().map(|job| Draft::begin(job, findings)).collect();
    transforms::find(&mut drafts, around.registry, &folder, findings);
    outputs::read(&mut drafts, &stores, findings);
    references::resolve(&mut drafts, &stores, findings);
    let timeouts: Vec<Duration> = drafts.iter().map(|draft| draft.timeout(file)).collect();
    transforms::check(&drafts, &timeouts, &folder, findings);
    edges::check(&drafts, findings);
    edges::check_readable(&drafts, findings);
    clash::check(&drafts, &stores, findings);
    listed_sources::check(&drafts, &stores, findings);
    let order = in_order(&drafts, findings)?;
    let jobs = order.iter().map(|at| drafts[*at].finish(file, &order)).collect::<Option<Vec<Job>>>()?;
    let stores: Vec<Store> = stores.into_iter().filter_map(|store| store.checked).collect();
    let graph = file.graph.as_ref()?.value.clone();
    let tests = file.tests.as_ref().map(|tests| test_cases::read(tests, &jobs, &stores, findings)).unwrap_or_default();
    let refresh = file.refresh.clone();
    Some(Plan { file: path.to_owned(), folder, graph, stores, refresh, jobs, tests, places: Places::default() })
}

/// The numbers of the jobs, parents first. Cycles and paths that are too long are problems.
fn in_order(drafts: &[Draft<'_>], findings: &Findings) -> Option<Vec<usize>> {
    let parents: Vec<Vec<usize>> = drafts.iter().map(Draft::parents).collect();
    let order = match order::order(&parents) {
        Ok(order) => order,
        Err(cycles) => {
            for cycle in cycles {
                let name = |at: &usize| printable(&drafts[*at].written.name.value);
                let mut names: Vec<String> = cycle.iter().map(name).collect();
                names.push(name(&cycle[0]));
                let message = format!("a cycle: {}; take one of these edges away", names.join(" → "));
                let first = &drafts[cycle[0]];
                findings.add(first.written.name.position, format!("{}.in", first.path), message);
            }
            return None;
        }
    };
    let depths = order::depths(&order, &parents);
    for (at, depth) in depths.iter().enumerate() {
        if *depth == MOST_DEPTH + 1 {
            let draft = &drafts[at];
            let message = format!("more than {MOST_DEPTH} jobs lie above this one in a row; join some of them");
            findings.add(draft.written.name.position, draft.path.clone(), message);
        }
    }
    Some(order)
}
