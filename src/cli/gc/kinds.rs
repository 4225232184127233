//! What dead processes leave behind: private folders, uploads in parts, temporary files, claims.

use std::time::Duration;

use super::Found;
use euterpe_engine::assembly::Opened;
use euterpe_graph_file::plan::Location;
use euterpe_processes::leftovers;
use euterpe_storage::local::{LocalSettings, LocalStorage, sweep_claims};

/// Private folders, downloads and caches. Of a process of this machine it is known whether it lives; of others, and of
/// folders that are nobody's, only how long nothing was written there.
pub(super) fn scratch(opened: &Opened, age: Duration, dry_run: bool) -> Found {
    let mut found = Found::none("scratch of dead processes");
    let left = match leftovers(&opened.here) {
        Ok(left) => left,
        Err(error) => {
            found.problems.push(format!("what processes left in {}: {error}", opened.here.display()));
            return found;
        }
    };
    for left in left {
        let (bytes, unchanged) = left.size_and_age();
        if !left.of_this_machine && unchanged < age {
            continue;
        }
        let place = left.path().display().to_string();
        match if dry_run { Ok(()) } else { left.remove() } {
            Ok(()) => found.add(1, bytes),
            Err(error) => found.problems.push(format!("{place}: {error}")),
        }
    }
    found
}

/// Uploads in parts that nobody completes, below the stores that the graph writes to.
pub(super) async fn uploads(opened: &Opened, age: Duration, dry_run: bool) -> Found {
    let mut found = Found::none("unfinished uploads");
    for (name, bucket) in &opened.buckets {
        match bucket.orphans(age, dry_run).await {
            Ok(swept) => found.add(swept.files, swept.bytes),
            Err(error) => found.problems.push(format!("store `{name}`: {error}")),
        }
    }
    found
}

/// Temporary files of writers that died, in the folders that the graph writes to and in its own.
pub(super) async fn temporary(opened: &Opened, age: Duration, dry_run: bool) -> Found {
    let mut found = Found::none("temporary files");
    let written =
        opened.plan.stores.iter().filter(|store| {
            opened.plan.jobs.iter().any(|job| job.outputs.iter().any(|output| output.store == store.name))
        });
    let stores = written.filter_map(|store| match &store.location {
        Location::Folder { path, .. } => Some(path.clone()),
        Location::S3 { .. } => None,
    });
    for folder in stores.chain([opened.here.clone()]).filter(|folder| folder.is_dir()) {
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
pub(super) async fn claims(opened: &Opened, age: Duration, dry_run: bool) -> Found {
    let mut found = Found::none("claims of dead nodes");
    let swept = match &opened.state_bucket {
        Some(bucket) => bucket.sweep_leases(age, dry_run).await,
        None => sweep_claims(&opened.here, age, dry_run),
    };
    match swept {
        Ok(swept) => found.add(swept.files, swept.bytes),
        Err(error) => found.problems.push(error.to_string()),
    }
    found
}
