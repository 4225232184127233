//! Records that name what the graph has no more, that cannot be read, or that a killed process left half-written.

use std::path::PathBuf;

use super::{Bench, CHAIN, chain};

/// The records below a folder of the state whose names end so.
fn records(bench: &Bench, below: &str, end: &str) -> Vec<PathBuf> {
    let files = bench.files(".euterpe/chain");
    let fits = files.iter().filter(|file| file.starts_with(below) && file.ends_with(end));
    fits.map(|file| bench.path(".euterpe/chain").join(file)).collect()
}

fn renamed(bench: &Bench, from: &str, to: &str) {
    let text = bench.read("g.yaml").replace(from, to);
    bench.write("g.yaml", &text);
}

#[test]
fn a_job_that_a_run_named_and_that_is_gone_is_open_and_is_neither_resumed_nor_cleared_away() {
    for words in ["--job c --bottom-up", "--only a,b,c", "--job a --force=a,c"] {
        let bench = chain();
        bench.write("fix/y", "fixed");
        bench.call(&format!("run g.yaml x z {words}")).ends(0);
        bench.call("runs check g.yaml last").ends(0);
        renamed(&bench, "  c:", "  cc:");
        let checked = bench.call("runs check g.yaml last").ends(1);
        assert!(checked.out.contains("asked for job `c`, which this graph has no more"), "{words}: {checked:?}");
        let account = bench.call("--json runs check g.yaml last").ends(1).last();
        assert_eq!((&account["open"], &account["unknown_jobs"]), (&2.into(), &serde_json::json!(["c"])), "{words}");
        let refused = bench.call("runs resume g.yaml last").ends(1);
        assert!(refused.err.contains("asked for job `c`") && refused.err.contains("nothing was sent"), "{refused:?}");
        bench.call("run g.yaml x --job a").ends(0);
        bench.call("gc g.yaml --runs-older-than 0s").ends(0);
        assert_eq!(bench.call("--json runs ls g.yaml").facts().len(), 2, "{words}: its records are gone");
        renamed(&bench, "  cc:", "  c:");
        bench.call("gc g.yaml --runs-older-than 0s").ends(0);
        assert_eq!(bench.call("--json runs ls g.yaml").facts().len(), 1, "{words}: it is done, and stays");
    }
}

#[test]
fn ids_whose_form_the_graph_has_no_more_are_open_and_named() {
    let bench = chain();
    bench.call("run g.yaml x z").ends(0);
    let job =
        r#"a: {entity: "{p}+{q}", use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {t: "in:{p}+{q}.txt"},"#;
    let graph = "version: 1\ngraph: chain\nstores: {in: ./in, out: ./out}\njobs:\n  ";
    bench.write("g.yaml", &format!("{graph}{job} out: \"out:a/{{p}}+{{q}}.txt\"}}\n"));
    let checked = bench.call("runs check g.yaml last").ends(1);
    assert!(checked.out.contains("2 ids that no job of this graph takes, such as x, z"), "{checked:?}");
    let refused = bench.call("runs resume g.yaml last").ends(1);
    assert!(refused.err.contains("asked for `x`, and no job of this graph takes"), "{refused:?}");
}

