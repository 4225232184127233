//! Which files of this machine hold the code of a job.

use std::collections::BTreeSet;
use std::path::PathBuf;

#[cfg(feature = "python")]
use euterpe_graph_file::plan::Interpreter;
use euterpe_graph_file::plan::{Job, Plan};
use euterpe_processes::{WORKER, named_files};

/// The files that hold the code of a job, as absolute paths: of a Python function its file, what that imports from the folder
/// of the graph file or from beside it, and its requirements; of a `command` or a `worker` those that `argv` names. A program
/// of the machine, and what the code opens by itself, is none of them.
pub fn code_files(plan: &Plan, job: &Job) -> BTreeSet<PathBuf> {
    #[cfg(feature = "python")]
    if let Some(python) = &job.python {
        let mut files = euterpe_processes::python_sources(&plan.folder, &python.file);
        if let Interpreter::Requirements(file) = &python.interpreter {
            let named = named_files(&plan.folder, [file]);
            files.extend(if named.is_empty() { vec![file.clone()] } else { named });
        }
        return files;
    }
    if job.transform != "command" && job.transform != WORKER {
        return BTreeSet::new();
    }
    let words = job.options["argv"].as_array().into_iter().flatten().filter_map(|word| word.as_str());
    named_files(&plan.folder, words).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use euterpe_graph_file::{Surroundings, check_text};

    use super::*;

    #[test]
    fn the_code_of_a_command_is_what_it_names_below_the_folder_and_beside_it() {
        let around = tempfile::tempdir().expect("a folder");
        let root = around.path().canonicalize().expect("a folder"); // that of temporary files may be a link
        let folder = root.join("graph");
        std::fs::create_dir(&folder).expect("made");
        for name in ["graph/tool.sh", "beside.sh", "graph/unused.sh"] {
            std::fs::write(root.join(name), "exit 0\n").expect("written");
        }
        let text = "version: 1\ngraph: g\nstores: {out: ./out}\njobs:\n  a: {use: command, with: {argv: [/bin/sh, ./tool.sh, \
                    ../beside.sh, \"{output}\"]}, out: \"out:a/{id}.json\"}\n  b: {use: json.merge, in: {a: a}, out: \
                    \"out:b/{id}.json\"}\n";
        let registry = crate::builtin::registry();
        let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
        let plan =
            check_text(text, &folder.join("g.yaml"), surroundings).unwrap_or_else(|problems| panic!("{problems}"));
        let files = |at: usize| {
            let below = |path: PathBuf| path.strip_prefix(&root).expect("around").display().to_string();
            code_files(&plan, &plan.jobs[at]).into_iter().map(below).collect::<Vec<_>>()
        };
        assert_eq!(files(0), ["beside.sh", "graph/tool.sh"]);
        assert!(files(1).is_empty());
    }
}
