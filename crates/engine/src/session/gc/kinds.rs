//! What dead processes leave behind: private folders, uploads in parts, temporary files, claims.

use std::time::Duration;

use super::Garbage;
use super::GarbageKind::{Claims, Scratch, TemporaryFiles, Uploads};
use crate::workspace::{Workspace, sweep_half_written};
use euterpe_graph_file::plan::Location;
use euterpe_processes::{Leftover, leftovers};
use euterpe_storage::local::{LocalSettings, LocalStorage, sweep_claims};

/// Private folders, downloads and caches. Of a process of this machine it is known whether it lives; of others, and of
/// folders that are nobody's, only how long nothing was written there.
pub(super) fn scratch(workspace: &Workspace, age: Duration, dry_run: bool) -> Garbage {
    let mut found = Garbage::none(Scratch);
    let left = match leftovers(&workspace.here) {
        Ok(left) => left,
        Err(error) => {
            found.problems.push(format!("what processes left in {}: {error}", workspace.here.display()));
            return found;
        }
    };
    for left in left {
        let place = left.path().display().to_string();
        // Only of a process of this machine is it known whether it lives.
        let is_old = left.of_this_machine
            || match left.age() {
                Ok(unchanged) => unchanged >= age,
                Err(error) => {
                    found.problems.push(format!("how old {place} is: {error}"));
                    continue;
                }
            };
        if !is_old {
            continue;
        }
        let bytes = left.bytes();
        let remove = |left: Leftover| sweep_half_written(&left).and_then(|()| left.remove());
        match if dry_run { Ok(()) } else { remove(left) } {
            Ok(()) => found.add(1, bytes),
            Err(error) => found.problems.push(format!("{place}: {error}")),
        }
    }
    found
}

/// Uploads in parts that nobody completes, below the stores that the graph writes to.
pub(super) async fn uploads(workspace: &Workspace, age: Duration, dry_run: bool) -> Garbage {
    let mut found = Garbage::none(Uploads);
    for (name, bucket) in &workspace.buckets {
        match bucket.orphans(age, dry_run).await {
            Ok(swept) => found.add(swept.files, swept.bytes),
            Err(error) => found.problems.push(format!("store `{name}`: {error}")),
        }
    }
    found
}

/// Temporary files of writers that died, in the folders that the graph writes to and in its own.
pub(super) async fn temporary(workspace: &Workspace, age: Duration, dry_run: bool) -> Garbage {
    let mut found = Garbage::none(TemporaryFiles);
    let written = workspace.plan.stores.iter().filter(|store| {
        workspace.plan.jobs.iter().any(|job| job.outputs.iter().any(|output| output.store == store.name))
    });
    let stores = written.filter_map(|store| match &store.location {
        Location::Folder { path, .. } => Some(path.clone()),
        Location::S3 { .. } => None,
    });
    for folder in stores.chain([workspace.here.clone()]).filter(|folder| folder.is_dir()) {
        let swept = match LocalStorage::open(&folder, LocalSettings::default()) {
            Ok(store) => store.sweep(age, dry_run).await,
            Err(error) => Err(error),
        };
        match swept {
            Ok(swept) => found.add(swept.files, swept.bytes),
            Err(error) => found.problems.push(format!("{}: {error}", folder.display())),
        }
    }
    found
}

/// Claims of nodes that died, to works that nobody wanted since.
pub(super) async fn claims(workspace: &Workspace, age: Duration, dry_run: bool) -> Garbage {
    let mut found = Garbage::none(Claims);
    let swept = match &workspace.state_bucket {
        Some(bucket) => bucket.sweep_leases(age, dry_run).await,
        None => sweep_claims(&workspace.here, age, dry_run),
    };
    match swept {
        Ok(swept) => found.add(swept.files, swept.bytes),
        Err(error) => found.problems.push(error.to_string()),
    }
    found
}
