//! What a run that lists its stores before it begins knows of them: what is there, and which of it may be out of date.

use std::{fmt, sync::Arc};

use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::memory::{Fingerprint, Glance, ListedDates, Presence};
use euterpe_actors::message::Refresh;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::storage::{Page, Storage, memory::MemoryStorage};
use futures::FutureExt;

use super::graph;

/// What the stores hold as a run begins.
#[derive(Clone)]
pub(super) struct Listing {
    pub(super) presence: Arc<Presence>,
    pub(super) dates: Arc<ListedDates>,
}

impl Listing {
    /// Lists the store of the sources and that of the outputs for a run that makes `refresh` anew.
    pub(super) fn of(stores: [&MemoryStorage; 2], plan: &NodePlan, run: RunId, refresh: &Refresh) -> Self {
        let presence = Arc::new(Presence::up_to(10_000));
        let dates = ListedDates::up_to(10_000, !refresh.exact).of(plan);
        let dates = Arc::new(dates.with_recipes(plan, Vec::new(), refresh));
        let [sources, outputs] = [graph::SOURCES, graph::OUTPUTS].map(graph::store);
        let mut learn_outputs = |page: &Page| {
            dates.learn_outputs(page.iter().map(|listed| {
                let print = Fingerprint::of(outputs.as_str(), listed.path);
                presence.learn_fingerprint(print, run);
                (print, listed.dates)
            }));
            true
        };
        let mut learn_sources = |page: &Page| {
            page.iter().for_each(|listed| dates.learn_source(&sources, listed.path, listed.dates));
            true
        };
        let listed = [stores[0].list("", &mut learn_sources), stores[1].list("", &mut learn_outputs)];
        for listed in listed.map(FutureExt::now_or_never) {
            listed.expect("a store in memory answers at once").expect("it lists");
        }
        dates.begins_as_of(run);
        Self { presence, dates }
    }

    /// Whether the times alone tell that all is there and up to date that these jobs make of an entity. Such a one is not sent.
    pub(super) fn is_finished(&self, plan: &NodePlan, jobs: &[JobIx], entity: &EntityId) -> bool {
        self.dates.forget_doubtful(plan, &self.presence, jobs, entity) == Glance::UpToDate
    }
}

impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listing")
    }
}
