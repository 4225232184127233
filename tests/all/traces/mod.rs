//! What `--otlp` sends: one tree for each entity, to a collector in this process; and that nobody waits for a collector that is
//! away. `rabbit::traces` has traces over several nodes.

mod collector;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub use collector::{Collector, Manner, Span};

/// Two jobs that start from nothing, and one that needs both; `bad` fails for good for the entity `t-bad`.
const GRAPH: &str = "version: 1\ngraph: traced\nstores: {src: ./src, out: ./out}\ndefaults: {retries: 0}\njobs:\n  \
    left:  {use: command, with: {argv: [cp, '{input}', '{output}']}, in: {x: \"src:{id}.txt\"}, out: \"out:left/{id}.txt\"}\n  \
    right: {use: command, with: {argv: [sh, -c, 'grep -v bad \"$0\" > \"$1\"', '{input}', '{output}']}, in: {x: \"src:{id}.txt\"}, out: \"out:right/{id}.txt\"}\n  \
    join:  {use: command, with: {argv: [cp, '{input}', '{output}']}, in: {x: right}, out: \"out:join/{id}.txt\"}\n";

fn bench() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("g.yaml"), GRAPH).expect("written");
    fs::create_dir(folder.path().join("src")).expect("made");
    for (id, text) in [("t-1", "good"), ("t-2", "good"), ("t-bad", "bad")] {
        fs::write(folder.path().join("src").join(format!("{id}.txt")), text).expect("written");
    }
    folder
}

/// Calls the program, which no variable of the machine tells to trace.
fn call(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_euterpe"));
    let ours = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("OTEL_"));
    for name in ours {
        command.env_remove(name);
    }
    command.env_remove("EUTERPE_BROKER").envs(variables.iter().copied());
    command.args(args).current_dir(folder).output().expect("the binary")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The spans of one trace, of which each but the root stands below another. The root.
#[track_caller]
pub fn one_tree(spans: &[Span]) -> Span {
    let traces: BTreeSet<&String> = spans.iter().map(|span| &span.trace).collect();
    assert_eq!(traces.len(), 1, "one trace: {spans:#?}");
    let ids: BTreeSet<&String> = spans.iter().map(|span| &span.id).collect();
    assert_eq!(ids.len(), spans.len(), "each span has an id of its own: {spans:#?}");
    let (roots, others): (Vec<&Span>, Vec<&Span>) = spans.iter().partition(|span| span.parent.is_empty());
    assert_eq!(roots.len(), 1, "one root: {spans:#?}");
    assert!(others.iter().all(|span| ids.contains(&span.parent)), "each stands below another: {spans:#?}");
    roots[0].clone()
}

/// Those of `spans` that are about an entity, with what stands below them.
pub fn of_entity(spans: &[Span], entity: &str) -> Vec<Span> {
    let about = |span: &&Span| span.attributes.get("euterpe.entity").is_some_and(|about| about == entity);
    let traces: BTreeSet<&String> = spans.iter().filter(about).map(|span| &span.trace).collect();
    spans.iter().filter(|span| traces.contains(&span.trace)).cloned().collect()
}