#[test]
fn one_record_that_cannot_be_read_stops_no_verb_and_is_removed_when_asked() {
    let bench = chain();
    bench.call("run g.yaml x").ends(0);
    bench.call("run g.yaml").ends(4);
    let torn = [records(&bench, "dead/", ".json"), records(&bench, "runs/", "manifest.json")[..1].to_vec()].concat();
    for record in &torn {
        std::fs::write(record, "{").expect("torn");
    }
    let listed = bench.call("dead ls g.yaml").ends(0);
    assert!(listed.err.contains("passed over") && listed.err.contains("gc GRAPH --unreadable"), "{listed:?}");
    assert!(listed.out.contains("1 other record"), "{listed:?}");
    assert_eq!(bench.call("--json runs ls g.yaml").ends(0).facts().len(), 1);
    bench.call("runs show g.yaml last").ends(0);
    let checked = bench.call("--json runs check g.yaml last").ends(4).last();
    assert_eq!(
        (&checked["done"], &checked["dead"], &checked["open"]),
        (&2.into(), &1.into(), &0.into()),
        "a letter that nobody can read says by its key what it is of"
    );
    bench.call("explain g.yaml y").ends(0);
    bench.call("plan g.yaml").ends(0);
    bench.call("gc g.yaml --runs-older-than 0s").ends(0);
    let retried = bench.call("dead retry g.yaml").ends(4);
    assert!(retried.out.contains("1 letter cannot be read"), "{retried:?}");
    bench.call("run g.yaml x").ends(0);
    assert!(torn.iter().all(|record| record.exists()), "one was removed");
    let told = bench.call("--json gc g.yaml -n --unreadable").ends(0).last();
    assert_eq!(told["kinds"]["unreadable_records"]["count"], 2, "{told}");
    bench.call("gc g.yaml --unreadable").ends(0);
    assert!(!torn.iter().any(|record| record.exists()));
    assert_eq!(bench.call("runs ls g.yaml").ends(0).err, "");
}

#[test]
fn a_run_whose_manifest_is_gone_is_named_and_not_the_one_before() {
    let bench = chain();
    bench.call("run g.yaml x").ends(0);
    bench.call("run g.yaml z").ends(0);
    let newest = records(&bench, "runs/", "manifest.json").into_iter().max().expect("a run");
    for has_folder in [false, true] {
        std::fs::remove_file(&newest).ok();
        if has_folder {
            std::fs::create_dir(&newest).expect("made");
        }
        for verb in ["check", "resume", "show"] {
            let said = bench.call(&format!("runs {verb} g.yaml last")).ends(1);
            assert!(said.err.contains("the manifest of run") && said.err.contains("is gone"), "{verb}: {said:?}");
        }
        let listed = bench.call("runs ls g.yaml").ends(0);
        assert!(listed.err.contains("is gone"), "{listed:?}");
    }
}

#[test]
fn a_record_of_what_jobs_did_that_cannot_be_read_stays_until_it_is_removed_and_nothing_is_accepted_meanwhile() {
    let bench = chain();
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml").ends(0);
    let record = ".euterpe/chain/recipes.json";
    for text in ["", "{\"jo", "{\"format\": 99, \"jobs\": {}}"] {
        bench.write(record, text);
        let ran = bench.call("run g.yaml").ends(0);
        assert!(ran.err.contains("passed over: could not read `recipes.json`"), "{text}: {ran:?}");
        let refused = bench.call("accept g.yaml a").ends(1);
        assert!(
            refused.err.contains("nothing was accepted") && refused.err.contains("gc GRAPH --unreadable"),
            "{refused:?}"
        );
        assert_eq!(refused.out, "", "it claims to have accepted");
        assert_eq!(bench.read(record), text, "it was written over");
        let told = bench.call("--json gc g.yaml -n --unreadable").ends(0).last();
        assert_eq!(told["kinds"]["unreadable_records"]["count"], 1, "{text}: {told}");
        bench.call("gc g.yaml --unreadable").ends(0);
        assert!(!bench.has(record), "{text}");
        let accepted = bench.call("accept g.yaml a").ends(0);
        assert_eq!((accepted.err.as_str(), bench.has(record)), ("", true));
    }
}

#[test]
fn a_torn_skip_record_lets_its_entity_be_worked_on_again() {
    let bench = chain();
    bench.call("run g.yaml").ends(4);
    bench.call("dead drop g.yaml y").ends(0);
    std::fs::write(&records(&bench, "skipped/", ".json")[0], "").expect("torn");
    let ran = bench.call("run g.yaml").ends(4);
    assert!(ran.err.contains("passed over"), "{ran:?}");
    bench.write("fix/y", "fixed");
    bench.call("dead retry g.yaml").ends(0);
    assert!(bench.has("out/c/y.txt"));
}

