//! What one worker may take: memory, entities, time. And what it leaks is gone with it.

use super::bench;
use crate::cli::logs;

#[test]
fn a_worker_is_replaced_after_so_many_entities_and_when_it_has_grown() {
    let transforms = r#"
import os
from euterpe import Context

HELD = []

def pids(ctx: Context) -> str:
    return str(os.getpid())

def leaks(ctx: Context) -> str:
    HELD.append(bytearray(os.urandom(1 << 20) * 30))  # never given back: 30 MiB an entity
    return str(os.getpid())
"#;
    let ids: Vec<String> = (0..10).map(|number| format!("t-{number}")).collect();
    let ids = ids.join(" ");
    let pids = |pool: &str, function: &str| {
        let bench = bench(&format!("    python: t.py:{function}\n    pool: {{workers: 1, {pool}}}\n"), transforms);
        let summary = bench.call(&format!("run g.yaml {ids} --json")).ends(0).last();
        assert_eq!(summary["jobs"]["job"]["done"], 10);
        let mut pids: Vec<String> = bench.files("out").iter().map(|file| bench.read(&format!("out/{file}"))).collect();
        pids.sort();
        let mut served: Vec<usize> = pids.chunk_by(|a, b| a == b).map(<[String]>::len).collect();
        served.sort_unstable();
        served
    };
    assert_eq!(pids("memory: 1GiB", "pids"), [10], "one process does all");
    assert_eq!(pids("recycle_after: 3", "pids"), [1, 3, 3, 3]);
    let leaky = pids("memory: 200MiB", "leaks");
    assert!(leaky.len() >= 2 && leaky.iter().all(|served| *served <= 6), "{leaky:?}");
}

#[test]
fn files_that_a_function_leaves_open_spend_no_try_of_what_comes_next() {
    let transforms = r#"
import os
import resource
from euterpe import Context

HELD = []
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

def work(ctx: Context) -> str:
    HELD.extend([open("/dev/null") for _ in range(40)])  # never closed: two entities at the most in one process
    return str(os.getpid())
"#;
    let bench = bench("    python: t.py:work\n    pool: {workers: 1}\n    retries: 0\n", transforms);
    let called = bench.call("run g.yaml a b c d e --json").ends(0);
    assert_eq!(called.last()["jobs"]["job"]["done"], 5, "{called:?}");
    assert!(called.err.contains("set `pool.recycle_after` where the code leaves files open"), "{called:?}");
    let mut pids: Vec<String> = bench.files("out").iter().map(|file| bench.read(&format!("out/{file}"))).collect();
    pids.sort();
    pids.dedup();
    assert!(pids.len() > 2, "{pids:?}");
}

