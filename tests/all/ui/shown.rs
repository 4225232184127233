//! What pages show, and how files are sent.

use serde_json::{Value, json};

use super::{Pages, ask, chain};
use crate::cli::Bench;

#[test]
fn every_page_shows_the_graph_and_what_failed_with_what_to_do() {
    let pages = Pages::of(chain(), "");
    let overview = pages.page("/");
    for piece in ["<h1>Overview</h1>", "Dead letters", "href=\"/browse?job=b&amp;state=dead\"", "/graph.svg?v="] {
        assert!(overview.contains(piece), "no {piece} in {overview}");
    }
    let browse = pages.page("/browse?state=dead");
    assert!(
        browse.contains(">y</bdi>") && !browse.contains(">x</bdi>") && browse.contains("1 entity of 3"),
        "{browse}"
    );
    let dead = pages.page("/dead");
    assert!(dead.contains("b: failed") && dead.contains("Try again…"), "{dead}");
    let group = pages.page("/dead?job=b&reason=failed");
    assert!(group.contains("What it printed") && group.contains("1 dead letter."), "{group}");
    let found = |text: &str| pages.page(&format!("/dead?text={text}")).contains(">y</bdi>");
    assert!(found("Y") && !found("no-such-text"));
    let entity = pages.page("/entity?id=y");
    assert!(
        entity.contains("id=\"job-b\"") && entity.contains("Failed for good") && entity.contains(">x</bdi>"),
        "{entity}"
    );
    let unknown = pages.get("/entity?id=Y").text();
    assert!(unknown.contains("Nothing is known of"), "{unknown}");
    let compared = pages.page("/compare?a=x&b=y");
    assert!(compared.contains(">x</bdi>") && compared.contains("not there"), "{compared}");
    let run = pages.page("/runs").split("/run?run=").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    let run = pages.page(&format!("/run?run={}", run.expect("a run")));
    assert!(run.contains("What became of its entities") && run.contains("complete"), "{run}");
    assert!(pages.page("/nodes").contains("started without a broker"));
    assert!(pages.get("/graph.svg").text().contains("2/3"), "the picture has the counts");
    for (path, status) in [("/nothing", 404), ("/run?run=x", 200), ("/entity?id=", 400), ("/dead?job=nosuch", 400)] {
        let answer = pages.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(answer.text().contains("role=\"alert\""), "{path}");
    }
    assert_eq!(pages.stop(), 0);
}

#[test]
fn the_same_facts_are_there_as_json_and_described() {
    let pages = Pages::of(chain(), "");
    pages.page("/");
    let api = |path: &str| pages.get(path).json();
    let overview = api("/api/overview");
    assert_eq!((&overview["entities"], &overview["dead_letters"]), (&json!(3), &json!(1)), "{overview}");
    assert_eq!(overview["jobs"][1]["dead"], 1);
    let entities = api("/api/entities?state=dead&limit=1&offset=0");
    assert_eq!(
        (&entities["total"], &entities["entities"][0]["states"]["b"]),
        (&json!(1), &json!("dead")),
        "{entities}"
    );
    assert_eq!(api("/api/letters?reason=failed")["letters"][0]["entity"], "y");
    assert_eq!(api("/api/entity?id=y")["jobs"][1]["dead"][0]["reason"], "failed");
    assert_eq!(api("/api/runs")["runs"][0]["state"], "complete");
    assert_eq!(api("/api/dead")["groups"][0]["count"], 1);
    let described = api("/api/openapi.json");
    for path in described["paths"].as_object().expect("paths").keys() {
        let answer = pages.get(path);
        assert!([200, 400].contains(&answer.status) && answer.json().is_object(), "{path}: {}", answer.text());
    }
    for path in
        ["/api/nothing", "/api/entity?id=%00", "/api/letters?reason=x", "/api/letters?offset=99999999999999999999"]
    {
        let answer = pages.get(path);
        assert!((200..500).contains(&answer.status) && answer.json().is_object(), "{path}: {}", answer.text());
    }
}

