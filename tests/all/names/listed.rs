//! Which names of a source reach a run, where a listing could get them wrong: ids of other jobs, links, names that are no text.

use std::ffi::OsStr;
use std::os::unix::{ffi::OsStrExt, fs::symlink};

use serde_json::json;

use super::{GRAPH, content, counts};
use crate::cli::Bench;

fn bench() -> Bench {
    Bench::new(&GRAPH.replace("SRC", "./src").replace("OUT", "{url: ./out, fsync: false}"))
}

const PAIRS: &str = r#"
version: 1
graph: pairs
stores: {src: ./src, out: ./out}
defaults: {retries: 0}
jobs:
  m: {use: json.merge, in: {x: "src:{id}.json"}, out: "out:m/{id}.json"}
  p:
    use: json.merge
    entity: "{a},{b}"
    in: {left: {from: m, id: "{a}"}, right: {from: m, id: "{b}"}}
    out: "out:p/{a}+{b}.json"
"#;

#[test]
fn a_file_whose_id_fits_another_job_better_is_passed_over_and_nobody_s_pair_is_made_of_it() {
    let bench = Bench::new(PAIRS);
    for name in ["1", "2", "1,2", "3\u{200E},4"] {
        bench.write(&format!("src/{name}.json"), &content(name));
    }
    let planned = bench.call("--json plan g.yaml --passed-over").ends(0).last();
    assert_eq!((&planned["work"], &planned["passed_over_by_kind"]), (&2.into(), &json!({"other_job": 2})), "{planned}");
    let names = planned["passed_over_names"].as_array().expect("names");
    assert!(names.contains(&json!({"path": "1,2.json", "kind": "other_job"})), "{planned}");
    let ran = bench.call("run g.yaml").ends(0).out;
    assert_eq!(bench.files("out"), ["m/1.json", "m/2.json"]);
    assert!(ran.contains("2 of an id that goes to another job") && ran.contains("`--job m` brings it to `m`"), "{ran}");
    // By name an id goes to the job whose form it fits; where a job is named, there.
    bench.call("run g.yaml 1,2").ends(0);
    bench.call("run g.yaml --job m").ends(0);
    let made = ["m/1%2C2.json", "m/1.json", "m/2.json", "m/3%2C4.json", "p/1+2.json"];
    assert_eq!(bench.files("out"), made);
}

#[test]
fn a_file_in_the_folder_of_pairs_that_is_no_pair_is_a_bad_name_and_never_another_job_s() {
    let source = r#"entity: "{a},{b}", in: {x: "pairs:{id}.json"}, out: "out:q/{a}+{b}.json""#;
    let graph = PAIRS.split("  p:").next().expect("a start").replace("{src: ./src", "{pairs: ./pairs, src: ./src");
    let bench = Bench::new(&format!("{graph}  q: {{use: json.merge, {source}}}\n"));
    bench.write("src/1.json", &content("1"));
    bench.write("pairs/1,2.json", &content("1,2"));
    bench.write("pairs/3.json", &content("3"));
    bench.call("run g.yaml").ends(4);
    let letters = bench.call("dead ls g.yaml --all").ends(0).out;
    assert!(letters.contains("takes ids of the form `{a},{b}`") && !letters.contains("source_missing"), "{letters}");
    assert_eq!(bench.files("out"), ["m/1.json", "q/1+2.json"]);
}

#[test]
fn a_link_to_a_file_outside_is_passed_over_unless_links_are_followed() {
    let bench = bench();
    bench.write("src/one.json", &content("one"));
    bench.write("outside/two.json", &content("two"));
    symlink(bench.path("outside/two.json"), bench.path("src/two.json")).expect("linked");
    let ran = bench.call("--json run g.yaml").ends(0);
    assert_eq!((counts(&ran), &ran.last()["passed_over_by_kind"]), ([2, 0, 0], &json!({"link_out": 1})));
    let page = bench.call("plan g.yaml --passed-over").ends(0).out;
    assert!(page.contains("`links: follow` allows it") && page.contains("link_out  two.json"), "{page}");
    bench.write("g.yaml", &bench.read("g.yaml").replace("src: ./src", "src: {url: ./src, links: follow}"));
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [2, 0, 0]);
}

#[test]
fn a_link_from_the_sources_to_the_outputs_feeds_nothing_back() {
    let bench = bench();
    bench.write("g.yaml", &bench.read("g.yaml").replace("src: ./src", "src: {url: ./src, links: follow}"));
    bench.write("src/one.json", &content("one"));
    symlink(bench.path("out"), bench.path("src/back")).expect("linked");
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [2, 0, 0]);
    let again = bench.call("--json run g.yaml").ends(0);
    assert_eq!((counts(&again), &again.last()["passed_over_by_kind"]), ([0, 0, 0], &json!({"link_to_outputs": 2})));
    // Within one store no link leads out.
    let jobs = r#"  a: {use: json.merge, in: {x: "d:in/{id}.json"}, out: "d:out/{id}.json"}"#;
    let bench = Bench::new(&format!("version: 1\ngraph: g\nstores: {{d: ./d}}\njobs:\n{jobs}\n"));
    bench.write("d/in/one.json", &content("one"));
    symlink("../out", bench.path("d/in/back")).expect("linked");
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [1, 0, 0]);
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [0, 0, 0]);
}

#[test]
fn a_name_whose_normal_form_no_folder_can_hold_stops_no_other() {
    let bench = bench();
    let long = "\u{958}".repeat(80); // its normal form has twice as many bytes
    for name in [&*long, "plain"] {
        bench.write(&format!("src/{name}.json"), &content(name));
    }
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [4, 0, 0]);
    assert!(bench.call("run g.yaml").ends(0).out.starts_with("nothing to do"));
}

