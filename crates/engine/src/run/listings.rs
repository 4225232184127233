//! The sources of a graph whose names are the catalogue.

use euterpe_actors::ids::StoreName;
use euterpe_actors::plan::{JobIx, Route};

use super::ids::Listing;
use crate::workspace::Workspace;

/// The sources whose names are the catalogue, for a run that starts at `job`, or at the jobs that start the graph.
pub(crate) fn listings(workspace: &Workspace, job: Option<JobIx>) -> Vec<Listing> {
    let wanted: Vec<JobIx> = match job {
        None => workspace.nodes.job_indices().filter(|at| !workspace.nodes.has_same_parent(*at)).collect(),
        Some(at) => std::iter::once(at).chain(workspace.nodes.job(at).ancestors.iter().copied()).collect(),
    };
    let mut listings: Vec<(StoreName, Listing)> = Vec::new();
    for (at, number) in workspace.plan.listable().into_iter().filter(|(at, _)| wanted.contains(at)) {
        if let Route::Source { store, key, exts } = &workspace.nodes.job(at).inputs[number].from {
            let known = |(name, listing): &(StoreName, Listing)| name == store && listing.key == *key;
            if !listings.iter().any(known) {
                let storage = workspace.stores.get(store).clone();
                listings.push((store.clone(), Listing { storage, key: key.clone(), exts: exts.clone() }));
            }
        }
    }
    listings.into_iter().map(|(_, listing)| listing).collect()
}
