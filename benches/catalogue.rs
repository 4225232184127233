//! A catalogue that does not fit into memory: what `plan` and `run` take to find the 1 in 1,000 entities that lack one of their
//! five outputs, in a store that makes up its listing. CPU for each object, what the listing alone takes of it, and the peak
//! of memory, for a catalogue and for a tenth of it.
//!
//! `EUTERPE_ENTITIES` sets the number of entities (default 1,000,000; the figures of the documentation are for 10,000,000),
//! `EUTERPE_MEMORY` what `--memory` gives (default: as much of 256 MiB as there is of 10,000,000 entities, at least 16 MiB).

#[allow(dead_code)] // it uses no more than the CPU
mod support;

use std::env;
use std::process::Command;
use std::sync::Arc;

use euterpe_actors::ids::StoreName;
use euterpe_actors::storage::Storage;
use euterpe_engine::{Access, Engine, ForceNames, IdsFrom, Opening, RunRequest, Session, Unwatched, builtin};
use euterpe_graph_file::{Surroundings, check_text};
use euterpe_testkit::made_up::{MadeUp, MadeUpStorage};
use support::cpu_seconds;

const JOBS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Outputs and the source of an entity.
const OBJECTS: u64 = JOBS.len() as u64 + 1;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [verb, entities, memory] = &arguments[..] {
        let number = |text: &String| text.parse().expect("a number");
        return measured(verb, number(entities), number(memory));
    }
    let entities: u64 = env::var("EUTERPE_ENTITIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let usual = (256 * entities / 10_000_000).max(16) << 20;
    let memory =
        env::var("EUTERPE_MEMORY").ok().and_then(|text| euterpe_graph_file::units::size(&text)).unwrap_or(usual);
    println!(
        "a catalogue of {entities} entities x {} jobs, 1 in 1,000 lacks one output, --memory {} MiB",
        JOBS.len(),
        memory >> 20
    );
    for verb in ["list", "plan", "run"] {
        let [few, many] = [entities / 10, entities].map(|entities| {
            let own = env::current_exe().expect("a path");
            let ran =
                Command::new(own).args([verb, &entities.to_string(), &memory.to_string()]).output().expect("it starts");
            let said = String::from_utf8_lossy(&ran.stdout).into_owned();
            assert!(ran.status.success(), "{verb}: {said}{}", String::from_utf8_lossy(&ran.stderr));
            let figures: Vec<f64> = said.split_whitespace().map(|figure| figure.parse().expect("a figure")).collect();
            let [cpu, peak] = figures[..] else { panic!("{said}") };
            let each = cpu * 1e6 / (entities * OBJECTS) as f64;
            println!(
                "{verb:>5} {entities:>9} entities: {cpu:>7.2} s CPU, {each:.2} us an object, peak {peak:>6.1} MiB"
            );
            peak
        });
        println!("{verb:>5} memory: {:.2} of that of a tenth", many / few);
    }
    println!("aims: 2 us an object, 512 MiB with --memory 256MiB, memory within 1.2");
}

/// In a process of its own: prints CPU in seconds and the peak of memory in MiB.
fn measured(verb: &str, entities: u64, memory: u64) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut graph =
        "version: 1\ngraph: bench\nstores: {src: ./src, out: ./out}\ndefaults: {retries: 0}\njobs:\n".to_owned();
    for job in JOBS {
        graph +=
            &format!("  {job}: {{use: json.merge, in: {{x: \"src:{{id}}.json\"}}, out: \"out:{job}/{{id}}.json\"}}\n");
    }
    let registry = builtin::registry();
    let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
    let plan = check_text(&graph, &folder.path().join("graph.yaml"), surroundings).expect("a graph");
    let source = MadeUp { before: "t-", behind: ".json", many: entities, lacks: |_| false, written: 1_000_000_001 };
    let output =
        |before: &'static str, lacks: fn(u64) -> bool| MadeUp { before, lacks, written: 2_000_000_001, ..source };
    let outputs = vec![
        output("a/t-", |n| n % 5000 == 17),
        output("b/t-", |n| n % 5000 == 1017),
        output("c/t-", |n| n % 5000 == 2017),
        output("d/t-", |n| n % 5000 == 3017),
        output("e/t-", |n| n % 5000 == 4017),
    ];
    let store = |name: &str, kinds| {
        (StoreName::new(name).expect("a name"), Arc::new(MadeUpStorage::of(kinds)) as Arc<dyn Storage>)
    };
    let stores = vec![store("src", vec![source]), store("out", outputs)];
    let opening = Opening { access: Access::Hold, stores: stores.clone(), memory: Some(memory), ..Opening::default() };
    let session = Engine::open(plan, &registry, &opening).expect("opened");
    let before = cpu_seconds();
    let cpu = actix::System::new().block_on(async {
        let lacking = entities / 1000;
        match verb {
            "list" => {
                let mut listed = 0;
                for (_, store) in &stores {
                    let mut count = |page: &euterpe_actors::storage::Page| {
                        listed += page.len() as u64;
                        true
                    };
                    store.list_dated("", &mut count).await.expect("listed");
                }
                assert_eq!(listed, entities * OBJECTS - lacking);
            }
            "plan" => assert_eq!(planned(&session).await, (entities, lacking)),
            _ => {
                assert_eq!(ran(&session).await, (entities, lacking));
                let cpu = cpu_seconds() - before;
                assert_eq!(planned(&session).await, (entities, 0), "after the run");
                return cpu;
            }
        }
        cpu_seconds() - before
    });
    println!("{cpu} {}", peak_mib());
}

async fn planned(session: &Session) -> (u64, u64) {
    let selection = session.selection(None, false, None, &ForceNames::None, false).expect("a selection");
    let ids = session.ids(&selection, IdsFrom::Sources).expect("ids");
    let forecast = session.plan(selection, ids, None).await.expect("planned");
    assert_eq!(forecast.work(), forecast.unfinished);
    (forecast.entities, forecast.unfinished)
}

async fn ran(session: &Session) -> (u64, u64) {
    let selection = session.selection(None, false, None, &ForceNames::None, false).expect("a selection");
    let ids = session.ids(&selection, IdsFrom::Sources).expect("ids");
    let request = RunRequest { selection, ids, limit: None, max_dead: None, over: None };
    let ended = session.run(request, &Unwatched).await.expect("ran").ended;
    assert!(ended.complete && ended.tally.letters() == 0, "{:?}", ended.tally);
    (ended.tally.entities, ended.tally.jobs.iter().map(|job| job.done).sum())
}

/// The peak of the resident memory of this process.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process on a Linux machine");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().expect("a number") / 1024.0
}