#[test]
fn a_torn_chunk_of_ids_is_never_taken_for_done_and_not_even_when_it_is_removed() {
    let bench = chain();
    bench.call("run g.yaml x z").ends(0);
    std::fs::write(&records(&bench, "runs/", ".txt.gz")[0], "x\n\u{0}").expect("torn");
    let checked = bench.call("runs check g.yaml last").ends(1);
    assert!(checked.out.contains("1 record of this run's ids cannot be read"), "{checked:?}");
    bench.call("runs resume g.yaml last").ends(1);
    bench.call("run g.yaml x --job a").ends(0);
    let first = first(&bench);
    bench.call("gc g.yaml --unreadable --runs-older-than 0s").ends(0);
    let checked = bench.call(&format!("runs check g.yaml {first}"));
    assert!(checked.out.contains("before it said that it had read all of its ids"), "{checked:?}");
    bench.call("gc g.yaml --runs-older-than 0s").ends(0);
    assert_eq!(bench.call("--json runs ls g.yaml").facts().len(), 2);
}

/// The first run.
fn first(bench: &Bench) -> String {
    bench.call("--json runs ls g.yaml").facts()[0]["run"].as_str().expect("an id").to_owned()
}

#[test]
fn ids_of_a_run_that_are_gone_are_not_taken_for_none() {
    let bench = chain();
    bench.call("run g.yaml x z").ends(0);
    bench.call("runs check g.yaml last").ends(0);
    let packed = &records(&bench, "runs/", ".txt.gz")[0];
    let chunk = &packed.with_extension(""); // as former versions wrote them
    std::fs::remove_file(packed).expect("removed");
    for (changed, count) in [("x\n", 1), ("x\nz\nz\n", 3), ("x\ny\n", 2)] {
        std::fs::write(chunk, changed).expect("changed");
        let checked = bench.call("runs check g.yaml last").ends(1);
        assert!(checked.err.contains(&format!("it wrote 2, there are {count}")), "{checked:?}");
    }
    std::fs::remove_file(chunk).expect("removed");
    let checked = bench.call("runs check g.yaml last").ends(1);
    assert!(checked.out.contains("1 record of this run's ids cannot be read"), "{checked:?}");
    assert!(checked.err.contains("it wrote 2, there are 0"), "{checked:?}");
    bench.call("runs resume g.yaml last").ends(1);
    bench.call("run g.yaml x --job a").ends(0);
    bench.call("gc g.yaml --runs-older-than 0s").ends(0);
    assert_eq!(bench.call("--json runs ls g.yaml").facts().len(), 2, "its records were removed");
    std::fs::write(&records(&bench, "runs/", "read.json")[0], "{\"ent").expect("torn");
    let checked = bench.call(&format!("runs check g.yaml {}", first(&bench)));
    assert!(checked.out.contains("before it said that it had read all of its ids"), "{checked:?}");
    bench.call("gc g.yaml --runs-older-than 0s").ends(0);
    assert_eq!(bench.call("--json runs ls g.yaml").facts().len(), 2, "a torn record counts as none");
}

#[test]
fn a_retry_ends_where_the_job_of_who_waited_is_renamed() {
    let bench = chain();
    bench.call("run g.yaml --job c --bottom-up y").ends(4);
    renamed(&bench, "  c:", "  cc:");
    bench.write("fix/y", "fixed");
    let retried = bench.call("dead retry g.yaml").ends(4);
    assert!(retried.out.contains("c(y): unknown_job: no job named `c` in this graph"), "{retried:?}");
    assert!(bench.has("out/b/y.txt"), "what could be made was not made");
    let listed = bench.call("dead ls g.yaml").ends(0).out;
    assert!(listed.contains("c: 1 unknown_job") && listed.contains("1 letter cannot be tried again"), "{listed}");
    assert!(!listed.contains("dead retry"), "{listed}");
    assert!(bench.call("dead ls g.yaml --job c").ends(0).out.contains("c: 1 unknown_job"), "its job is gone");
    bench.call("dead ls g.yaml --job nosuch").ends(2);
    let retried = bench.call("dead retry g.yaml").ends(4).out;
    assert!(retried.contains("then `euterpe dead drop g.yaml --job c --reason unknown_job`"), "{retried}");
    renamed(&bench, "  cc:", "  c:");
    bench.call("dead retry g.yaml").ends(0);
    assert!(bench.has("out/c/y.txt"), "the waiter's letter has not all that a retry needs");
    bench.call("runs check g.yaml last").ends(0);
}

