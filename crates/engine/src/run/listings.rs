//! The sources of a graph whose names are the catalogue.

use euterpe_actors::accounting::roots;
use euterpe_actors::ids::StoreName;
use euterpe_actors::plan::{JobIx, Route};
use euterpe_actors::state::Selection;

use super::listed_for::ListedFor;
use super::listing::Listing;
use crate::workspace::Workspace;

/// The sources whose names are the catalogue, for a run that starts at the selection's job, or at the jobs that start the
/// graph.
pub(crate) fn listings(workspace: &Workspace, selection: &Selection) -> Vec<Listing> {
    find(workspace, selection, false)
}

/// The same with the sources that an entity may lack.
pub(crate) fn all_listings(workspace: &Workspace, selection: &Selection) -> Vec<Listing> {
    find(workspace, selection, true)
}

fn find(workspace: &Workspace, selection: &Selection, with_optional: bool) -> Vec<Listing> {
    let job = selection.job.as_ref().and_then(|job| workspace.nodes.find(job.as_str()));
    let wanted: Vec<JobIx> = match job {
        None => roots(&workspace.nodes, selection),
        Some(at) => std::iter::once(at).chain(workspace.nodes.job(at).ancestors.iter().copied()).collect(),
    };
    let mut listings: Vec<(StoreName, Listing)> = Vec::new();
    let listable: Vec<(JobIx, usize)> =
        workspace.plan.listable().into_iter().filter(|(at, _)| wanted.contains(at)).collect();
    let is_optional = |(at, number): &(JobIx, usize)| {
        matches!(workspace.nodes.job(*at).inputs[*number].from, Route::Source { optional: true, .. })
    };
    // What an entity may lack says which entities there are only where nothing else does.
    let all_optional = listable.iter().all(is_optional);
    for (at, number) in listable.into_iter().filter(|one| with_optional || all_optional || !is_optional(one)) {
        if let Route::Source { store, key, exts, .. } = &workspace.nodes.job(at).inputs[number].from {
            let name = &workspace.nodes.job(at).inputs[number].name;
            let patterns = workspace.plan.jobs[at.0].patterns.get(name).cloned().unwrap_or_default();
            let known = |(name, listing): &(StoreName, Listing)| {
                name == store && listing.key == *key && listing.patterns == patterns
            };
            if let Some((_, listing)) = listings.iter_mut().find(|one| known(one)) {
                listing.jobs.add(at);
                if !listing.exts.contains(exts) {
                    listing.exts.push(exts.clone()); // each transform reads extensions of its own
                }
                continue;
            }
            let (storage, key, exts) = (workspace.stores.get(store).clone(), key.clone(), vec![exts.clone()]);
            let source = format!("{store}:{key} in {}", storage.place());
            let jobs = ListedFor::new(workspace.nodes.clone(), at, job.is_some());
            let (store, walk, held_back) = (store.clone(), None, None);
            let listing =
                Listing { storage, source, jobs, key, exts, patterns, names_passed: false, store, walk, held_back };
            listings.push((listing.store.clone(), listing));
        }
    }
    listings.into_iter().map(|(_, listing)| listing).collect()
}
