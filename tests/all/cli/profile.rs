//! `profile`: its numbers are those of the kernel, nothing is kept, and what is missing is named.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Bench, Called, ended};

/// A Python function that computes for a while and has 192 MiB at once, and the same as a command.
const BURN: &str = "import sys, time\n\n\ndef burn(text: str) -> str:\n    held = bytearray(192 << 20)\n    \
                    until = time.process_time() + 0.8\n    total = 0\n    while time.process_time() < until:\n        \
                    total += sum(range(1000))\n    return f\"{text}{len(held)} {total}\"[:9]\n\n\n\
                    if __name__ == \"__main__\":\n    open(sys.argv[1], \"w\").write(burn(\"x\"))\n";

const GRAPH: &str = r#"
version: 1
graph: p
stores: {in: ./in, out: ./out}
jobs:
  first: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {text: "in:{id}.txt"}, out: "out:first/{id}.txt"}
  burn: {python: burn.py:burn, in: {text: first}, out: "out:burn/{id}.txt"}
  program: {use: command, with: {argv: [python3, $HERE/burn.py, "{output}"]}, in: {text: first}, out: "out:program/{id}.txt"}
"#;

fn bench() -> Bench {
    let bench = Bench::new(GRAPH);
    bench.write("in/t-1.txt", "text");
    bench.write("burn.py", BURN);
    bench
}

/// CPU seconds and most memory of the same work in a process of its own, as the kernel counts them for who waits for it.
fn outside(bench: &Bench) -> (f64, f64) {
    let script = "import resource, subprocess, sys\nsubprocess.run([sys.executable, 'burn.py', 'made'], check=True)\n\
                  u = resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(u.ru_utime + u.ru_stime, u.ru_maxrss * 1024)\n";
    let mut command = std::process::Command::new("python3");
    let output = command.current_dir(bench.path("")).args(["-c", script]).output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    (numbers[0], numbers[1])
}

fn number(fact: &Value, name: &str) -> f64 {
    fact["median"][name].as_f64().unwrap_or_else(|| panic!("no {name} in {fact:#}"))
}

fn near(mine: f64, theirs: f64, what: &str) {
    assert!((0.75..1.33).contains(&(mine / theirs)), "{what}: {mine} here, {theirs} by the kernel");
}

fn profile(bench: &Bench, words: &str) -> Called {
    bench.call(&format!("profile g.yaml {words}"))
}

#[test]
fn missing_inputs_are_named_with_what_makes_them_and_nothing_is_tried() {
    let bench = bench();
    let called = profile(&bench, "burn --id t-1").ends(1);
    assert!(
        called.err.contains("input `text` of burn(t-1) is missing: `out:first/t-1.txt` is not there"),
        "{called:?}"
    );
    assert!(called.err.contains("make it with `euterpe run g.yaml --job first --bottom-up t-1`"), "{called:?}");
    let called = profile(&bench, "first --id t-2").ends(1);
    assert!(called.err.contains("the source `in:t-2.txt` is not there"), "{called:?}");
    assert!(profile(&bench, "fist --id t-1").ends(2).err.contains("did you mean `first`?"));
    assert!(profile(&bench, "first --id t-1 --lines").ends(2).err.contains("is no Python transform"));
}

#[test]
fn cpu_and_memory_of_python_and_of_commands_are_those_of_the_kernel() {
    let bench = bench();
    bench.call("run g.yaml --job first --bottom-up t-1").ends(0);
    let (cpu, memory) = outside(&bench);
    for (job, measured) in [("burn", "worker"), ("program", "command")] {
        let fact = profile(&bench, &format!("{job} --id t-1 --repeat 2 --json")).ends(0).last();
        assert_eq!(
            (&fact["measured"], fact["tries"].as_array().map(Vec::len)),
            (&measured.into(), Some(2)),
            "{fact:#}"
        );
        let all = if measured == "worker" { "process_cpu" } else { "cpu" };
        near(number(&fact, all), cpu, "CPU");
        near(number(&fact, "peak_rss_bytes"), memory, "memory");
        assert!(number(&fact, "work") >= 0.8 && number(&fact, "work") >= number(&fact, "cpu_user") * 0.9, "{fact:#}");
        assert!(fact["least"]["work"].as_f64() <= fact["most"]["work"].as_f64(), "{fact:#}");
        assert_eq!(number(&fact, "bytes_in"), 4.0, "{fact:#}");
    }
    assert_eq!(bench.files("out"), ["first/t-1.txt"], "what is made is not kept");
    assert_eq!(bench.call("runs ls g.yaml --json").ends(0).facts().len(), 1, "a try is no run");
}

