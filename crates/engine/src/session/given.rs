//! The stores that a run was given instead of those of its graph file: remembered with the run, and what follows from them.

use std::collections::BTreeMap;

use euterpe_actors::ids::RunId;
use euterpe_actors::state::{Manifest, StateStore};
use euterpe_graph_file::plan::Store;
use euterpe_graph_file::{Plan, show};
use serde_json::Value;

use super::{Engine, Session};
use crate::workspace::{Opening, open_state};

/// The run whose stores are meant, and those of them that its graph file did not name so.
pub type GivenStores = (RunId, BTreeMap<String, String>);

impl Engine {
    /// The stores that the run was given that `run` means (its id or the unique start of one), or the newest run where that is
    /// none; nothing where there is no such run, or where it was given none.
    ///
    /// # Errors
    /// A state that cannot be read.
    pub async fn given_stores(
        plan: &Plan,
        opening: &Opening,
        run: Option<&str>,
    ) -> anyhow::Result<Option<GivenStores>> {
        let state = open_state(plan, opening)?;
        let runs = state.runs().await?;
        let meant = |known: &&RunId| match run {
            None | Some("last" | "inbox") => true,
            Some(start) => known.to_string().starts_with(start),
        };
        let Some(run) = runs.iter().rev().find(meant) else { return Ok(None) };
        let given = given_to(&state, *run).await?;
        Ok((!given.is_empty()).then_some((*run, given)))
    }
}

async fn given_to(state: &StateStore, run: RunId) -> anyhow::Result<BTreeMap<String, String>> {
    Ok(state.manifest(run).await?.map(|manifest| manifest.given).unwrap_or_default())
}

impl Session {
    /// Whether a run worked with other stores than this session because of flags: two collections in one state. What a graph
    /// file said before and says otherwise now is no such thing.
    pub(in crate::session) fn has_other_stores(&self, manifest: &Manifest) -> bool {
        let now = show::effective(&self.workspace.plan);
        self.other_stores(manifest, &now).next().is_some()
    }

    /// Those stores. `now` is what this session works with.
    fn other_stores<'a>(&'a self, manifest: &'a Manifest, now: &'a Value) -> impl Iterator<Item = &'a Store> {
        self.workspace.plan.stores.iter().filter(move |store| {
            let name = store.name.as_str();
            let (then, now) = (&manifest.resolved["stores"][name]["url"], &now["stores"][name]["url"]);
            (store.is_given() || manifest.given.contains_key(name)) && !then.is_null() && then != now
        })
    }

    /// The manifest of a run that goes on with the stores of this session: of those that differ because of flags, and of nothing
    /// else, the record changes.
    pub(super) fn moved_here(&self, manifest: &Manifest) -> Manifest {
        let (mut moved, now) = (manifest.clone(), show::effective(&self.workspace.plan));
        for store in self.other_stores(manifest, &now) {
            let name = store.name.as_str();
            moved.resolved["stores"][name] = now["stores"][name].clone();
            match store.is_given() {
                true => moved.given.insert(name.to_owned(), store.location.text()),
                false => moved.given.remove(name),
            };
        }
        moved
    }

    /// Whether a run of this id worked with other stores; not so where nothing is known of it.
    ///
    /// # Errors
    /// The state store's own.
    pub(super) async fn is_of_other_stores(&self, run: RunId) -> anyhow::Result<bool> {
        let manifest = self.workspace.state.manifest(run).await?;
        Ok(manifest.is_some_and(|manifest| self.has_other_stores(&manifest)))
    }
}
