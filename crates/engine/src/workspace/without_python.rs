//! The refusal of a job with a Python function by a program that was built without the feature `python`.

use euterpe_actors::outcome::Fault;
use euterpe_graph_file::plan::Python;

/// Names the function and the remedy.
pub(super) fn refusal(python: &Python) -> Fault {
    let (file, function) = (python.file.display(), &python.function);
    let cause = "this program was built without the feature `python`";
    Fault::fatal(format!("{cause}: it cannot run `{function}` of {file}; build it with that feature"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use euterpe_graph_file::{Surroundings, check_text};

    use crate::workspace::{Opening, Workspace};

    #[test]
    fn a_graph_with_a_python_function_is_refused_with_the_feature_that_is_missing() {
        let text = "version: 1\ngraph: g\nstores: {out: ./out}\njobs:\n  \
                    tags: {python: \"t.py:tags\", out: \"out:{id}.json\"}\n";
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("t.py"), "def tags(): pass\n").expect("written");
        let registry = crate::builtin::registry();
        let around = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
        let plan = check_text(text, &folder.path().join(Path::new("g.yaml")), around);
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let error = Workspace::open(plan, &registry, &Opening::default()).err().expect("refused").to_string();
        assert!(error.contains("`tags` cannot be opened"), "{error}");
        assert!(error.contains("this program was built without the feature `python`"), "{error}");
    }
}
