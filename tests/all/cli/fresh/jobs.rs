//! What is left alone: what jobs made before they were changed, sources that were only moved.

use std::fs;

use super::{ALL, Bench, GRAPH, age, done, made, numbers, planned, script};

#[test]
fn a_changed_job_is_told_with_what_changed_and_left_alone_until_it_is_forced_or_accepted() {
    let bench = made();
    let nothing = |bench: &Bench| {
        let said = bench.call(&format!("run g.yaml {ALL}")).ends(0).out;
        assert!(said.starts_with("nothing to do"), "{said}");
        assert!(!said.contains("was another") && !said.contains("before a job was changed"), "{said}");
    };
    let told = |bench: &Bench, what: &str| {
        for verb in ["plan", "run"] {
            let said = bench.call(&format!("{verb} g.yaml {ALL}")).ends(0).out;
            assert!(said.contains("made before a job was changed, and left as it is\n"), "{verb}: {said}");
            assert!(said.contains(what), "{verb}: {said}");
        }
    };
    // Its code: a file that `argv` names.
    script(&bench, "tr a-z A-Z < \"$1\" | rev > \"$2\"");
    told(&bench, "a: 3, such as `t1`: its code, or what it was given as variables, was another\n");
    let said = bench.call(&format!("plan g.yaml --store out=out {ALL}")).ends(0).out;
    assert!(said.contains("keeps it, in the other places of its stores as well\n"), "{said}");
    told(&bench, "`euterpe run g.yaml --refresh=a` makes it anew, `euterpe accept g.yaml a` keeps it\n");
    assert_eq!(bench.read("out/a/t1.txt"), "SOUND OF T1");
    // Back again: what is there was made by this.
    script(&bench, "tr a-z A-Z < \"$1\" > \"$2\"");
    nothing(&bench);
    // An option.
    bench.write("g.yaml", &GRAPH.replace("[cp, \"{input}\"", "[cp, -f, \"{input}\""));
    told(&bench, "b: 3, such as `t1`: `argv` was [\"cp\",\"{input}\",\"{output}\"] and is [\"cp\",\"-f\",\"{input}\"");
    let plan = bench.call(&format!("plan g.yaml --json {ALL}")).ends(0).last();
    assert_eq!(plan["former"][0]["count"], 3, "{plan}");
    bench.call("accept g.yaml b").ends(0);
    nothing(&bench);
    // What counts for the outputs, and what does not.
    let other = GRAPH.replace("[cp, \"{input}\"", "[cp, -f, \"{input}\"");
    bench.write("g.yaml", &other.replace("retries: 0", "retries: 3, timeout: 1m"));
    bench.write("beside.sh", "a file that no job names");
    nothing(&bench);
    bench.write("g.yaml", &other.replace("in: {x: a}", "version: \"2\", in: {x: a}"));
    told(&bench, "b: 3, such as `t1`: `version` was not set and is `2`\n");
    // Force makes it anew; what comes of it is the same.
    assert_eq!(done(&bench, &format!("{ALL} --force=b")), numbers("b 3 pair 1"));
    nothing(&bench);
    let said = bench.call("accept g.yaml nosuch").ends(2).err;
    assert!(said.contains("no job named `nosuch`"), "{said}");
}

#[test]
fn a_job_that_was_changed_is_told_for_those_entities_alone_that_were_asked_for() {
    let bench = made();
    bench.write("g.yaml", &GRAPH.replace("[cp, \"{input}\"", "[cp, -f, \"{input}\""));
    let said = bench.call("run g.yaml --only a,b t2").ends(0).out;
    assert!(said.contains("b: 1, such as `t2`: `argv` was"), "{said}");
}

#[test]
fn a_graph_that_says_so_leaves_what_was_replaced_alone() {
    let bench = made();
    bench.write("g.yaml", &GRAPH.replace("defaults:", "refresh: never\ndefaults:"));
    bench.write("in/t1.txt", "a new sound");
    assert_eq!((planned(&bench, ALL), done(&bench, ALL)), (numbers(""), numbers("")));
    assert_eq!(bench.read("out/b/t1.txt"), "SOUND OF T1");
    bench.write("g.yaml", &GRAPH.replace("defaults:", "refresh: now\ndefaults:"));
    let said = bench.call("lint g.yaml --json").ends(3).out;
    assert!(said.contains("expected `sources`, `never` or `[sources, recipe]`, got `now`"), "{said}");
}

#[test]
fn sources_that_are_moved_within_their_store_are_the_same_and_others_in_a_new_place_are_not() {
    let bench = made();
    let moved = GRAPH.replace("in:{id}.txt", "in:sub/{id}.txt");
    fs::create_dir(bench.path("in/sub")).expect("made");
    for id in ["t1", "t2", "t3"] {
        fs::rename(bench.path(&format!("in/{id}.txt")), bench.path(&format!("in/sub/{id}.txt"))).expect("moved");
    }
    bench.write("g.yaml", &moved);
    assert_eq!((planned(&bench, ALL), done(&bench, ALL)), (numbers(""), numbers("")));
    // The former place does not matter any more.
    bench.write("in/t3.txt", "sound of t3");
    bench.write("in/sub/t3.txt", "a new sound");
    assert_eq!(done(&bench, ALL), numbers("a 1 b 1"));
    assert_eq!(bench.read("out/b/t3.txt"), "A NEW SOUND");
}

#[test]
fn a_link_that_leads_elsewhere_brings_other_sources_however_old_they_are() {
    let bench = made();
    for folder in ["v1", "v2"] {
        bench.write(&format!("{folder}/t1.txt"), &format!("sound of {folder}"));
        age(&bench, &format!("{folder}/t1.txt"));
    }
    std::os::unix::fs::symlink("v1", bench.path("current")).expect("linked");
    let of = "--only a,b --store in=current";
    assert_eq!(done(&bench, of), numbers("a 1 b 1"));
    assert_eq!(done(&bench, of), numbers(""));
    fs::remove_file(bench.path("current")).expect("removed");
    bench.write("v2/longer", "");
    std::os::unix::fs::symlink("v2", bench.path("current")).expect("linked");
    bench.write("v2/t1.txt", "another sound of v2");
    age(&bench, "v2/t1.txt");
    assert_eq!(done(&bench, of), numbers("a 1 b 1"));
    assert_eq!(bench.read("out/b/t1.txt"), "ANOTHER SOUND OF V2");
}
