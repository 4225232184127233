//! What every verb says of outputs alike: of accepted ones whose job has another name, of those that somebody touched or put
//! there, of those that a retry made.

use std::fs::File;
use std::time::SystemTime;

use super::given_up::failed;
use super::{ALL, Bench, GRAPH, counted, done, made, numbers, planned, script, settled};

fn renamed(graph: &str) -> String {
    graph.replace("\n  a:\n", "\n  a2:\n").replace("in: {x: a}", "in: {x: a2}")
}

#[test]
fn what_was_accepted_stays_so_when_its_job_has_another_name() {
    let all = ALL.replace("a,b", "a2,b");
    let nothing = |bench: &Bench, selection: &str| {
        let said = bench.call(&format!("run g.yaml {selection}")).ends(0).out;
        assert!(said.starts_with("nothing to do"), "{selection}: {said}");
        assert!(!said.contains("before a job was changed"), "{selection}: {said}");
    };
    for is_accepted in [true, false] {
        let bench = made();
        script(&bench, "tr a-z A-Z < \"$1\" | rev > \"$2\"");
        bench.call(&format!("run g.yaml {ALL}")).ends(0);
        if is_accepted {
            bench.call("accept g.yaml a").ends(0);
            nothing(&bench, ALL);
        }
        bench.write("g.yaml", &renamed(GRAPH));
        if is_accepted {
            assert_eq!(planned(&bench, &all), numbers(""));
            for refresh in ["", "--refresh", "--refresh=a2", "--exact"] {
                nothing(&bench, &format!("{all} {refresh}"));
            }
            assert_eq!(bench.read("out/a/t1.txt"), "SOUND OF T1");
            // From then on it is a job like any other.
            script(&bench, "tr a-z A-Z < \"$1\" | tr O 0 > \"$2\"");
            assert_eq!(done(&bench, &format!("{all} --refresh=a2")), numbers("a2 3 b 3 pair 1"));
        } else {
            // What another job made there that does something else is no output of this one.
            assert_eq!(done(&bench, &all), numbers("a2 3 b 3 pair 1"));
            assert_eq!(bench.read("out/a/t1.txt"), "1T FO DNUOS");
        }
        nothing(&bench, &all);
    }
}

#[test]
fn the_plan_counts_what_was_touched_after_its_source_was_replaced() {
    for selection in [ALL, "--job b --bottom-up t1", "--only a,b t1"] {
        let bench = made();
        bench.write("in/t1.txt", "a new sound");
        let output = File::options().append(true).open(bench.path("out/a/t1.txt")).expect("opened");
        output.set_modified(SystemTime::now()).expect("set");
        let plan = bench.call(&format!("plan g.yaml --json {selection}")).ends(0).last();
        let on_request = counted(&plan["jobs"], "on_request");
        let mut foretold = counted(&plan["jobs"], "make");
        foretold.extend(on_request);
        assert_eq!(foretold, done(&bench, selection), "{selection}: {plan}");
        assert_eq!(bench.read("out/b/t1.txt"), "A NEW SOUND", "{selection}");
    }
}

#[test]
fn what_another_program_put_there_is_not_told_as_made_before_a_job_was_changed() {
    let bench = made();
    bench.write("new", "by hand");
    std::fs::rename(bench.path("new"), bench.path("out/a/t3.txt")).expect("moved");
    bench.call(&format!("run g.yaml {ALL}")).ends(0);
    settled(&bench);
    script(&bench, "tr a-z A-Z < \"$1\" | rev > \"$2\"");
    for verb in ["plan", "run"] {
        let said = bench.call(&format!("{verb} g.yaml --json {ALL}")).ends(0).last();
        assert_eq!(said["former"][0]["count"], 2, "{verb}: {said}");
    }
    assert_eq!(done(&bench, &format!("{ALL} --refresh=a")), numbers("a 2 b 2 pair 1"));
    for verb in ["plan", "run"] {
        let said = bench.call(&format!("{verb} g.yaml --json {ALL}")).ends(0).last();
        assert_eq!(said["former"], serde_json::json!([]), "{verb}: {said}");
    }
    assert_eq!(bench.read("out/a/t3.txt"), "by hand");
}

#[test]
fn a_retry_says_where_it_went_on_with_what_is_out_of_date() {
    let bench = failed();
    bench.write("in/t1.txt", "a good sound");
    // `c` is tried again on what `a` made of the bad sound in the same run.
    let said = bench.call("dead retry g.yaml").ends(4).out;
    assert!(said.contains("such as c(t1), the inputs changed since the run that made them"), "{said}");
    assert!(said.contains("`euterpe run g.yaml` does\n"), "{said}");
    let ran = bench.call("run g.yaml --json").ends(0).last();
    assert_eq!(counted(&ran["jobs"], "done"), numbers("a 1 b 1 c 1 d 1"), "{ran}");
    let said = bench.call("dead retry g.yaml").ends(0).out;
    assert!(said.contains("all is made good") && !said.contains("the inputs changed"), "{said}");
}