#[test]
fn an_odd_name_in_several_sources_is_one_entity_and_each_source_is_found() {
    let graph = GRAPH.replace("{src: SRC", "{more: ./more, src: ./src").replace("OUT", "./out");
    let bench = Bench::new(&graph.replace("in: {x: a}", r#"in: {x: "more:{id}.json"}"#));
    for (folder, name) in [
        ("src", "x\u{200E}y"),
        ("more", "x\u{200F}y"),
        ("src", "p\u{200E}q"),
        ("more", "pq"),
        ("src", "ab"),
        ("more", "a\u{200B}b"),
    ] {
        bench.write(&format!("{folder}/{name}.json"), &content(name));
    }
    let planned = bench.call("--json plan g.yaml").ends(0).last();
    assert_eq!((&planned["entities"], &planned["work"]), (&3.into(), &6.into()), "{planned}");
    let ran = bench.call("--json run g.yaml").ends(0);
    assert_eq!((counts(&ran), &ran.last()["entities"]), ([6, 0, 0], &3.into()));
    assert_eq!(bench.read(".euterpe/names/names/xy.json").matches('x').count(), 3, "the id and both names");
}

#[test]
fn names_that_are_no_text_are_told_apart_and_each_is_dropped_by_itself() {
    let bench = bench();
    bench.write("src/plain.json", &content("plain"));
    for name in [&b"caf\xE8.json"[..], b"caf\xE9.json"] {
        std::fs::write(bench.path("src").join(OsStr::from_bytes(name)), "{}").expect("written");
    }
    bench.write(r"src/caf\xE9.json", "text that looks like the other");
    let dead = |code: i32| {
        bench.call("run g.yaml").ends(code);
        let letters = bench.call("--json dead ls g.yaml --run last").ends(0).facts();
        let mut names: Vec<String> =
            letters.iter().filter_map(|letter| letter["entity"].as_str()).map(str::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(dead(4), [r"caf\\xE9", r"caf\xE8", r"caf\xE9"]);
    bench.call(r"dead drop g.yaml caf\xE9").ends(0);
    assert_eq!(dead(4), [r"caf\\xE9", r"caf\xE8"]);
    bench.call("dead drop g.yaml --all").ends(0);
    assert_eq!(dead(0), [""; 0]);
}

#[test]
fn the_drop_of_a_name_ends_when_its_file_is_gone_at_a_listing_of_its_source() {
    let graph = GRAPH.replace("{src: SRC", "{more: ./more, src: ./src").replace("OUT", "./out");
    let bench = Bench::new(&graph.replace("in: {x: a}", r#"in: {x: "more:{id}.json"}"#));
    for file in ["src/plain.json", "more/plain.json", r"src/a\b.json", r"more/c\d.json"] {
        bench.write(file, &content("plain"));
    }
    let dead = |words: &str, code: i32| {
        bench.call(words).ends(code);
        bench.call("dead ls g.yaml --run last").ends(0).out
    };
    bench.call("run g.yaml").ends(4);
    bench.call("dead drop g.yaml --all").ends(0);
    // Both are gone, and only the source of one of them is listed in a run.
    for file in [r"src/a\b.json", r"more/c\d.json"] {
        std::fs::remove_file(bench.path(file)).expect("removed");
    }
    for words in ["run g.yaml --job b", "run g.yaml plain", "plan g.yaml"] {
        bench.call(words).ends(0);
    }
    bench.write(r"src/a\b.json", "another");
    bench.write(r"more/c\d.json", "another");
    let letters = dead("run g.yaml", 4);
    assert!(letters.contains(r"c\d") && !letters.contains(r"a\b"), "{letters}");
    std::fs::remove_file(bench.path(r"src/a\b.json")).expect("removed");
    bench.call("run g.yaml").ends(4);
    bench.write(r"src/a\b.json", "another");
    assert!(dead("run g.yaml", 4).contains(r"a\b"));
}

#[test]
fn a_source_of_any_extension_is_listed_for_what_each_of_its_jobs_reads_whichever_comes_first() {
    let json = r#"  j: {use: json.merge, in: {x: "src:{id}.{ext}"}, out: "out:j/{id}.json"}"#;
    let audio = r#"  l: {use: audio.loudness, in: {audio: "src:{id}.{ext}"}, out: "out:l/{id}.json"}"#;
    for jobs in [[json, audio], [audio, json]] {
        let graph = "version: 1\ngraph: both\nstores: {src: ./src, out: ./out}\njobs:";
        let bench = Bench::new(&format!("{graph}\n{}\n", jobs.join("\n")));
        // The last two look alike, and are for different jobs.
        for name in ["one.json", "two.wav", "both.json", "both.wav", "o\u{200E}dd.json", "odd.wav", "note.txt"] {
            bench.write(&format!("src/{name}"), &content(name));
        }
        let planned = bench.call("--json plan g.yaml").ends(0).last();
        assert_eq!(planned["entities"], 4, "{planned}");
        assert_eq!(planned["passed_over_by_kind"], json!({"extension": 1}), "{planned}");
        bench.call("run g.yaml").ends(4);
        assert_eq!(bench.files("out"), ["j/both.json", "j/odd.json", "j/one.json"]);
        let letters = bench.call("dead ls g.yaml --all").ends(0).out;
        assert!(!letters.contains("look alike"), "{letters}");
        // What an id lacks is said, as of two sources of written extensions.
        assert_eq!(letters.matches("source_missing").count(), 2, "{letters}");
        assert_eq!(letters.matches("bad_input").count(), 3, "{letters}");
    }
}
