//! What cannot begin is said once, before anything is done: with its place in the graph file and the traceback.

use super::bench;

fn refused(transforms: &str, job: &str, says: &[&str]) {
    let bench = bench(job, transforms);
    for verb in ["run g.yaml a b c", "verify g.yaml"] {
        let called = bench.call(verb).ends(1);
        let said = format!("{}{}", called.out, called.err);
        assert_eq!(said.matches("g.yaml:6:3: jobs.job: ").count(), 1, "{said}");
        for part in says {
            assert!(said.contains(part), "`{part}` is not in {said}");
        }
    }
    assert!(bench.files("out").is_empty(), "nothing is done");
    assert!(bench.call("dead ls g.yaml").ends(0).out.contains("no dead letters"));
}

const JOB: &str = "    python: t.py:work\n";

#[test]
fn an_import_that_fails_is_shown_with_its_traceback() {
    let text = "import no_such_package\n\ndef work() -> str:\n    return ''\n";
    refused(text, JOB, &["No module named 'no_such_package'", "t.py\", line 1"]);
    let text = "def work() -> str:\n    return ''\nraise RuntimeError('at import')\n";
    refused(text, JOB, &["RuntimeError: at import\n", "line 3"]);
}

#[test]
fn a_signature_that_does_not_fit_the_job_is_told_with_both() {
    let text = "def work(mel: bytes, *, top: int = 3) -> bytes:\n    return mel\n";
    let inputs = "    python: t.py:work\n    in: {pcm: \"in:{id}\"}\n";
    refused(text, inputs, &["`work` takes the input mel; the job gives pcm"]);
    let options = "    python: t.py:work\n    in: {mel: \"in:{id}\"}\n    with: {tip: 4}\n";
    refused(text, options, &["tip", "top"]);
    let kind = "    python: t.py:work\n    in: {mel: \"in:{id}\"}\n    with: {top: many}\n";
    refused(text, kind, &["top"]);
}

#[test]
fn a_program_that_is_not_there_is_told_before_anything_is_done() {
    let bench = bench("    use: worker\n    with: {argv: [no-such-program, x]}\n", "");
    let said = bench.call("run g.yaml a b").ends(1).err;
    assert!(said.contains("jobs.job: could not start `no-such-program x`: "), "{said}");
    assert!(said.contains("install the program, or correct what the job names"), "{said}");
    assert!(bench.files("out").is_empty(), "nothing is done");
}

#[test]
fn a_setup_that_fails_is_told_and_the_function_is_not_called() {
    let text = "from euterpe import transform\n\ndef load() -> str:\n    raise OSError('no weights')\n\n\
                @transform(setup=load)\ndef work(model: str) -> str:\n    return model\n";
    refused(text, JOB, &["OSError: no weights\n", "in load"]);
}

#[test]
fn a_worker_that_can_no_longer_begin_stops_the_run_and_costs_no_entity() {
    let text = "import os\nif os.path.exists('$HERE/broken'):\n    raise RuntimeError('broken meanwhile')\n\n\
                from euterpe import Context\n\ndef work(ctx: Context) -> str:\n    \
                if ctx.entity == 'b':\n        open('$HERE/broken', 'w').close()\n        os._exit(1)\n    return 'good'\n";
    let bench = bench("    python: t.py:work\n    pool: {workers: 1}\n", "");
    bench.write("t.py", &text.replace("$HERE", &bench.path("").display().to_string()));
    let said = bench.call("run g.yaml a b c d e f").ends(1).err;
    assert_eq!(said.matches("jobs.job: RuntimeError: broken meanwhile\n").count(), 1, "{said}");
    assert!(bench.call("dead ls g.yaml").ends(0).out.contains("no dead letters"));
    std::fs::remove_file(bench.path("broken")).expect("repaired");
    bench.write("t.py", "def work() -> str:\n    return 'good'\n");
    bench.call("runs resume g.yaml last").ends(0);
    assert_eq!(bench.files("out").len(), 6);
}

#[test]
fn a_run_in_one_process_does_no_work_by_code_that_changed_in_the_meantime() {
    let text = "from euterpe import Context\n\ndef work(ctx: Context) -> str:\n    if ctx.entity == 'b':\n        \
                text = open(__file__).read().replace('f1rst'.replace('1', 'i'), 'second')\n        \
                open(__file__, 'w').write(text)\n    return 'first'\n";
    let bench = bench("    python: t.py:work\n    pool: {workers: 1, recycle_after: 1}\n    retries: 0\n", text);
    let said = bench.call("run g.yaml a b c d").ends(1).err;
    assert_eq!(said.matches("the code of `t.py:work` changed since this process began").count(), 1, "{said}");
    let made = bench.files("out");
    assert!(made.len() <= 2 && made.iter().all(|file| bench.read(&format!("out/{file}")) == "first"), "{made:?}");
    assert!(bench.call("dead ls g.yaml").ends(0).out.contains("no dead letters"), "a change is nobody's failure");
    bench.call("runs resume g.yaml last").ends(0);
    assert!(bench.files("out").len() == 4 && bench.read("out/d.txt") == "second");
}

#[test]
fn a_worker_that_reads_more_of_the_code_later_makes_nothing_of_what_changed_meanwhile() {
    let text = "from euterpe import Context\n\ndef work(ctx: Context) -> str:\n    if ctx.entity == 'a':\n        \
                return 'first'\n    if ctx.entity == 'b':\n        \
                open('$HERE/later.py', 'w').write('V = \"second\"')\n    import later\n    return later.V\n";
    let bench = bench("    python: t.py:work\n    pool: {workers: 1}\n    retries: 0\n", "");
    bench.write("t.py", &text.replace("$HERE", &bench.path("").display().to_string()));
    bench.write("later.py", "V = \"first\"");
    let said = bench.call("run g.yaml a b c d").ends(1).err;
    assert_eq!(said.matches("the code of `t.py:work` changed since this process began").count(), 1, "{said}");
    let made = bench.files("out");
    assert!(made.len() <= 1 && made.iter().all(|file| bench.read(&format!("out/{file}")) == "first"), "{made:?}");
    assert!(bench.call("dead ls g.yaml").ends(0).out.contains("no dead letters"), "a change is nobody's failure");
    bench.call("runs resume g.yaml last").ends(0);
    assert!(bench.files("out").len() == 4 && bench.read("out/d.txt") == "second");
}

#[test]
fn a_function_that_is_not_in_the_file_and_a_file_that_is_not_there_are_found_by_lint() {
    let with = super::bench("    python: t.py:wrok\n", "def work() -> str:\n    return ''\n");
    let said = with.call("lint g.yaml").ends(3).err;
    assert!(said.contains("no function `wrok` in `t.py`; did you mean `work`?"), "{said}");
    let without = super::bench("    python: u.py:work\n", "");
    let said = without.call("lint g.yaml").ends(3).err;
    assert!(said.contains("`u.py` cannot be read"), "{said}");
}
