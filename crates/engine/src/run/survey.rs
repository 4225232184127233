//! What exists already, known by listing: a thousand names for the price of one look-up each.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::freshness::Demand;
use euterpe_actors::ids::{EntityId, RunId, StoreName, decomposed_form};
use euterpe_actors::memory::{Fingerprint, ListedDates, Presence};
use euterpe_actors::message::Force;
use euterpe_actors::plan::{JobIx, NodePlan, Route};
use euterpe_actors::refresh::Refresh;
use euterpe_actors::state::RecipeHistories;
use euterpe_actors::storage::{Page, Stores};

use super::former::histories;
use super::ids::Ids;
use crate::workspace::Workspace;

/// The most objects whose presence a run or a node remembers; an entry takes at most 40 bytes.
pub const REMEMBERED: usize = 16 << 20;

/// What exists, as of `run`.
///
/// # Errors
/// A store that cannot be listed.
pub async fn known(workspace: &Workspace, run: RunId) -> anyhow::Result<Arc<Presence>> {
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    survey(&workspace.nodes, &workspace.stores, &presence, run, None).await?;
    Ok(presence)
}

/// What exists, as of `run`, and when it was written; where outputs are made anew whose inputs changed, also when the sources
/// came, unless the ids are few: then each is looked at. Sources that the ids come from are listed only once.
///
/// # Errors
/// A store that cannot be listed.
pub async fn dated(
    workspace: &Workspace,
    run: RunId,
    ids: &mut Ids,
    recipes: &RecipeHistories,
    refresh: Option<&Refresh>,
) -> anyhow::Result<Survey> {
    let nodes = &workspace.nodes;
    let refresh = refresh.unwrap_or_else(|| nodes.refresh());
    if refresh.is_never() {
        return Ok(Survey { presence: known(workspace, run).await?, dates: None });
    }
    let recipes = nodes.jobs.iter().map(|job| recipes.get(&job.name).cloned().unwrap_or_default()).collect();
    let list_sources = !ids.are_few() && !refresh.exact;
    let dates = ListedDates::up_to(REMEMBERED, list_sources).of(nodes).with_recipes(nodes, recipes, refresh);
    let dates = Arc::new(dates);
    let listed_later = ids.tell_dates(&dates);
    let sources = if list_sources { Some(&listed_later[..]) } else { None };
    listed(workspace, run, dates, sources).await
}

/// What exists, and when it was written and the sources came, for a run that nobody feeds any more: what came after it had
/// begun is not its own.
///
/// # Errors
/// A store that cannot be listed.
pub async fn dated_again(workspace: &Workspace, run: RunId, refresh: Option<&Refresh>) -> anyhow::Result<Survey> {
    let nodes = &workspace.nodes;
    let refresh = refresh.unwrap_or_else(|| nodes.refresh());
    if refresh.is_never() {
        return Ok(Survey { presence: known(workspace, run).await?, dates: None });
    }
    let (recipes, _) = histories(workspace).await?;
    let recipes = nodes.jobs.iter().map(|job| recipes.get(&job.name).cloned().unwrap_or_default()).collect();
    let dates = ListedDates::up_to(REMEMBERED, true).of(nodes).as_of(run.millis());
    listed(workspace, run, Arc::new(dates.with_recipes(nodes, recipes, refresh)), Some(&[])).await
}

/// Lists the outputs, and the sources, if they are wanted, but for those that are listed later.
async fn listed(
    workspace: &Workspace,
    run: RunId,
    dates: Arc<ListedDates>,
    listed_later: Option<&[(StoreName, String)]>,
) -> anyhow::Result<Survey> {
    let (nodes, stores) = (&workspace.nodes, &workspace.stores);
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    let outputs = survey(nodes, stores, &presence, run, Some(&dates));
    let sources = async {
        match listed_later {
            Some(listed_later) => list_sources(nodes, stores, &dates, listed_later).await,
            None => Ok(()),
        }
    };
    futures::future::try_join(outputs, sources).await?;
    Ok(Survey { presence, dates: Some(dates) })
}

/// What exists when a run begins.
pub struct Survey {
    /// The outputs.
    pub presence: Arc<Presence>,
    /// When they were written, and when the sources came; none where that does not matter.
    pub dates: Option<Arc<ListedDates>>,
}

/// Lists every source of the graph that is not `listed_later`, for the times at which they came.
///
/// # Errors
/// A store that cannot be listed.
pub async fn list_sources(
    plan: &NodePlan,
    stores: &Stores,
    dates: &ListedDates,
    listed_later: &[(StoreName, String)],
) -> anyhow::Result<()> {
    let mut places = BTreeSet::new();
    for input in plan.jobs.iter().flat_map(|job| &job.inputs) {
        if let Route::Source { store, key, .. } = &input.from {
            // Macs write the names of folders decomposed.
            places.insert((store.clone(), key.prefix().to_owned()));
            places.insert((store.clone(), decomposed_form(key.prefix()).into_owned()));
        }
    }
    let left = uncovered(&places).filter(|place| !listed_later.contains(place));
    let listings = left.map(|(name, prefix)| async move {
        let storage = stores.get(name);
        let learn = &mut |page: &Page| {
            page.iter().for_each(|listed| dates.learn_source(name, listed.path, listed.dates));
            true
        };
        let listed = storage.list_dated(prefix, learn).await;
        listed.with_context(|| format!("could not list the sources in store `{name}` ({})", storage.place()))
    });
    futures::future::try_join_all(listings).await?;
    Ok(())
}

/// The prefixes that no other one of the same store covers: those need no listing of their own.
fn uncovered(places: &BTreeSet<(StoreName, String)>) -> impl Iterator<Item = &(StoreName, String)> {
    let covered = |store: &StoreName, prefix: &str| {
        places
            .iter()
            .any(|(other, shorter)| other == store && shorter != prefix && prefix.starts_with(shorter.as_str()))
    };
    places.iter().filter(move |(store, prefix)| !covered(store, prefix))
}

/// Lists every output of the graph's jobs and remembers what is there, as of `run`, and when it was written where `dates` are
/// wanted.
///
/// # Errors
/// A store that cannot be listed.
pub async fn survey(
    plan: &NodePlan,
    stores: &Stores,
    presence: &Arc<Presence>,
    run: RunId,
    dates: Option<&ListedDates>,
) -> anyhow::Result<()> {
    let mut places = BTreeSet::new();
    for output in plan.jobs.iter().flat_map(|job| &job.outputs) {
        places.insert((output.store.clone(), output.key.prefix().to_owned()));
    }
    let listings = uncovered(&places).map(|(name, prefix)| async move {
        let storage = stores.get(name);
        let learn = &mut |page: &Page| {
            let outputs = page.iter().filter(|listed| listed.problem.is_none()).map(|listed| {
                let print = Fingerprint::of(name.as_str(), listed.path);
                presence.learn_fingerprint(print, run);
                (print, listed.dates)
            });
            match dates {
                Some(dates) => dates.learn_outputs(outputs),
                None => outputs.for_each(drop),
            }
            true
        };
        let listed = match dates {
            Some(_) => storage.list_dated(prefix, learn).await,
            None => storage.list(prefix, learn).await,
        };
        listed.with_context(|| format!("could not list what exists in store `{name}` ({})", storage.place()))
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