fn names(spans: &[Span]) -> Vec<&str> {
    let mut names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_run_sends_one_tree_for_each_entity_with_the_parts_of_each_work() {
    let (bench, collector) = (bench(), Collector::start(Manner::Takes));
    let variables = [("OTEL_SERVICE_NAME", "jobs"), ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20key")];
    let ran = call(bench.path(), &["run", "g.yaml", "--otlp", &collector.url], &variables);
    assert_eq!(ran.status.code(), Some(4), "{}", said(&ran));
    let spans = collector.spans();
    let heads = collector.heads();
    assert!(heads.iter().all(|head| head.starts_with("POST /v1/traces HTTP/1.1\r\n")), "{heads:?}");
    assert!(heads.iter().all(|head| head.contains("x-key: a key\r\n")), "{heads:?}");
    assert!(spans.iter().all(|span| span.resource["service.name"] == "jobs"), "{spans:#?}");
    for entity in ["t-1", "t-2"] {
        let spans = of_entity(&spans, entity);
        let root = one_tree(&spans);
        assert_eq!((root.name.as_str(), root.kind, &root.error), ("entity", 4, &None));
        assert_eq!(
            (root.attributes["euterpe.entity"].as_str(), root.attributes["euterpe.graph"].as_str()),
            (entity, "traced")
        );
        let works = ["left", "right", "join"];
        for job in works {
            let work = spans.iter().find(|span| span.name == job).unwrap_or_else(|| panic!("{job}: {spans:#?}"));
            assert_eq!((work.kind, work.attributes["euterpe.outcome"].as_str()), (5, "done"));
            assert_eq!(work.attributes["euterpe.attempt"], "0");
            assert!(work.start >= root.start && work.end <= root.end, "{work:#?} within {root:#?}");
            let parts: Vec<Span> =
                spans.iter().filter(|span| span.parent == work.id && span.kind == 1).cloned().collect();
            assert_eq!(names(&parts), ["fetch", "publish", "store", "wait", "work"], "{job}");
            assert!(parts.iter().all(|part| part.start >= work.start && part.end >= part.start), "{parts:#?}");
        }
        assert_eq!(spans.len(), 1 + 3 * 6, "{:?}", names(&spans));
    }
    let bad = of_entity(&spans, "t-bad");
    let (root, right) = (one_tree(&bad), bad.iter().find(|span| span.name == "right").expect("a span"));
    assert_eq!(root.error.as_deref(), Some("right: failed"));
    assert_eq!(
        (right.attributes["euterpe.outcome"].as_str(), right.attributes["euterpe.reason"].as_str()),
        ("dead", "failed")
    );
    assert!(right.error.as_deref().is_some_and(|error| error.starts_with("failed: ")), "{right:?}");
    // What is tried again in the same run belongs to the same trace.
    let before = collector.spans().len();
    fs::write(bench.path().join("src/t-bad.txt"), "good").expect("written");
    let retried = call(bench.path(), &["dead", "retry", "g.yaml"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)]);
    assert_eq!(retried.status.code(), Some(0), "{}", said(&retried));
    let again = &collector.spans()[before..];
    assert_eq!(one_tree(again).trace, root.trace);
}

#[test]
fn a_share_of_the_traces_is_sent_whole() {
    let (bench, collector) = (bench(), Collector::start(Manner::Takes));
    for n in 0..40 {
        fs::write(bench.path().join("src").join(format!("s-{n}.txt")), "good").expect("written");
    }
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &*format!("{}/v1/traces", collector.url)),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
    ];
    call(bench.path(), &["run", "g.yaml"], &variables);
    let spans = collector.spans();
    let traces: BTreeSet<&String> = spans.iter().map(|span| &span.trace).collect();
    assert!((5..38).contains(&traces.len()), "{} of 43", traces.len());
    for trace in traces {
        one_tree(&spans.iter().filter(|span| span.trace == *trace).cloned().collect::<Vec<_>>());
    }
}

#[test]
fn a_run_ends_the_same_and_as_soon_whatever_the_collector_does() {
    let files = |folder: &Path| {
        let mut names = Vec::new();
        for job in ["left", "right", "join"] {
            names.extend(
                fs::read_dir(folder.join("out").join(job))
                    .expect("a folder")
                    .map(|entry| entry.expect("an entry").file_name()),
            );
        }
        names.sort();
        names
    };
    let without = bench();
    let began = Instant::now();
    assert_eq!(call(without.path(), &["run", "g.yaml"], &[]).status.code(), Some(4));
    let usual = began.elapsed();
    let (busy, refuses, hangs) =
        (Collector::start(Manner::Busy), Collector::start(Manner::Refuses), Collector::start(Manner::Hangs));
    for (url, why, longer) in [
        ("http://127.0.0.1:9", "refused", 2),
        (&*busy.url, "503", 2),
        (&*refuses.url, "400", 2),
        (&*hangs.url, "did not answer before the program ended", 7),
    ] {
        let bench = bench();
        let began = Instant::now();
        let ran = call(bench.path(), &["run", "g.yaml", "--otlp", url], &[]);
        let took = began.elapsed();
        assert_eq!(ran.status.code(), Some(4), "{url}: {}", said(&ran));
        assert_eq!(files(bench.path()), files(without.path()));
        assert!(took < usual + Duration::from_secs(longer), "{url}: {took:?} instead of {usual:?}");
        let said = said(&ran);
        assert_eq!(said.matches("traces do not reach").count(), 1, "{url}: {said}");
        assert!(said.contains(why) && said.contains("spans of traces did not reach"), "{url}: {said}");
    }
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_made() {
    let bench = bench();
    let ran = call(bench.path(), &["run", "g.yaml", "--otlp", "localhost:4318"], &[]);
    assert_eq!(ran.status.code(), Some(2), "{}", said(&ran));
    assert!(said(&ran).contains("such as http://127.0.0.1:4318"), "{}", said(&ran));
    assert!(!bench.path().join(".euterpe").exists(), "a state was made");
}