#[test]
fn a_function_that_passes_over_a_full_disk_has_not_done_its_work() {
    let transforms = r#"
import os
from euterpe import Context

def work(ctx: Context) -> str:
    if os.path.exists("$HERE/tried"):
        return "sound"
    open("$HERE/tried", "w").close()
    try:
        with open(ctx.tmp / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
    except OSError as error:
        print(error)
    return "torn"
"#;
    let bench = bench("    python: t.py:work\n    pool: {workers: 1}\n    retries: 0\n", "");
    bench.write("t.py", &transforms.replace("$HERE", &bench.path("").display().to_string()));
    let Some(called) = bench.call_on_small_disk("run g.yaml a") else { return };
    let called = called.ends(0);
    assert!(bench.has("tried") && called.err.contains("is full, or was; free some room"), "{called:?}");
    assert_eq!(bench.read("out/a.txt"), "sound");
}

#[test]
fn where_work_is_suspect_a_track_is_decoded_in_a_process_that_may_die() {
    let transforms = r#"
import os
from euterpe import Audio, Context

def work(audio: Audio, ctx: Context) -> str:
    if ctx.entity == "killer":
        os._exit(1)
    return f"{audio.samples.shape} {audio.rate} {audio.samples.max():.3f}"
"#;
    let job = "    python: t.py:work\n    in: {audio: \"in:{id}.wav\"}\n    env: {venv: VENV}\n";
    let venv = crate::venv::python_with("python-numpy", &["numpy"]);
    let venv = venv.ancestors().nth(2).expect("a folder").display().to_string();
    let bench = bench(&job.replace("VENV", &venv), transforms);
    for id in ["killer", "a", "b"] {
        let track = crate::audio::material::sweep(22_050, 2, 1.0);
        std::fs::write(bench.path(&format!("in/{id}.wav")), track).expect("written");
    }
    bench.call("run g.yaml a").ends(0);
    let summary = bench.call("run g.yaml killer --json").ends(4).last();
    assert_eq!(summary["jobs"]["job"]["dead"], 1);
    // From now on all work is done where it can do no harm.
    bench.write("in/c.wav", "not a track");
    bench.call("run g.yaml b").ends(0);
    assert_eq!(bench.read("out/b.txt"), bench.read("out/a.txt"));
    assert!(bench.read("out/b.txt").starts_with("(22050, 2) 22050 "), "{}", bench.read("out/b.txt"));
    bench.call("run g.yaml c").ends(4);
    assert_eq!(bench.call("dead show g.yaml c --json").ends(0).last()["letter"]["reason"], "bad_input");
}

#[test]
fn a_deadline_ends_the_worker_and_all_that_it_started_whatever_they_ignore() {
    let transforms = r#"
import signal, subprocess, sys, time
from euterpe import Context

def work(ctx: Context) -> str:
    if ctx.entity == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"])
        while True:
            try:
                time.sleep(1000)
            except BaseException:
                pass
    return "good"
"#;
    let job =
        "    python: t.py:work\n    timeout: 1s\n    retries: 0\n    env: {variables: {DEADLINE_TEST: \"$HERE\"}}\n";
    let bench = bench(job, transforms);
    let summary = bench.call("run g.yaml a stubborn b --json").ends(4).last();
    assert_eq!((&summary["jobs"]["job"]["done"], &summary["jobs"]["job"]["dead"]), (&2.into(), &1.into()));
    let letter = bench.call("dead show g.yaml stubborn --json").ends(0).last();
    assert_eq!(letter["letter"]["reason"], "timeout", "{letter:#}");
    let mark = format!("DEADLINE_TEST={}", bench.path("x").parent().expect("a folder").display());
    super::all_end(&mark, std::time::Duration::from_secs(3));
}

#[test]
fn what_a_transform_prints_goes_to_the_log_with_its_entity_and_its_words_to_the_level_it_says() {
    let transforms = r#"
from euterpe import Context

def work(ctx: Context) -> str:
    print("printed for", ctx.entity)
    ctx.log.warning("a warning for " + ctx.entity)
    ctx.metric("size", 3)
    return "good"
"#;
    let bench = bench("    python: t.py:work\n", transforms);
    let quiet = bench.call("run g.yaml a").ends(0);
    assert!(quiet.err.contains("a warning for a") && !quiet.err.contains("printed for"), "{}", quiet.err);
    let told = bench.call_with("run g.yaml b", &[("EUTERPE_LOG", "info")]).ends(0).err;
    let line = told.lines().find(|line| line.contains("printed for b")).expect("a line");
    assert!(line.contains("job=job") && line.contains("entity=b"), "{line}");
    assert!(told.contains("metric=\"size\" value=3"), "{told}");
    let called = bench.call("run g.yaml c -v --log json --json").ends(0);
    let lines = logs::lines(&called.err);
    let work = ("job".to_owned(), "c".to_owned(), called.last()["run"].as_str().expect("a run").to_owned(), 0);
    assert_eq!(logs::works(&lines, "printed for c"), std::slice::from_ref(&work), "{lines:#?}");
    assert_eq!(logs::works(&lines, "a warning for c"), [work], "{lines:#?}");
    let measured = lines.iter().find(|line| line["metric"] == "size").unwrap_or_else(|| panic!("{lines:#?}"));
    assert_eq!((&measured["value"], &measured["entity"], &measured["attempt"]), (&3.0.into(), &"c".into(), &0.into()));
}
