//! What in a source is an entity, under which name it is found, and what is passed over.

use std::os::unix::fs::symlink;

use super::{GRAPH, content, counts};
use crate::cli::Bench;

fn bench() -> Bench {
    Bench::new(&GRAPH.replace("SRC", "./src").replace("OUT", "{url: ./out, fsync: false}"))
}

#[test]
fn hidden_files_and_what_is_left_out_are_no_entities_and_are_counted_and_named() {
    let source = r#"{x: {from: "src:{id}.json", exclude: ["drafts", "*.bak.json"], include: "**"}}"#;
    let graph = GRAPH.replace(r#"{x: "src:{id}.json"}"#, source);
    let bench = Bench::new(&graph.replace("SRC", "./src").replace("OUT", "{url: ./out, fsync: false}"));
    for taken in ["t-1", "...Baby", "a/t-2"] {
        bench.write(&format!("src/{taken}.json"), &content(taken));
    }
    let hidden = ["._t-1.json", ".Trashes/501/x.json", "@eaDir/t-1.json/y.json", "$RECYCLE.BIN/z.json", "a/.x.json"];
    for passed in hidden.iter().chain(&["drafts/d.json", "a/old.bak.json", "cover.jpg", "Thumbs.db"]) {
        bench.write(&format!("src/{passed}"), "no entity");
    }
    symlink("nothing", bench.path("src/gone.json")).expect("linked");
    let ran = bench.call("--json run g.yaml").ends(0);
    assert_eq!(counts(&ran), [6, 0, 0]);
    let summary = ran.last();
    let kinds = serde_json::json!({"hidden": 6, "excluded": 2, "other_name": 1, "link_to_nothing": 1});
    assert_eq!((&summary["passed_over"], &summary["passed_over_by_kind"]), (&10.into(), &kinds));
    let named = bench.call("--json plan g.yaml --passed-over").ends(0).last();
    let names = named["passed_over_names"].as_array().expect("names");
    assert_eq!(names.len(), 10);
    assert!(names.contains(&serde_json::json!({"path": "drafts/d.json", "kind": "excluded"})), "{named}");
    let page = bench.call("plan g.yaml --passed-over").ends(0).out;
    assert!(page.contains("6 hidden, or left by a system") && page.contains("hidden  .Trashes/501/x.json"), "{page}");
}

#[test]
fn a_linked_folder_is_followed_once_and_one_that_leads_out_only_where_that_is_allowed() {
    let bench = bench();
    let graph = bench.read("g.yaml").replace("src:{id}.json", "src:in/{id}.json");
    bench.write("g.yaml", &graph);
    bench.write("src/in/one.json", &content("one"));
    bench.write("src/in/deep/two.json", &content("two"));
    bench.write("src/beside/three.json", &content("three"));
    bench.write("outside/four.json", &content("four"));
    symlink("../beside", bench.path("src/in/linked")).expect("linked");
    symlink("../beside", bench.path("src/in/linked-again")).expect("linked");
    symlink("deep", bench.path("src/in/alias")).expect("linked");
    symlink("..", bench.path("src/in/loop")).expect("linked");
    symlink(bench.path("outside"), bench.path("src/in/out")).expect("linked");
    bench.call("run g.yaml").ends(0);
    let made = |bench: &Bench| bench.files("out/a");
    assert_eq!(made(&bench), ["deep/two.json", "linked/three.json", "one.json"]);
    let page = bench.call("plan g.yaml").ends(0).out;
    assert!(page.contains("1 a link that leads out of the store; `links: follow` allows it"), "{page}");

    bench.write("g.yaml", &graph.replace("src: ./src", "src: {url: ./src, links: follow}"));
    bench.call("run g.yaml").ends(0);
    assert_eq!(made(&bench), ["deep/two.json", "linked/three.json", "one.json", "out/four.json"]);
}

#[test]
fn a_source_is_found_under_its_real_name_and_two_of_one_normal_form_are_an_error_that_names_both() {
    let bench = bench();
    for (name, id) in [("cafe\u{301}", "café"), ("\u{200F}שיר", "שיר"), ("a\u{200B}b", "ab")] {
        bench.write(&format!("src/{name}.json"), &content(id));
    }
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [6, 0, 0]);
    assert!(bench.has("out/b/café.json") && bench.has("out/b/שיר.json") && bench.has("out/b/ab.json"));
    // The same by name, and by a list, each of a name that no listing has recorded.
    bench.write("src/x\u{200E}y.json", &content("xy"));
    bench.call("run g.yaml x\u{200E}y").ends(0);
    bench.write("src/v\u{200E}w.json", &content("vw"));
    bench.write("ids.txt", "v\u{200E}w\n");
    bench.call("run g.yaml --ids ids.txt").ends(0);
    assert!(bench.has("out/b/xy.json") && bench.has("out/b/vw.json"));

    for twins in [["Zoe\u{308}", "Zo\u{eb}"], ["p\u{200B}q", "pq"], ["r\u{200B}s", "r\u{200E}s"]] {
        let bench = self::bench();
        for name in twins {
            bench.write(&format!("src/{name}.json"), &content(name));
        }
        bench.call("run g.yaml").ends(4);
        let letters = bench.call("dead ls g.yaml --all").ends(0).out;
        assert!(letters.contains("which look alike"), "{letters}");
        let odd = twins[0].chars().find(|c| !c.is_ascii()).expect("one").escape_unicode().to_string();
        assert!(letters.contains(&odd), "{letters}");
    }
}

