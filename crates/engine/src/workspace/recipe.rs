//! What the transform of a job does, as a digest that is the same on every machine with the same files.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use euterpe_actors::ids::{JobName, StoreName};
use euterpe_actors::plan::{Mapping, NodePlan, Route};
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Job;
use euterpe_processes::JobCode;
use serde_json::{Map, Value, json};

use super::Workspace;

impl Workspace {
    /// The recipes of all jobs: of each its transform, its options, its `version:`, and the files of its code, as they are seen from
    /// the graph's folder.
    pub(crate) fn recipes(&self) -> Arc<BTreeMap<JobName, String>> {
        let nodes = &self.nodes;
        let named = |at| Some((nodes.job(at).name.clone(), nodes.recipe(at)?.to_owned()));
        Arc::new(nodes.job_indices().filter_map(named).collect())
    }

    /// From where a job reads each of its inputs (a source of which store and place, or which output of which job), and where it
    /// writes: what lies there may be another job's.
    pub(crate) fn reads(&self, name: &JobName) -> Option<Value> {
        let job = self.nodes.job(self.nodes.find(name.as_str())?);
        let place = |store: &StoreName| self.plan.store(store).map(|store| store.location.text()).unwrap_or_default();
        let reads = job.inputs.iter().map(|input| {
            let from = match &input.from {
                Route::Source { store, key, exts, .. } => format!("{}: {key} {}", place(store), exts.join(",")),
                Route::Job { job, output, entity } => {
                    let (parent, entity) = (
                        self.nodes.job(*job),
                        match entity {
                            Mapping::Same => String::new(),
                            Mapping::To(entity) => entity.to_string(),
                        },
                    );
                    let output = &parent.outputs[*output];
                    format!("{} {entity} {}: {}", parent.name, place(&output.store), output.key)
                }
            };
            (input.name.to_string(), Value::from(from))
        });
        let writes = job.outputs.iter().map(|output| Value::from(format!("{}: {}", place(&output.store), output.key)));
        Some(json!({"in": reads.collect::<Map<_, _>>(), "out": writes.collect::<Vec<_>>()}))
    }
}

/// The recipes of a graph's jobs, by the index of the job. From now on this process does no work by other code.
pub(super) fn in_order(plan: &Plan, nodes: &NodePlan, code: &HashMap<JobName, Arc<JobCode>>) -> Vec<String> {
    let named = |name: &JobName| plan.jobs.iter().find(|job| job.name == *name);
    let of = |name: &JobName| named(name).map(|job| recipe(job, code.get(name).map(|code| &**code)));
    nodes.jobs.iter().map(|job| of(&job.name).unwrap_or_default()).collect()
}

fn recipe(job: &Job, code: Option<&JobCode>) -> String {
    let mut digest = blake3::Hasher::new();
    digest.update(&job.settings_digest().to_le_bytes());
    if let Some(code) = code {
        digest.update(code.pin().as_bytes());
    }
    if let Some(python) = &job.python {
        digest.update(format!("{:?}", python.variables).as_bytes());
    }
    digest.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use euterpe_actors::plan::JobIx;
    use euterpe_graph_file::{Surroundings, check_text};

    use crate::workspace::{Opening, Workspace};

    /// The recipe of a command that gets this file as its argument.
    fn recipe(folder: &Path, file: &str) -> String {
        let text = format!(
            "version: 1\ngraph: g\nstores: {{out: ./out}}\njobs:\n  \
             tags: {{use: command, with: {{argv: [sh, {file}, \"{{output}}\"]}}, out: \"out:{{id}}.json\"}}\n"
        );
        let registry = crate::builtin::registry();
        let around = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
        let plan = check_text(&text, &folder.join("g.yaml"), around).unwrap_or_else(|problems| panic!("{problems}"));
        let workspace = Workspace::open(plan, &registry, &Opening::default()).expect("opened");
        workspace.nodes.recipe(JobIx(0)).expect("a recipe").to_owned()
    }

    #[test]
    fn the_files_that_a_command_names_count_and_not_those_of_the_machine() {
        let around = tempfile::tempdir().expect("a folder");
        let folder = around.path().join("graph");
        std::fs::create_dir(&folder).expect("made");
        let with = |name: &str, text: &str, file: &str| {
            std::fs::write(around.path().join(name), text).expect("written");
            recipe(&folder, file)
        };
        let own = |text: &str| with("graph/tool.sh", text, "./tool.sh");
        assert_ne!(own("exit 1"), own("exit 2"));
        let beside = |text: &str| with("tool.sh", text, "../tool.sh");
        assert_ne!(beside("exit 1"), beside("exit 2"));
        let path = around.path().join("tool.sh").display().to_string();
        let elsewhere = |text: &str| with("tool.sh", text, &path);
        assert_eq!(elsewhere("exit 1"), elsewhere("exit 2"));
    }
}
