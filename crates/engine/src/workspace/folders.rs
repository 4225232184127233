//! The folders of a graph on this machine, and the home of this process in them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Location;
use euterpe_processes::{ProcessFolder, remove_leftovers};
use tempfile::TempDir;

use super::opening::{Access, Opening, STATE_FOLDER};
use crate::clock::salt;

/// A home for this process, after what dead ones left is gone.
pub(super) fn own_home(here: &Path) -> anyhow::Result<ProcessFolder> {
    remove_leftovers(here);
    let place = || format!("{} cannot be used; name another folder with --state", here.display());
    ProcessFolder::take(here, salt()).with_context(place)
}

/// The folder for what must be on this machine: the state's, if that is one; else beside the graph file, or where nobody
/// may write there one of this process alone, which goes with the value that comes with it.
pub(super) fn local_folder(plan: &Plan, opening: &Opening) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    let beside = plan.folder.join(STATE_FOLDER);
    match &opening.state {
        None => return Ok((beside, None)),
        Some(Location::Folder { path, .. }) => return Ok((path.clone(), None)),
        Some(Location::S3 { .. }) if opening.access == Access::Look => return Ok((beside, None)),
        Some(Location::S3 { .. }) => {}
    }
    let may_write = std::fs::create_dir_all(beside.join(&plan.graph))
        .and_then(|()| tempfile::tempfile_in(beside.join(&plan.graph)).map(drop));
    match may_write {
        Ok(()) => Ok((beside, None)),
        Err(error) => {
            tracing::info!(folder = %beside.display(), %error, "no room beside the graph file; a temporary folder is used");
            let own = tempfile::Builder::new().prefix("euterpe-").tempdir();
            let own = own.context("no folder for what must be on this machine; set TMPDIR to one")?;
            Ok((own.path().to_owned(), Some(own)))
        }
    }
}