/// A graph whose outputs are of several kinds; the sources are texts of JSON.
const KINDS: &str = r#"
version: 1
graph: kinds
stores: {in: ./in, out: ./out}
jobs:
  json: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.json"}, out: "out:{id}.json"}
  svg: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.json"}, out: "out:{id}.svg"}
  html: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.json"}, out: "out:{id}.html"}
  wav: {use: synth.track, with: {seconds: 2}, out: "out:{id}.wav"}
"#;

fn kinds() -> Pages {
    let bench = Bench::new(KINDS);
    bench.write("in/t.json", r#"{"title": "</script><script>alert(1)</script>", "list": [1, 2, 3]}"#);
    bench.call("run g.yaml").ends(0);
    Pages::of(bench, "")
}

#[test]
fn sound_is_sent_whole_by_ranges_and_not_beyond_its_end() {
    let pages = kinds();
    let whole = std::fs::read(pages.bench.path("out/t.wav")).expect("read");
    let get = |range: &str| ask(&pages.address, "GET", "/object?id=t&job=wav", &[("Range", range)], "");
    let all = pages.get("/object?id=t&job=wav");
    assert!(all.status == 200 && all.body == whole && all.header("accept-ranges") == "bytes");
    assert_eq!((all.header("content-type"), all.header("content-disposition")), ("audio/wav", ""));
    let part = get("bytes=1000-1999");
    assert!(part.status == 206 && part.body == whole[1000..2000]);
    assert_eq!(part.header("content-range"), format!("bytes 1000-1999/{}", whole.len()));
    assert!(get("bytes=-5").body == whole[whole.len() - 5..]);
    assert!(get(&format!("bytes={}-", whole.len() - 1)).body == whole[whole.len() - 1..]);
    let beyond = get(&format!("bytes={}-", whole.len()));
    assert_eq!((beyond.status, beyond.header("content-range")), (416, &*format!("bytes */{}", whole.len())));
    for odd in ["bytes=9-1", "bytes=0-1,5-6", "lines=1-2", "bytes=--1"] {
        assert!(get(odd).status == 200 && get(odd).body == whole, "{odd}");
    }
    let download = pages.get("/object?id=t&job=wav&download=1");
    assert!(download.header("content-disposition").contains("t.wav"));
    for drawing in ["waveform", "spectrogram"] {
        let png = pages.get(&format!("/drawn/{drawing}?id=t&job=wav"));
        assert!(png.status == 200 && png.body.starts_with(b"\x89PNG"), "{}", png.text());
        assert_eq!(pages.get(&format!("/drawn/{drawing}?id=t&job=json")).status, 400);
    }
}

#[test]
fn what_files_hold_is_data_and_no_page() {
    let pages = kinds();
    let entity = pages.page("/entity?id=t");
    assert!(entity.contains("&lt;/script&gt;") && !entity.contains("<script>alert"), "{entity}");
    assert_eq!(entity.matches("<script").count(), 1, "the one of every page");
    assert!(!entity.contains("style=\"") && !entity.contains("onerror=\""), "{entity}");
    for (job, kind, shown) in [
        ("svg", "image/svg+xml", true),
        ("html", "text/plain; charset=utf-8", false),
        ("json", "application/json", false),
    ] {
        let answer = pages.get(&format!("/object?id=t&job={job}"));
        assert_eq!(answer.header("content-type"), kind);
        assert!(answer.header("content-security-policy").contains("sandbox"), "{answer:?}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{answer:?}");
        assert_eq!(
            (answer.header("x-content-type-options"), answer.header("content-disposition").is_empty()),
            ("nosniff", shown)
        );
    }
    let page = pages.get("/");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn a_graph_without_sources_shows_the_entities_that_runs_were_given() {
    let bench = Bench::new(
        "version: 1\ngraph: made\nstores: {out: ./out}\njobs:\n  wav: {use: synth.track, with: {seconds: 1}, out: \"out:{id}.wav\"}\n",
    );
    bench.call("run g.yaml t-1 t-2").ends(0);
    let pages = Pages::of(bench, "");
    pages.page("/");
    let entities: Value = pages.get("/api/entities").json();
    assert_eq!((&entities["total"], &entities["entities"][1]["id"]), (&json!(2), &json!("t-2")), "{entities}");
    pages.bench.call("run g.yaml t-3").ends(0);
    pages.until("/browse", |page| page.contains("3 entities"));
}