#[test]
fn lines_of_python_hold_the_time_of_what_they_call_and_memory_is_drawn() {
    let bench = bench();
    bench.call("run g.yaml --job first --bottom-up t-1").ends(0);
    let fact = profile(&bench, "burn --id t-1 --lines --memory-png memory.png --json").ends(0).last();
    assert_eq!(fact["lines"]["by"], "euterpe", "{fact:#}");
    let lines = fact["lines"]["files"][0]["lines"].as_array().expect("lines");
    let of = |text: &str| lines.iter().find(|line| line["source"].as_str().is_some_and(|line| line.contains(text)));
    let loop_line = of("sum(range(1000))").expect("the line");
    assert!(loop_line["hits"].as_u64() > Some(10) && loop_line["seconds"].as_f64() > Some(0.2), "{lines:#?}");
    assert!(of("return").expect("the last line")["seconds"].as_f64() < Some(0.2), "{lines:#?}");
    let picture = std::fs::read(bench.path("memory.png")).expect("a picture");
    assert!(picture.starts_with(b"\x89PNG"));
    let page = profile(&bench, "burn --id t-1").ends(0).out;
    for part in
        ["burn(t-1): burn.py:burn, 1 try", "  start ", "  work ", "  CPU in all ", "measured: the job's worker process"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn whatever_signal_ends_a_profile_its_scratch_folder_goes_with_it() {
    let graph = "version: 1\ngraph: p\nstores: {out: ./out}\njobs:\n  \
                 endless: {use: command, with: {argv: [sh, -c, \"echo > {output}; exec tail --pid $PPID -f /dev/null\"]}, \
                 out: \"out:{id}.txt\"}\n";
    for signal in [Signal::INT, Signal::QUIT, Signal::ABORT, Signal::ALARM, Signal::USR1, Signal::USR2, Signal::XCPU] {
        let bench = Bench::new(graph);
        std::fs::create_dir(bench.path("tmp")).expect("made");
        let mut command = bench.command("profile g.yaml endless --id t-1");
        let profile = command.env("TMPDIR", bench.path("tmp")).spawn().expect("it starts");
        let began = std::time::Instant::now();
        while !bench.files("tmp").iter().any(|file| file.contains("/work")) {
            assert!(began.elapsed().as_secs() < 60, "the work did not begin: {:?}", bench.files("tmp"));
            std::thread::sleep(std::time::Duration::from_millis(10)); // a deadline against a real process
        }
        kill_process(Pid::from_child(&profile), signal).expect("sent");
        let ended = ended(profile.wait_with_output().expect("it ends")).ends(130);
        assert!(ended.err.contains("stopped; nothing of it is kept"), "{signal:?}: {ended:?}");
        let left: Vec<_> = std::fs::read_dir(bench.path("tmp")).expect("a folder").collect();
        assert!(left.is_empty(), "{signal:?} leaves {left:?}");
    }
}

#[test]
fn a_try_that_fails_says_why_and_the_transforms_of_the_program_are_measured_in_a_process_of_their_own() {
    let graph = "version: 1\ngraph: p\nstores: {out: ./out}\njobs:\n  \
                 track: {use: synth.track, with: {seconds: 5}, out: \"out:{id}.wav\"}\n  \
                 broken: {use: command, with: {argv: [sh, -c, \"echo no tempo >&2; exit 3\", x, \"{output}\"]}, out: \"out:{id}.txt\"}\n";
    let bench = Bench::new(graph);
    let called = bench.call("profile g.yaml broken --id t-1").ends(1);
    assert!(
        called.err.contains("a try of broken(t-1) failed (failed)") && called.err.contains("no tempo"),
        "{called:?}"
    );
    let fact = bench.call("profile g.yaml track --id t-1 --json").ends(0).last();
    assert_eq!((&fact["measured"], &fact["median"]["start"]), (&"program".into(), &Value::Null), "{fact:#}");
    let (cpu, all) = (number(&fact, "cpu"), number(&fact, "process_cpu"));
    assert!(cpu > 0.0 && all >= cpu && number(&fact, "work") > 0.0, "{fact:#}");
    let before = fact["tries"][0]["rss_before_bytes"].as_f64().expect("a number");
    assert!(before > 1e6 && number(&fact, "peak_rss_bytes") >= before, "{fact:#}");
    assert!(number(&fact, "bytes_out") > 800_000.0, "5 s of stereo: {fact:#}");
    assert!(!Path::exists(&bench.path("out")) && !bench.has(".euterpe/p/dead"), "nothing is kept");
}
