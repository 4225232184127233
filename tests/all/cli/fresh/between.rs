//! What stands between a replaced source and an output: a parent that is missing, or a run that ended before its time.

use std::process::Child;

use super::super::Bench;
use super::{counted, done, numbers, remove};

/// `d` is made from `c` and from `a`, of which `c` is made by way of `b`.
const DIAMOND: &str = r#"
version: 1
graph: g
stores: {in: ./in, out: ./out}
defaults: {retries: 0}
jobs:
  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b:
    use: command
    with: {argv: [sh, $HERE/b.sh, "{input.x}", "{output.one}", "{output.two}"]}
    in: {x: a}
    outputs: {one: "out:b/{id}.txt", two: "out:b2/{id}.txt"}
  c: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: b.two}, out: "out:c/{id}.txt"}
  d: {use: command, with: {argv: [sh, -c, "cat {input.l} {input.r} > {output}"]}, in: {l: c, r: a}, out: "out:d/{id}.txt"}
"#;

fn made() -> Bench {
    let bench = Bench::new(DIAMOND);
    bench.write("b.sh", "cp $1 $2; cp $1 $3");
    bench.write("in/t.txt", "old ");
    assert_eq!(done(&bench, ""), numbers("a 1 b 1 c 1 d 1"));
    settled(&bench);
    bench
}

fn settled(bench: &Bench) {
    let said = bench.call("run g.yaml").ends(0).out;
    assert!(said.starts_with("nothing to do"), "{said}");
}

#[test]
fn nothing_is_made_of_an_input_that_stands_below_a_missing_output_and_will_be_another() {
    for missing in [&["b", "b2"][..], &["b"], &["b2"]] {
        for selection in ["", "--job d --bottom-up t", "--only d t"] {
            let bench = made();
            bench.write("in/t.txt", "new ");
            missing.iter().for_each(|job| remove(&bench, &format!("out/{job}/t.txt")));
            let plan = bench.call(&format!("plan g.yaml --json {selection}")).ends(0).last();
            let [mut planned, asked] = ["make", "on_request"].map(|key| counted(&plan["jobs"], key));
            planned.extend(asked);
            assert_eq!(planned, numbers("a 1 b 1 c 1 d 1"), "{missing:?} {selection}");
            assert_eq!(done(&bench, selection), numbers("a 1 b 1 c 1 d 1"), "{missing:?} {selection}");
            assert_eq!(bench.read("out/d/t.txt"), "new new ", "{missing:?} {selection}");
            settled(&bench);
        }
        // The parent was made anew by an earlier run.
        let bench = made();
        bench.write("in/t.txt", "new ");
        assert_eq!(done(&bench, "--only a t"), numbers("a 1"));
        missing.iter().for_each(|job| remove(&bench, &format!("out/{job}/t.txt")));
        assert_eq!(done(&bench, "--job d --bottom-up t"), numbers("b 1 c 1 d 1"), "{missing:?}");
        assert_eq!(bench.read("out/d/t.txt"), "new new ", "{missing:?}");
        settled(&bench);
    }
}

#[test]
fn a_replaced_source_is_seen_although_all_between_is_gone() {
    for selection in ["--job d --bottom-up t", "--job d --bottom-up", "--only d t"] {
        let bench = made();
        bench.write("in/t.txt", "new ");
        ["a", "b", "b2", "c"].iter().for_each(|job| remove(&bench, &format!("out/{job}/t.txt")));
        assert_eq!(done(&bench, selection), numbers("a 1 b 1 c 1 d 1"), "{selection}");
        assert_eq!(bench.read("out/d/t.txt"), "new new ", "{selection}");
    }
    // Nothing came: what is left stands.
    let bench = made();
    ["a", "b", "b2", "c"].iter().for_each(|job| remove(&bench, &format!("out/{job}/t.txt")));
    assert_eq!(done(&bench, "--job d --bottom-up t"), numbers(""));
}

#[test]
fn what_a_killed_run_did_not_make_anew_is_open_and_is_made_by_resume() {
    let bench = made();
    bench.write("in/t.txt", "new ");
    // The run is killed while `b` works, when `a` is made.
    let here = bench.path("");
    let here = here.display();
    bench.write("b.sh", &format!("touch {here}/begun; while ! [ -e {here}/killed ]; do :; done; exit 1"));
    let mut run: Child = bench.start("run g.yaml");
    while !bench.has("begun") {
        assert!(run.try_wait().expect("asked").is_none(), "it ended");
        std::thread::yield_now();
    }
    run.kill().expect("killed");
    run.wait().expect("it ended");
    bench.write("killed", "");
    bench.write("b.sh", "cp $1 $2; cp $1 $3");
    assert_eq!(bench.read("out/a/t.txt"), "new ");
    let check = bench.call("runs check g.yaml last").ends(1).out;
    assert!(check.contains("1 open"), "{check}");
    bench.call("runs resume g.yaml last").ends(0);
    assert_eq!(bench.read("out/d/t.txt"), "new new ");
    bench.call("runs check g.yaml last").ends(0);
    settled(&bench);
}
