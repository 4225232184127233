//! Two graph files of one folder that give their graphs one name: they share the state, and their runs are told apart.

use std::collections::BTreeSet;

use anyhow::bail;
use euterpe_actors::ids::RunId;
use euterpe_actors::state::Manifest;

use super::Session;
use super::letters::Letter;
use crate::mistake::Mistake;

/// Which graph file a run was of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileOfRun {
    /// This one, or nobody noted which.
    Own,
    /// Another one that is there, whatever it calls its graph by now.
    Other,
    /// One that is not there: another one, or this one under another name.
    Gone,
}

impl Session {
    /// Which graph file a run was of.
    pub(super) fn file_of(&self, manifest: &Manifest) -> FileOfRun {
        let plan = &self.workspace.plan;
        let (Some(name), Some(own)) = (&manifest.file, plan.file.file_name()) else { return FileOfRun::Own };
        if own.to_str() == Some(name.as_str()) {
            return FileOfRun::Own;
        }
        let path = |name: &std::ffi::OsStr| plan.folder.join(name).canonicalize().ok();
        match (path(name.as_ref()), path(own)) {
            (None, _) => FileOfRun::Gone,
            (other, own) if other == own => FileOfRun::Own,
            _ => FileOfRun::Other,
        }
    }

    /// The name of the graph file that a run was of, where that is another one that is still there and names its graph as this
    /// one does. A file that was renamed is no other.
    pub(super) fn other_file<'m>(&self, manifest: &'m Manifest) -> Option<&'m str> {
        let (plan, name) = (&self.workspace.plan, manifest.file.as_deref()?);
        let own = plan.folder.join(plan.file.file_name()?);
        let other = plan.folder.join(name);
        let is_other = other.canonicalize().ok()? != own.canonicalize().ok()?;
        (is_other && names_graph(&std::fs::read_to_string(&other).ok()?, &plan.graph)).then_some(name)
    }

    /// Refuses to go on with a run of another graph file.
    pub(super) fn refuse_other_file(&self, manifest: &Manifest) -> Result<(), Mistake> {
        let Some(file) = self.other_file(manifest) else { return Ok(()) };
        let (run, plan) = (manifest.run, &self.workspace.plan);
        Err(Mistake(format!(
            "run {run} is of `{file}`, whose graph is called `{}` like that of `{}`: name that file for it, and give one of the \
             two graphs another name, or a state of its own with --state",
            plan.graph,
            plan.file.display(),
        )))
    }

    /// Whether a run of this id is of another graph file.
    ///
    /// # Errors
    /// The state store's own.
    pub(super) async fn is_of_other_file(&self, run: RunId) -> anyhow::Result<bool> {
        let manifest = self.workspace.state.manifest(run).await?;
        Ok(manifest.is_some_and(|manifest| self.other_file(&manifest).is_some()))
    }

    /// Refuses letters of runs of another graph file: what they stand for is another work.
    ///
    /// # Errors
    /// [`Mistake`] where there are some; the state store's own.
    pub async fn refuse_other_files(&self, letters: &[Letter]) -> anyhow::Result<()> {
        let runs: BTreeSet<RunId> = letters.iter().filter_map(|found| found.letter.run).collect();
        for run in runs {
            if let Some(manifest) = self.workspace.state.manifest(run).await?
                && let Err(refused) = self.refuse_other_file(&manifest)
            {
                bail!(refused);
            }
        }
        Ok(())
    }
}

/// Whether the text of a graph file gives its graph this name.
fn names_graph(text: &str, name: &str) -> bool {
    let named = text.lines().find_map(|line| line.strip_prefix("graph:"));
    let named = named.map(|named| named.split(" #").next().unwrap_or(named).trim().trim_matches(['"', '\'']));
    named == Some(name)
}

#[cfg(test)]
mod tests {
    use super::names_graph;

    #[test]
    fn the_name_of_a_graph_is_read_off_its_file() {
        for text in ["version: 1\ngraph: chain\n", "graph: \"chain\"  # ours\n", "graph:   'chain'\r\n"] {
            assert!(names_graph(text, "chain"), "{text}");
        }
        for text in ["graph: chains\n", "jobs:\n  graph: chain\n", ""] {
            assert!(!names_graph(text, "chain"), "{text}");
        }
    }
}
