//! What exists already, known by listing: a thousand names for the price of one look-up each.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use euterpe_actors::freshness::Demand;
use euterpe_actors::ids::{EntityId, RunId, StoreName, decomposed_form};
use euterpe_actors::memory::{ConfirmedOutputs, ListedDates, Presence};
use euterpe_actors::message::Force;
use euterpe_actors::plan::{JobIx, NodePlan, Route};
use euterpe_actors::refresh::Refresh;
use euterpe_actors::state::RecipeHistories;
use euterpe_actors::storage::{Page, Stores};

use super::former::{histories, in_order};
use super::ids::Ids;
use super::walk::{Bounds, Walk};
use crate::workspace::Workspace;

/// The most objects whose presence a node remembers, and whoever else does not go through a catalogue; an entry takes at most 40
/// bytes, and 57 more with its time.
pub const REMEMBERED: usize = 16 << 20;

/// What exists when a run begins.
pub struct Survey {
    /// The outputs.
    pub presence: Arc<Presence>,
    /// When they were written, and when the sources came; none where that does not matter.
    pub dates: Option<Arc<ListedDates>>,
    /// In what order entities are decided on, where not all of this fits into memory.
    pub walk: Arc<Walk>,
}

/// What exists, as of `run`.
///
/// # Errors
/// A store that cannot be listed.
pub async fn known(workspace: &Workspace, run: RunId) -> anyhow::Result<Survey> {
    let (nodes, bounds) = (&workspace.nodes, Bounds::of(workspace.memory));
    let presence = Arc::new(Presence::up_to(bounds.remembered()));
    let walk = Walk::bounded(nodes, presence.clone(), None, run, bounds, workspace.walk_folder());
    list_outputs(nodes, &workspace.stores, &walk).await?;
    Ok(Survey { presence, dates: None, walk: Arc::new(walk) })
}

/// What exists, as of `run`, for works that come in no order: as much of it as there is memory for.
///
/// # Errors
/// A store that cannot be listed.
pub async fn known_in_memory(workspace: &Workspace, run: RunId) -> anyhow::Result<Arc<Presence>> {
    let presence = Arc::new(Presence::up_to(Bounds::of(workspace.memory).remembered()));
    let walk = Walk::in_memory(&workspace.nodes, presence.clone(), None, run);
    list_outputs(&workspace.nodes, &workspace.stores, &walk).await?;
    Ok(presence)
}

/// What exists, as of `run`, and when it was written; where outputs are made anew whose inputs changed, also when the sources
/// came, unless the ids are few: then each is looked at. The sources that the first ids come from are listed only once.
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
    let are_few = ids.are_few();
    let list_sources = !are_few && !refresh.exact;
    let bounds = Bounds::of(workspace.memory);
    let presence = Arc::new(Presence::up_to(if are_few { REMEMBERED } else { bounds.remembered() }));
    let dates = match refresh.is_never() {
        true => None,
        false => {
            let most = if are_few { REMEMBERED } else { usize::MAX };
            let dates = ListedDates::up_to(most, list_sources).of(nodes);
            let dates = dates.with_recipes(nodes, in_order(nodes, recipes), refresh);
            let confirmed = match list_sources {
                true => workspace
                    .state
                    .confirmed(bounds.confirmed)
                    .await
                    .context("could not read what is known to be good")?,
                false => ConfirmedOutputs::default(), // each is looked at
            };
            Some(Arc::new(dates.with_confirmed(confirmed)))
        }
    };
    let walk = Arc::new(match are_few {
        true => Walk::in_memory(nodes, presence.clone(), dates.clone(), run),
        false => Walk::bounded(nodes, presence.clone(), dates.clone(), run, bounds, workspace.walk_folder()),
    });
    ids.tell(&walk);
    let listed_later = (list_sources && dates.is_some()).then(|| ids.first_places());
    list(workspace, &walk, listed_later.as_deref()).await?;
    Ok(Survey { presence, dates, walk })
}

/// What exists, and when it was written and the sources came, for a run that nobody feeds any more: what came after it had
/// begun is not its own.
///
/// # Errors
/// A store that cannot be listed.
pub async fn dated_again(workspace: &Workspace, run: RunId, refresh: Option<&Refresh>) -> anyhow::Result<Survey> {
    let (nodes, bounds) = (&workspace.nodes, Bounds::of(workspace.memory));
    let presence = Arc::new(Presence::up_to(bounds.remembered()));
    let refresh = refresh.unwrap_or_else(|| nodes.refresh());
    let recipes = in_order(nodes, &histories(workspace).await?.0);
    let dates = ListedDates::up_to(usize::MAX, true).of(nodes).as_of(run.millis());
    let dates = (!refresh.is_never()).then(|| Arc::new(dates.with_recipes(nodes, recipes, refresh)));
    let walk = Walk::bounded(nodes, presence.clone(), dates.clone(), run, bounds, workspace.walk_folder());
    let walk = Arc::new(walk);
    list(workspace, &walk, dates.is_some().then_some(&[])).await?;
    Ok(Survey { presence, dates, walk })
}

/// Lists the outputs, and the sources, if they are wanted, but for those that are listed later.
async fn list(workspace: &Workspace, walk: &Walk, listed_later: Option<&[(StoreName, String)]>) -> anyhow::Result<()> {
    let (nodes, stores) = (&workspace.nodes, &workspace.stores);
    let outputs = list_outputs(nodes, stores, walk);
    let sources = async {
        match listed_later {
            Some(listed_later) => list_sources(nodes, stores, walk, listed_later).await,
            None => Ok(()),
        }
    };
    futures::future::try_join(outputs, sources).await?;
    Ok(())
}

/// Lists every source of the graph that is not `listed_later`, for the times at which they came.
///
/// # Errors
/// A store that cannot be listed.
pub async fn list_sources(
    plan: &NodePlan,
    stores: &Stores,
    walk: &Walk,
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
        let learn = &mut |page: &Page| page.iter().all(|listed| walk.learn_source(name, listed.path, listed.dates));
        let listed = storage.list_dated(prefix, learn).await;
        listed.with_context(|| format!("could not list the sources in store `{name}` ({})", storage.place()))?;
        walk.check()
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

/// Lists every output of the graph's jobs.
///
/// # Errors
/// A store that cannot be listed.
pub async fn list_outputs(plan: &NodePlan, stores: &Stores, walk: &Walk) -> anyhow::Result<()> {
    let mut places = BTreeSet::new();
    for output in plan.jobs.iter().flat_map(|job| &job.outputs) {
        places.insert((output.store.clone(), output.key.prefix().to_owned()));
    }
    let listings = uncovered(&places).map(|(name, prefix)| async move {
        let storage = stores.get(name);
        let learn = &mut |page: &Page| walk.learn_outputs(name, page);
        let listed = match walk.is_dated() {
            true => storage.list_dated(prefix, learn).await,
            false => storage.list(prefix, learn).await,
        };
        listed.with_context(|| format!("could not list what exists in store `{name}` ({})", storage.place()))?;
        walk.check()
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
