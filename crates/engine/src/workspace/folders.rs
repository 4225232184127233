//! The folders of a graph on this machine, and the home of this process in them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use euterpe_graph_file::Plan;
use euterpe_graph_file::plan::Location;
use euterpe_processes::{Leftover, ProcessFolder, remove_leftovers};
use euterpe_storage::local::sweep_journal;
use tempfile::TempDir;

use super::opening::{Access, Opening, STATE_FOLDER};
use crate::clock::salt;

/// A home for this process, after what dead ones left is gone: their homes, and what they were writing anywhere.
pub(super) fn own_home(here: &Path) -> anyhow::Result<ProcessFolder> {
    remove_leftovers(here, sweep_half_written);
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

/// Removes what a dead process of this machine was writing when it died.
///
/// The journal of another machine names its own paths, under which there may be another's files here. What its processes left
/// is found by its age.
pub(crate) fn sweep_half_written(left: &Leftover) -> std::io::Result<()> {
    let Some(journal) = left.lock().filter(|_| left.of_this_machine) else { return Ok(()) };
    let swept = sweep_journal(journal)?;
    if swept.files > 0 {
        tracing::info!(files = swept.files, bytes = swept.bytes, "removed what a dead process had half written");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use euterpe_actors::storage::{Content, Storage};
    use euterpe_processes::leftovers;
    use euterpe_storage::local::{Journal, LocalSettings, LocalStorage};

    use super::*;

    /// The names below the folder of locks of a dead process here, and of one elsewhere.
    fn names(state: &Path) -> [String; 2] {
        let own = ProcessFolder::take(state, 7).expect("taken");
        let name = own.lock().file_name().expect("a name").to_string_lossy().into_owned();
        let elsewhere = name.replacen("home-", "home-elsewhere.", 1);
        [name, elsewhere]
    }

    #[tokio::test]
    async fn what_a_journal_names_is_removed_for_dead_processes_of_this_machine_only() {
        let around = tempfile::tempdir().expect("a folder");
        let (state, out) = (around.path().join("state"), around.path().join("out"));
        fs::create_dir(&out).expect("made");
        for (name, is_own) in names(&state).into_iter().zip([true, false]) {
            let lock = state.join("alive").join(&name);
            fs::write(&lock, "").expect("written");
            let store = LocalStorage::open(&out, LocalSettings::default()).expect("opened");
            let store = store.with_journal(Journal::at(&lock));
            store.store("t-1", Content::Bytes("x".into()), None).await.expect("stored");
            // The file that the journal names is there again, as where its writer was killed.
            let noted = fs::read(&lock).expect("read");
            let path = String::from_utf8_lossy(noted.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned();
            fs::write(&path, "half").expect("written");
            let left = leftovers(&state).expect("read");
            assert_eq!(left.len(), 1);
            sweep_half_written(&left[0]).expect("swept");
            assert_eq!(Path::new(&path).exists(), !is_own, "{name}");
            drop(left);
            fs::remove_file(lock).expect("removed");
        }
    }
}
