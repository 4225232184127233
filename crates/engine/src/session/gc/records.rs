//! Records of runs that are long done. Those stay of which something is open or dead, and those of the newest run.

use std::time::Duration;

use euterpe_actors::ids::RunId;
use euterpe_actors::state::StateStore;

use super::{Garbage, GarbageKind};
use crate::clock::now;
use crate::session::Session;

/// Manifests with their entities and end records.
pub(super) async fn runs(session: &Session, age: Duration, dry_run: bool) -> Garbage {
    let mut found = Garbage::none(GarbageKind::Records);
    let state = &session.workspace.state;
    let (runs, all) = match (state.runs().await, state.known_runs().await) {
        (Ok(runs), Ok(all)) => (runs, all),
        (Err(error), _) | (_, Err(error)) => {
            found.problems.push(format!("the runs: {error}"));
            return found;
        }
    };
    let before = now().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    // `last` means the newest one, and the next one's id is made later than it.
    let newest = runs.last().copied();
    for run in all.into_iter().filter(|run| run.millis() <= before && Some(*run) != newest) {
        let removed = async {
            // Without a manifest it is what an earlier removal left.
            if runs.contains(&run) && !is_done(session, run).await? {
                return Ok(None);
            }
            remove(state, run, dry_run).await.map(Some)
        };
        match removed.await {
            Ok(Some(bytes)) => found.add(1, bytes),
            Ok(None) => {}
            Err(error) => found.problems.push(format!("run {run}: {error:#}")),
        }
    }
    found
}

/// Whether every entity of a run is done or skipped, as `runs check` finds it, and no dead letter is its own.
async fn is_done(session: &Session, run: RunId) -> anyhow::Result<bool> {
    let state = &session.workspace.state;
    if !state.has_all_entities(run).await? || state.has_letters(Some(run.into()), None).await? {
        return Ok(false);
    }
    match state.manifest(run).await? {
        None => return Ok(false),
        // The stores of this session cannot tell what became of it.
        Some(manifest) if session.has_other_stores(&manifest) => return Ok(false),
        Some(_) => {}
    }
    let account = session.check(run, false).await?;
    Ok(account.open == 0 && account.dead == 0 && account.unreadable_chunks == 0)
}

/// Removes the records, the manifest first: without it the rest speaks of no run. How many bytes they have.
async fn remove(state: &StateStore, run: RunId, dry_run: bool) -> anyhow::Result<u64> {
    let mut keys = state.keys(&format!("runs/{run}/")).await?;
    keys.sort_by_key(|key| !key.ends_with("/manifest.json"));
    let mut bytes = 0;
    for key in keys {
        bytes += state.storage().look(&key).await?.map_or(0, |info| info.size);
        if !dry_run {
            state.remove(&key).await?;
        }
    }
    Ok(bytes)
}
