//! What exists already, known by listing: a thousand names for the price of one look-up each.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::freshness::Demand;
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::memory::{Fingerprint, Presence};
use euterpe_actors::message::Force;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::storage::Stores;

use crate::workspace::Workspace;

/// The most objects whose presence a run or a node remembers; an entry takes at most 40 bytes.
pub const REMEMBERED: usize = 16 << 20;

/// What exists, as of `run`.
///
/// # Errors
/// A store that cannot be listed.
pub async fn known(workspace: &Workspace, run: RunId) -> anyhow::Result<Arc<Presence>> {
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    survey(&workspace.nodes, &workspace.stores, &presence, run).await?;
    Ok(presence)
}

/// Lists every output of the graph's jobs and remembers what is there, as of `run`.
///
/// # Errors
/// A store that cannot be listed.
pub async fn survey(plan: &NodePlan, stores: &Stores, presence: &Arc<Presence>, run: RunId) -> anyhow::Result<()> {
    let mut places = BTreeSet::new();
    for output in plan.jobs.iter().flat_map(|job| &job.outputs) {
        places.insert((output.store.clone(), output.key.prefix().to_owned()));
    }
    // A prefix that another one of the same store covers needs no listing of its own.
    let covered = |store: &_, prefix: &str| {
        places
            .iter()
            .any(|(other, shorter)| other == store && shorter != prefix && prefix.starts_with(shorter.as_str()))
    };
    let listings = places.iter().filter(|(store, prefix)| !covered(store, prefix)).map(|(name, prefix)| async move {
        let storage = stores.get(name);
        storage
            .list(prefix, &mut |page| {
                for listed in page.iter().filter(|listed| listed.problem.is_none()) {
                    presence.learn_fingerprint(Fingerprint::of(name.as_str(), listed.path), run);
                }
                true
            })
            .await
            .with_context(|| format!("could not list what exists in store `{name}` ({})", storage.place()))
    });
    futures::future::try_join_all(listings).await?;
    Ok(())
}

/// Whether the survey showed all outputs of every one of `required` for an entity, and nothing is forced there.
pub fn is_finished(
    plan: &NodePlan,
    presence: &Presence,
    required: &[JobIx],
    entity: &EntityId,
    force: &Force,
    run: RunId,
) -> bool {
    required.iter().all(|at| {
        let job = plan.job(*at);
        let Some(parts) = job.form.split(entity) else { return false };
        Demand::new(plan, *at, force, run, 0).is_presence()
            && job.outputs.iter().all(|output| presence.knows(&output.key_of(&parts), run))
    })
}
