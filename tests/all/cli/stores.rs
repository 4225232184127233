//! Stores that `--store` put elsewhere: remembered with the run, and two collections told apart.

use super::{Bench, CHAIN, chain};

/// A chain over two collections, `one` and `two`, of which the entity `y` of each will fail at `b`.
fn collections() -> Bench {
    let bench = Bench::new(CHAIN);
    for place in ["one", "two"] {
        for id in ["x", "y"] {
            bench.write(&format!("{place}/in/{id}.txt"), place);
        }
    }
    bench.write("fix/x", "fixed");
    bench
}

const ONE: &str = "--store in=one/in --store out=one/out";
const TWO: &str = "--store in=two/in --store out=two/out";

#[test]
fn verbs_about_a_run_look_where_it_worked() {
    let bench = collections();
    bench.call(&format!("run g.yaml {ONE}")).ends(4);
    assert!(!bench.has("out") && !bench.has("in"));
    for (words, code) in
        [("runs check g.yaml last", 4), ("runs ls g.yaml", 0), ("explain g.yaml x", 0), ("gc g.yaml -n", 0)]
    {
        let called = bench.call(words).ends(code);
        assert!(called.err.contains("--store in=") && called.err.contains("one/out"), "{words}: {called:?}");
    }
    let check = bench.call("runs check g.yaml last --json").ends(4).last();
    assert_eq!((&check["done"], &check["dead"], &check["open"]), (&1.into(), &1.into(), &0.into()), "{check}");
    let story = bench.call("explain g.yaml x").ends(0).out;
    assert!(story.contains("a(x)  is there, made by run"), "{story}");
    bench.write("fix/y", "fixed");
    let shown = bench.call("dead ls g.yaml").ends(0).out;
    assert!(shown.contains("dead retry g.yaml --store in="), "what it proposes means the same: {shown}");
    bench.call("dead retry g.yaml").ends(0);
    assert!(bench.has("one/out/c/y.txt") && !bench.has("out"));
    bench.call("runs check g.yaml last").ends(0);
}

#[test]
fn the_dead_letters_of_two_collections_are_told_apart() {
    let bench = collections();
    bench.call(&format!("run g.yaml {ONE}")).ends(4);
    bench.call(&format!("run g.yaml {TWO}")).ends(4);
    let runs = bench.call("runs ls g.yaml --json").ends(0).facts();
    let first = runs[0]["run"].as_str().expect("an id");
    let called = bench.call("dead ls g.yaml --json").ends(0);
    assert_eq!(called.last()["dead"], 1, "{called:?}");
    assert!(called.err.contains(&format!("the dead letters of run {first} are left out (1)")), "{called:?}");
    bench.write("fix/y", "fixed");
    bench.call("dead retry g.yaml").ends(0);
    assert!(bench.has("two/out/c/y.txt") && !bench.has("one/out/c/y.txt"));
    bench.call(&format!("runs check g.yaml {first}")).ends(4);
    bench.call(&format!("dead retry g.yaml --run {first}")).ends(0);
    assert_eq!(bench.read("one/out/c/y.txt"), "onefixed");
    bench.call(&format!("runs check g.yaml {first}")).ends(0);
}

#[test]
fn a_run_that_goes_on_elsewhere_records_the_stores_that_flags_moved_and_nothing_else_anew() {
    let bench = super::chain();
    bench.call("run g.yaml --store out=one").ends(4);
    let record = |bench: &Bench| -> serde_json::Value {
        let files = bench.files(".euterpe/chain/runs");
        let manifest = files.iter().find(|file| file.ends_with("manifest.json")).expect("a manifest");
        serde_json::from_str(&bench.read(&format!(".euterpe/chain/runs/{manifest}"))).expect("JSON")
    };
    let before = record(&bench);
    // What the graph file says otherwise by now is not what the run was asked for.
    let graph = bench.read("g.yaml").replace("stores: {in: ./in,", "stores: {in: ./music,");
    bench.write("g.yaml", &graph.replace("{retries: 0}", "{retries: 1, backoff: 1ms}"));
    std::fs::rename(bench.path("in"), bench.path("music")).expect("moved");
    bench.call("runs resume g.yaml last --store out=two").ends(4);
    let after = record(&bench);
    let two = bench.path("two").canonicalize().expect("made").display().to_string();
    assert_eq!(
        (&after["resolved"]["stores"]["out"]["url"], &after["given"]["out"]),
        (&two.clone().into(), &two.into())
    );
    for place in ["/resolved/jobs", "/resolved/stores/in", "/given/in", "/selection", "/digest"] {
        assert_eq!(after.pointer(place), before.pointer(place), "{place}");
    }
}

#[test]
fn verify_names_a_folder_that_was_copied_with_its_marker_and_none_that_was_moved() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    let folder = |name: &str| bench.path(name).display().to_string();
    bench.write("out/.euterpe/store.json", &format!("{{\"id\": \"one\", \"place\": \"{}\"}}", folder("out")));
    let copied = std::process::Command::new("cp").arg("-a").args([bench.path("out"), bench.path("copy")]).status();
    assert!(copied.expect("cp").success());
    assert!(!bench.call("verify g.yaml").ends(0).err.contains("copy"), "the original");
    let said = bench.call("verify g.yaml --store out=copy").ends(0).err;
    let (copy, original) = (folder("copy"), folder("out"));
    assert!(said.contains(&format!("store out: {copy} is a copy of {original}, and both say")), "{said}");
    assert!(said.contains(&format!("remove {copy}/.euterpe/store.json")), "{said}");
    // The same folder by another way, and a folder that was moved.
    std::os::unix::fs::symlink(bench.path("out"), bench.path("link")).expect("linked");
    assert!(!bench.call("verify g.yaml --store out=link").ends(0).err.contains("is a copy of"));
    std::fs::rename(bench.path("out"), bench.path("moved")).expect("moved");
    assert!(!bench.call("verify g.yaml --store out=moved").ends(0).err.contains("is a copy of"));
}
