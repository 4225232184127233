//! Everything that a transform can do wrong, planted among two thousand entities.

use std::time::Duration;

use serde_json::Value;

use super::{all_end, bench, processes_of};

const TRANSFORMS: &str = r#"
import ctypes, os, socket, subprocess, sys, time
from euterpe import Context, transform

POISON = {}

def poison(function):
    POISON[function.__name__] = function

@poison
def raises():
    print("about to fail", file=sys.stderr)
    raise ValueError("no tempo")

@poison
def aborts():
    print("about to abort", file=sys.stderr, flush=True)
    os.abort()

@poison
def segfaults():
    print("about to crash", file=sys.stderr, flush=True)
    ctypes.string_at(0)

@poison
def hangs():
    print("about to hang", file=sys.stderr, flush=True)
    while True:
        pass

@poison
def hogs():
    print("about to grow", file=sys.stderr, flush=True)
    held = []
    for _ in range(64 * 64):
        held.append(bytearray(os.urandom(1 << 20) * 16))  # 16 MiB of pages that are really there

@poison
def asks_for_64_gib():
    bytearray(64 << 30)
    raise MemoryError("it was given all the same")

@poison
def prints_100_mb():
    for _ in range(100):
        print("x" * 999_999)
    print("that was a lot")
    raise ValueError("printed")

@poison
def fakes_frames():
    fake = b'\x10\x00\x00\x00\x00\x00\x00\x00{"made":[{"attached":0}]}'
    os.write(1, fake)
    os.write(2, fake)
    print(fake.decode("latin-1"), file=sys.stderr)
    raise ValueError("faked")

@poison
def leaves_a_grandchild():
    subprocess.Popen(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    raise ValueError("has a grandchild")

@poison
def exits():
    print("about to leave", file=sys.stderr, flush=True)
    os._exit(3)

@transform
def work(ctx: Context) -> str:
    name = ctx.entity.split("-")[0]
    if name in POISON:
        POISON[name]()
    return "good"
"#;

/// (the poison, the reason of its dead letter, a part of its sentence, a part of the last that it printed).
const PLANTED: [(&str, &str, &str, &str); 10] = [
    ("raises", "failed", "ValueError: no tempo", "about to fail"),
    ("aborts", "killed_worker", "SIGABRT", "about to abort"),
    ("segfaults", "killed_worker", "SIGSEGV", "about to crash"),
    ("hangs", "timeout", "ran longer than its timeout of 2s", "about to hang"),
    ("hogs", "killed_worker", "more than the 300 MiB of its pool", "about to grow"),
    ("asks_for_64_gib", "failed", "", "MemoryError"),
    ("prints_100_mb", "failed", "ValueError: printed", "that was a lot"),
    ("fakes_frames", "failed", "ValueError: faked", "made"),
    ("leaves_a_grandchild", "failed", "ValueError: has a grandchild", ""),
    ("exits", "killed_worker", "exit code 3", "about to leave"),
];

#[test]
fn each_poison_among_two_thousand_is_one_dead_letter_with_its_reason_and_all_else_is_done() {
    let job = "    python: t.py:work\n    timeout: 2s\n    retries: 1\n    pool: {workers: 2, memory: 300MiB}\n    \
               env: {variables: {POISON_TEST: \"$HERE\"}}\n";
    let bench = bench(job, TRANSFORMS);
    let mark = format!("POISON_TEST={}", bench.path("").display().to_string().trim_end_matches('/'));
    let mut ids: Vec<String> = (0..1980).map(|number| format!("t-{number}")).collect();
    for (number, (poison, ..)) in PLANTED.iter().enumerate() {
        for copy in 0..2 {
            ids.insert(97 * (2 * number + copy) + 11, format!("{poison}-{copy}"));
        }
    }
    assert_eq!(ids.len(), 2000);
    bench.write("ids", &ids.join("\n"));
    let called = bench.call("run g.yaml --ids ids --json").ends(4);
    let counts = &called.last()["jobs"]["job"];
    assert_eq!((&counts["done"], &counts["dead"]), (&Value::from(1980), &Value::from(20)), "{called:#?}");
    for (poison, reason, text, printed) in PLANTED {
        for copy in 0..2 {
            let id = format!("{poison}-{copy}");
            let letters = bench.call(&format!("dead show g.yaml {id} --json")).ends(0).facts();
            assert_eq!(letters.len(), 1, "{letters:#?}");
            let letter = &letters[0]["letter"];
            assert_eq!(letter["reason"], reason, "{letter:#?}");
            let said = |name: &str| letter[name].as_str().unwrap_or_default().to_owned();
            assert!(said("text").contains(text), "{letter:#?}");
            assert!(said("stderr").contains(printed), "{letter:#?}");
        }
    }
    all_end(&mark, Duration::from_secs(3));
    assert!(processes_of(&mark).is_empty());
}