#[test]
fn what_hangs_below_a_letter_that_was_made_good_is_accounted_for_when_it_is_dropped() {
    let bench = Bench::new(CHAIN);
    bench.write("in/y.txt", "y");
    bench.call("run g.yaml").ends(4);
    bench.write("fix/y", "fixed");
    bench.call("run g.yaml --job b --bottom-up y").ends(0);
    let run = bench.call("--json runs ls g.yaml").facts()[0]["run"].as_str().expect("an id").to_owned();
    bench.call(&format!("runs check g.yaml {run}")).ends(4);
    bench.call("dead drop g.yaml --all").ends(0);
    let checked = bench.call(&format!("--json runs check g.yaml {run}")).ends(0).last();
    assert_eq!((&checked["jobs"]["b"]["done"], &checked["jobs"]["c"]["skipped"]), (&1.into(), &1.into()), "{checked}");
}

#[test]
fn what_a_killed_run_left_half_written_in_its_outputs_is_removed_by_the_next_process() {
    let bench = Bench::new(
        &CHAIN.replace("[cp, \"{input}\", \"{output}\"]", "[sh, -c, 'sleep 600', \"{input}\", \"{output}\"]"),
    );
    bench.write("in/x.txt", "x");
    let mut run = bench.start("run g.yaml");
    let started = std::time::Instant::now();
    let lock = loop {
        match records(&bench, "alive/", "").pop() {
            Some(lock) if !records(&bench, "runs/", "manifest.json").is_empty() => break lock,
            _ => assert!(started.elapsed().as_secs() < 60, "it did not begin"),
        }
        std::thread::sleep(std::time::Duration::from_millis(20)); // a deadline against a real process
    };
    run.kill().expect("killed");
    run.wait().expect("ended");
    // As if it had been killed within a write: the journal names the file.
    let temp = bench.path("out/a/.euterpe-tmp-1-1");
    bench.write("out/a/.euterpe-tmp-1-1", "half");
    std::fs::write(&lock, temp.display().to_string()).expect("written");
    bench.write("g.yaml", &CHAIN.replace("$HERE", &bench.path("").display().to_string()));
    bench.call("run g.yaml").ends(4);
    assert!(!temp.exists() && bench.has("out/a/x.txt"));
}

#[test]
fn a_torn_name_of_the_state_or_of_a_store_is_removed_when_asked_and_not_that_of_a_source() {
    let bench = chain();
    bench.call("run g.yaml x").ends(0);
    let torn = ["out", ".euterpe/chain"].map(|place| format!("{place}/.euterpe/store.json"));
    torn.iter().for_each(|marker| bench.write(marker, ""));
    bench.write("in/.euterpe/store.json", "{");
    let told = bench.call("--json gc g.yaml -n --unreadable").ends(0);
    assert_eq!(told.last()["kinds"]["unreadable_records"]["count"], 2, "{told:?}");
    assert!(told.err.contains("says which store that is") && told.err.contains("start them again"), "{told:?}");
    assert!(torn.iter().all(|marker| bench.has(marker)));
    bench.call("gc g.yaml --unreadable").ends(0);
    assert!(!torn.iter().any(|marker| bench.has(marker)) && bench.has("in/.euterpe/store.json"));
    torn.iter().for_each(|marker| bench.write(marker, "{\"id\": \"mine\"}"));
    bench.call("gc g.yaml --unreadable").ends(0);
    assert!(torn.iter().all(|marker| bench.has(marker)), "one that can be read was removed");
}