#[test]
fn a_source_is_found_by_a_listing_where_the_record_of_its_name_is_lost() {
    let bench = bench();
    for (name, id) in [("x\u{200E}y", "xy"), ("d\u{200E}ir/a\u{200B}b", "dir/ab"), ("plain", "plain")] {
        bench.write(&format!("src/{name}.json"), &content(id));
    }
    bench.call("run g.yaml").ends(0);
    assert_eq!(bench.files(".euterpe/names/names"), ["dir%2Fab.json", "xy.json"]);
    for lost in ["out", ".euterpe/names/names"] {
        std::fs::remove_dir_all(bench.path(lost)).expect("removed");
    }
    assert_eq!(counts(&bench.call("--json run g.yaml xy dir/ab plain").ends(0)), [6, 0, 0]);
    // Once its own name is there too, that one is taken; of two others nobody knows which.
    bench.write("src/p\u{200E}q.json", &content("pq"));
    bench.write("src/p\u{200B}q.json", &content("pq"));
    bench.call("run g.yaml pq").ends(4);
    assert!(bench.call("dead ls g.yaml --all").ends(0).out.contains("which look alike"));
}

#[test]
fn a_list_of_ids_may_have_a_byte_order_mark_blanks_remarks_and_line_ends_of_any_kind() {
    let bench = bench();
    for name in ["t-1", "t-2", "t-3", "# odd"] {
        bench.write(&format!("src/{name}.json"), &content(name));
    }
    bench.write("ids.txt", "\u{feff}t-1\r\n  t-2\t\r\n# odd\r\n\r\n   \nt-3");
    assert_eq!(counts(&bench.call("--json run g.yaml --ids ids.txt").ends(0)), [6, 0, 0]);
    assert_eq!(counts(&bench.call("--json run g.yaml --ids ids.txt --ids-with-hash").ends(0)), [2, 0, 0]);
    assert!(bench.has("out/b/%23%20odd.json"));
    std::fs::write(bench.path("utf16.txt"), b"\xFF\xFEt\0").expect("written");
    assert!(bench.call("run g.yaml --ids utf16.txt").err.contains("save it as UTF-8"));
}

#[test]
fn what_was_dropped_stays_dropped_until_its_name_or_file_changes() {
    let bench = bench();
    bench.write("src/a\\b.json", "a name that can be no id");
    bench.write("src/broken.json", "{");
    bench.call("run g.yaml").ends(4);
    bench.call("run g.yaml missing").ends(4);
    bench.call("dead drop g.yaml --all").ends(0);
    let ran = bench.call("--json run g.yaml").ends(0).last();
    assert_eq!(ran["passed_over_by_kind"], serde_json::json!({"dropped": 1}), "{ran}");
    let planned = bench.call("--json plan g.yaml").ends(0).last();
    assert_eq!((&planned["bad_names"], &planned["jobs"]["a"]["skipped"]), (&0.into(), &1.into()), "{planned}");
    assert!(planned["passed_over_names"].is_null() && !bench.call("plan g.yaml").out.contains("a\\b"));
    let named = bench.call("--json plan g.yaml --passed-over").ends(0).last();
    assert_eq!(named["passed_over_names"], serde_json::json!([{"path": "a\\b", "kind": "dropped"}]), "{named}");
    assert!(bench.call("plan g.yaml --passed-over").ends(0).out.contains("  dropped  a\\b\n"));
    bench.call("run g.yaml missing").ends(0);
    let letters = bench.call("dead ls g.yaml --all").ends(0).out;
    assert!(!letters.contains("missing") && !letters.contains("bad_id"), "{letters}");

    bench.write("src/broken.json", &content("broken"));
    bench.write("src/missing.json", &content("missing"));
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [4, 0, 0]);
    assert!(bench.has("out/b/broken.json") && bench.has("out/b/missing.json"));
}

#[test]
fn what_is_too_long_is_shortened_and_foreseen() {
    let bench = bench();
    bench.write("g.yaml", &bench.read("g.yaml").replace("out:b/{id}.json", "out:b/{id}.a-long-suffix.json"));
    let long = "冬".repeat(80);
    bench.write(&format!("src/{long}.json"), &content(&long));
    let deep = format!("{}/{}", " ".repeat(100), "x");
    bench.write(&format!("src/{deep}.json"), &content(&deep));
    let planned = bench.call("--json plan g.yaml").ends(0).last();
    assert_eq!((&planned["shortened"], &planned["work"]), (&3.into(), &4.into()), "{planned}");
    assert!(bench.call("plan g.yaml").out.contains("3 outputs of too long a name, shortened"));
    let only = bench.call("--json plan g.yaml --only a").ends(0).last();
    assert_eq!(only["shortened"], 1, "of the jobs that are reached: {only}");
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [4, 0, 0]);
    assert!(bench.call("run g.yaml").ends(0).out.starts_with("nothing to do"));
    bench.call("runs check g.yaml last --hashes").ends(0);
    assert!(bench.files("out/b").iter().any(|name| name.starts_with("冬") && name.len() > 200));
}
