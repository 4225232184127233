//! What belongs to another: runs of another graph file of the same name, and outputs of another entity.

use super::{Bench, CHAIN, chain};

#[test]
fn runs_of_two_graph_files_of_one_name_are_told_apart() {
    let bench = chain();
    bench.write(
        "h.yaml",
        &CHAIN.replace("fix/{id}", "fix/h-{id}").replace("$HERE", &bench.path("").display().to_string()),
    );
    bench.call("run g.yaml").ends(4);
    let listed = bench.call("dead ls h.yaml --json").ends(0);
    assert!(listed.last()["dead"] == 0 && listed.err.contains("it had another graph file"), "{listed:?}");
    bench.write("fix/y", "fixed");
    bench.write("fix/h-y", "otherwise");
    for words in ["dead retry h.yaml", "dead drop h.yaml --all", "explain h.yaml y"] {
        let called = bench.call(words).ends(0);
        assert!(!called.out.contains("failed after"), "{words}: {called:?}");
    }
    for words in ["dead retry h.yaml --run last", "dead drop h.yaml --run last", "runs resume h.yaml last"] {
        let refused = bench.call(words).ends(2);
        assert!(
            refused.err.contains("is of `g.yaml`, whose graph is called `chain` like that of `h.yaml`"),
            "{refused:?}"
        );
        assert!(refused.err.contains("another name, or a state of its own with --state"), "{refused:?}");
    }
    assert!(bench.call("runs check h.yaml last").err.contains("is of `g.yaml`"));
    assert!(!bench.has("out/b/y.txt"), "something was made by the other graph");
    bench.call("dead retry g.yaml").ends(0);
    assert_eq!(bench.read("out/b/y.txt"), "yfixed");
    // A graph file of another name is no other where the former one is gone: it was renamed.
    std::fs::rename(bench.path("g.yaml"), bench.path("renamed.yaml")).expect("renamed");
    assert!(!bench.call("runs check renamed.yaml last").ends(0).err.contains("is of"));
    bench.call("runs resume renamed.yaml last").ends(0);
}

#[test]
fn an_output_that_was_copied_from_another_entity_is_explained_and_the_remedy_makes_it() {
    let bench = Bench::new(CHAIN);
    bench.write("in/x.txt", "x");
    bench.write("in/z.txt", "z");
    bench.write("fix/x", "");
    bench.write("fix/z", "");
    bench.call("run g.yaml x").ends(0);
    bench.call("run g.yaml z --job a --bottom-up").ends(0);
    copy_with_stamp(&bench, "out/b/x.txt", "out/b/z.txt");
    let story = bench.call("explain g.yaml z b").ends(0).out;
    let there = "output  out:b/z.txt, there, but its stamp names `x`: it was moved or copied, and counts as missing";
    assert!(story.contains(there), "{story}");
    let of_child = bench.call("explain g.yaml z c").ends(0).out;
    assert!(of_child.contains("(from b(z)), there, but its stamp names `x`"), "{of_child}");
    let fact = bench.call("--json explain g.yaml z b").ends(0).last();
    assert_eq!(fact["jobs"][0]["outputs"][0]["made_for"], "x", "{fact}");
    let remedy = story.lines().find_map(|line| line.strip_prefix("  to do   `euterpe ")?.split('`').next());
    bench.call(remedy.expect("a remedy")).ends(0);
    assert_eq!(bench.read("out/b/z.txt"), "z", "the remedy made nothing");
    assert!(bench.call("explain g.yaml z b").ends(0).out.contains("b(z)  is there, made by run"));
}

/// As `cp --preserve=all` copies.
fn copy_with_stamp(bench: &Bench, from: &str, to: &str) {
    std::fs::create_dir_all(bench.path(to).parent().expect("a folder")).expect("made");
    let mut copy = std::process::Command::new("cp");
    copy.arg("--preserve=all").args([bench.path(from), bench.path(to)]);
    assert!(copy.status().expect("it starts").success());
}
