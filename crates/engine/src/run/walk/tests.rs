//! A catalogue far beyond its memory: what is remembered stays within bounds, and only what is not as it should be is looked at.

use std::sync::Arc;

use euterpe_actors::ids::StoreName;
use euterpe_actors::memory::Presence;
use euterpe_actors::storage::Storage;
use euterpe_graph_file::{Surroundings, check_text};
use euterpe_testkit::made_up::{MadeUp, MadeUpStorage};

use super::{Bounds, Walk};
use crate::clock::now;
use crate::run::survey::list_outputs;
use crate::{Access, Engine, ForceNames, IdsFrom, Opening, RunRequest, Session, Unwatched, builtin};

const MANY: u64 = 20_000;

const GRAPH: &str = r#"
version: 1
graph: g
stores: {src: ./src, out: ./out}
jobs:
  a: {use: json.merge, in: {x: "src:{id}.json"}, out: "out:a/{id}.json"}
  b: {use: json.merge, in: {x: a}, out: "out:b/{id}.json"}
"#;

/// Sources, and what was made of them in this order: `a`, `b`.
const SOURCE: MadeUp = MadeUp { before: "t-", behind: ".json", many: MANY, lacks: |_| false, written: 1_000 };
const A: MadeUp = MadeUp { before: "a/t-", written: 2_000, ..SOURCE };
const B: MadeUp = MadeUp { before: "b/t-", written: 3_000, ..SOURCE };

/// Everything is there but `b` of every thousandth; each ten-thousandth source came last.
fn session(folder: &std::path::Path, memory: u64) -> (Session, [Arc<MadeUpStorage>; 2]) {
    let source = MadeUp { lacks: |n| n % 10_000 == 3, ..SOURCE };
    let late = MadeUp { lacks: |n| n % 10_000 != 3, written: 9_000, ..SOURCE };
    let b = MadeUp { lacks: |n| n % 1000 == 7, ..B };
    session_over(folder, memory, [vec![source, late], vec![A, b]])
}

/// Over these sources and these outputs.
fn session_over(folder: &std::path::Path, memory: u64, kinds: [Vec<MadeUp>; 2]) -> (Session, [Arc<MadeUpStorage>; 2]) {
    let stores = kinds.map(|kinds| Arc::new(MadeUpStorage::of(kinds)));
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
fn what_was_looked_at_and_found_good_is_not_looked_at_again_until_something_newer_comes() {
    for memory in [1 << 20, 1 << 30] {
        let folder = tempfile::tempdir().expect("a folder");
        // The sources of 500 came after what was made of them.
        let [source, late] =
            [(|n| n % 40 == 3) as fn(u64) -> bool, |n| n % 40 != 3].map(|lacks| MadeUp { lacks, ..SOURCE });
        let looks_of_a_run = |late: Vec<MadeUp>| {
            let sources = std::iter::once(source).chain(late).collect();
            let (session, stores) = session_over(folder.path(), memory, [sources, vec![A, B]]);
            actix::System::new().block_on(async {
                let selection = session.selection(None, false, None, &ForceNames::None, false).expect("a selection");
                let ids = session.ids(&selection, IdsFrom::Sources).expect("ids");
                let request = RunRequest { selection, ids, limit: None, max_dead: None, over: None };
                let ran = session.run(request, &Unwatched).await.expect("it ran");
                let tally = ran.ended.tally.jobs.iter().map(|job| (job.done, job.exists));
                assert!(tally.eq([(0, MANY), (0, MANY)]), "{:?}", ran.ended.tally.jobs);
            });
            stores.iter().map(|store| store.looks()).sum::<u64>()
        };
        let came = |written: u64| vec![MadeUp { written, ..late }];
        let first = looks_of_a_run(came(9_000));
        assert!(first >= 1000, "{first} looks with {memory} bytes");
        assert_eq!(looks_of_a_run(came(9_000)), 0, "looks at what is known to be good, with {memory} bytes");
        // Of one the source is replaced once more.
        let again = vec![
            MadeUp { lacks: |n| n % 40 != 3 || n == 43, written: 9_000, ..SOURCE },
            MadeUp { lacks: |n| n != 43, written: 9_001, ..SOURCE },
        ];
        let looks = looks_of_a_run(again);
        assert!((1..=10).contains(&looks), "{looks} looks with {memory} bytes");
        // What came a moment ago may have come after the look.
        let looks = [(); 2].map(|()| looks_of_a_run(came(now() * 1_000_000)));
        assert!(looks[1] >= 1000, "{looks:?} looks with {memory} bytes");
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
