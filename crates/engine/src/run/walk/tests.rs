//! A catalogue far beyond its memory: what is remembered stays within bounds, and only what is not as it should be is looked at.

use std::sync::Arc;

use euterpe_actors::ids::StoreName;
use euterpe_actors::memory::Presence;
use euterpe_actors::storage::Storage;
use euterpe_graph_file::{Surroundings, check_text};
use euterpe_testkit::made_up::{MadeUp, MadeUpStorage};

use super::{Bounds, Walk};
use crate::run::survey::list_outputs;
use crate::{Access, Engine, ForceNames, IdsFrom, Opening, Session, builtin};

const MANY: u64 = 20_000;

const GRAPH: &str = r#"
version: 1
graph: g
stores: {src: ./src, out: ./out}
jobs:
  a: {use: json.merge, in: {x: "src:{id}.json"}, out: "out:a/{id}.json"}
  b: {use: json.merge, in: {x: a}, out: "out:b/{id}.json"}
"#;

/// Everything is there but `b` of every thousandth; each ten-thousandth source came last.
fn session(folder: &std::path::Path, memory: u64) -> (Session, [Arc<MadeUpStorage>; 2]) {
    let source = MadeUp { before: "t-", behind: ".json", many: MANY, lacks: |n| n % 10_000 == 3, written: 1_000 };
    let late = MadeUp { lacks: |n| n % 10_000 != 3, written: 9_000, ..source };
    let a = MadeUp { before: "a/t-", lacks: |_| false, written: 2_000, ..source };
    let b = MadeUp { before: "b/t-", lacks: |n| n % 1000 == 7, written: 3_000, ..source };
    let stores = [vec![source, late], vec![a, b]].map(|kinds| Arc::new(MadeUpStorage::of(kinds)));
    let registry = builtin::registry();
    let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
    let plan = check_text(GRAPH, &folder.join("graph.yaml"), surroundings).expect("a graph");
    let named = |name: &str, store: &Arc<MadeUpStorage>| {
        (StoreName::new(name).expect("a name"), store.clone() as Arc<dyn Storage>)
    };
    let given = vec![named("src", &stores[0]), named("out", &stores[1])];
    let opening = Opening { access: Access::Hold, stores: given, memory: Some(memory), ..Opening::default() };
    (Engine::open(plan, &registry, &opening).expect("opened"), stores)
}

#[test]
fn only_what_lacks_something_or_may_be_out_of_date_is_looked_at() {
    for memory in [1 << 10, 1 << 20, 1 << 30] {
        let folder = tempfile::tempdir().expect("a folder");
        let (session, stores) = session(folder.path(), memory);
        actix::System::new().block_on(async {
            let selection = session.selection(None, false, None, &ForceNames::None, false).expect("a selection");
            let ids = session.ids(&selection, IdsFrom::Sources).expect("ids");
            let forecast = session.plan(selection, ids, None).await.expect("planned");
            assert_eq!((forecast.entities, forecast.unfinished), (MANY, 20), "{memory}");
        });
        // 20 that lack an output and 2 whose source came last: a few looks each.
        let looks: u64 = stores.iter().map(|store| store.looks()).sum();
        assert!(looks < 300, "{looks} looks with {memory} bytes");
    }
}

#[test]
fn what_is_remembered_stays_within_its_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let (session, _) = session(folder.path(), 1 << 30);
    let workspace = session.workspace();
    let bounds = Bounds { outputs: 5000, part: 1000, ..Bounds::default() };
    let presence = Arc::new(Presence::up_to(bounds.remembered()));
    let run = euterpe_actors::ids::RunId::NEVER;
    let walk = Walk::bounded(&workspace.nodes, presence.clone(), None, run, bounds, folder.path().to_owned());
    actix::System::new().block_on(list_outputs(&workspace.nodes, &workspace.stores, &walk)).expect("listed");
    assert!(walk.goes_by_parts() && presence.len() <= bounds.outputs, "{} outputs", presence.len());
    let parts = walk.parts();
    assert!(parts.len() > 30 && parts.iter().map(ExactSizeIterator::len).sum::<usize>() == super::PARTS, "{parts:?}");
}
