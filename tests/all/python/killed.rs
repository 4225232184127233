//! The node is killed in the middle of Python work: no process is left, nothing is half written, the next run finishes.

use std::fs;
use std::time::{Duration, Instant};

use super::{all_end, bench, processes_of};

#[test]
fn a_killed_node_leaves_no_child_and_no_half_written_object_and_the_rerun_finishes() {
    let transforms = r#"
import subprocess, time
from euterpe import Context

def work(ctx: Context) -> str:
    if ctx.entity.startswith("slow"):
        subprocess.Popen(["sleep", "1000"])
        subprocess.Popen(["sleep", "1000"], start_new_session=True)
        time.sleep(0.3)
    return "x" * 100_000
"#;
    let job = "    python: t.py:work\n    pool: {workers: 2}\n    env: {variables: {KILL_TEST: \"$HERE\"}}\n";
    let bench = bench(job, transforms);
    let mark = format!("KILL_TEST={}", bench.path("x").parent().expect("a folder").display());
    let ids: Vec<String> =
        (0..40).map(|number| format!("{}-{number}", if number % 4 == 3 { "slow" } else { "t" })).collect();
    bench.write("ids", &ids.join("\n"));
    for kill in 0..3 {
        let mut node = bench.start("run g.yaml --ids ids");
        let began = Instant::now();
        // Once a grandchild is there, at another moment each time.
        while !processes_of(&mark).iter().any(|line| line.contains("sleep 1000")) {
            assert!(began.elapsed() < Duration::from_secs(20), "no work was begun");
            std::thread::sleep(Duration::from_millis(5 + 30 * kill));
        }
        node.kill().expect("killed");
        node.wait().expect("ended");
        all_end(&mark, Duration::from_secs(2));
        for file in bench.files("out").iter().filter(|file| file.ends_with(".txt")) {
            let length = fs::metadata(bench.path(&format!("out/{file}"))).expect("there").len();
            assert_eq!(length, 100_000, "{file} is half written");
        }
    }
    bench.call("run g.yaml --ids ids").ends(0);
    let made = bench.files("out").into_iter().filter(|file| file.ends_with(".txt")).count();
    assert_eq!(made, 40);
    bench.call("runs check g.yaml last").ends(0);
    all_end(&mark, Duration::from_secs(2));
}
