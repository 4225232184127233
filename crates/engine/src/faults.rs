//! What a test may do to this process, told by the environment. Test builds only (feature `faults`).
//!
//! | variable | what happens |
//! |---|---|
//! | `EUTERPE_KILL_AT=point:n` | SIGKILL to oneself when the point is reached for the `n`-th time |
//! | `EUTERPE_KILL_AT=point:n:path` | the same, counted only where the object being written has a path that starts so |
//! | `EUTERPE_DISK_FULL=from..to` | the calls with these numbers that change the disk find no room |
//! | `EUTERPE_WINDOW=n` | a run over a broker lets no more than `n` entities be under way |
//! | `EUTERPE_LEDGER=file` | a line for each work that starts and for each that failed: `start` or `fail`, job, entity, attempt, process |

use std::{
    fs::File,
    io::Write,
    ops::Range,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use euterpe_actors::events::{Event, Observer, Purpose};
use euterpe_actors::outcome::Outcome;
use euterpe_actors::points;
use rustix::process::{Signal, getpid, kill_process};

/// Takes notice of the environment. Children that do work for a node do not: the tests are about the node.
///
/// # Panics
/// Where a variable cannot be understood.
pub fn install() {
    if std::env::args().nth(1).as_deref() == Some(euterpe_processes::ISOLATED_VERB) {
        return;
    }
    if KILL.get_or_init(kill_from_env).is_some() {
        points::watch(reached);
    }
    if FULL.get_or_init(full_from_env).is_some() {
        points::refuse(is_full);
    }
}

struct Kill {
    point: String,
    at: u64,
    below: String,
    reached: AtomicU64,
}

static KILL: OnceLock<Option<Kill>> = OnceLock::new();
static FULL: OnceLock<Option<Range<u64>>> = OnceLock::new();

fn kill_from_env() -> Option<Kill> {
    let text = std::env::var("EUTERPE_KILL_AT").ok()?;
    let (point, at) = text.split_once(':').expect("EUTERPE_KILL_AT is point:n");
    let (at, below) = at.split_once(':').unwrap_or((at, ""));
    assert!(points::POINTS.contains(&point), "no point named {point}");
    let at = at.parse().expect("a number");
    Some(Kill { point: point.to_owned(), at, below: below.to_owned(), reached: AtomicU64::new(0) })
}

fn full_from_env() -> Option<Range<u64>> {
    let text = std::env::var("EUTERPE_DISK_FULL").ok()?;
    let (from, to) = text.split_once("..").expect("EUTERPE_DISK_FULL is from..to");
    Some(from.parse().expect("a number")..to.parse().expect("a number"))
}

fn reached(point: &'static str) {
    let Some(Some(kill)) = KILL.get() else { return };
    let is_meant = kill.point == point && points::writes_below(&kill.below);
    if is_meant && kill.reached.fetch_add(1, Ordering::Relaxed) + 1 == kill.at {
        kill_process(getpid(), Signal::KILL).expect("one may kill oneself");
        loop {
            std::thread::park(); // not a step further
        }
    }
}

fn is_full(_: &'static str) -> bool {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    matches!(FULL.get(), Some(Some(full)) if full.contains(&call))
}

/// How many entities may be under way over a broker, where the environment says so.
///
/// # Panics
/// Where it is no number.
pub fn window() -> Option<usize> {
    let text = std::env::var("EUTERPE_WINDOW").ok()?;
    Some(text.parse().expect("EUTERPE_WINDOW is a number"))
}

/// The same observer, with a ledger beside it where the environment names one.
///
/// # Panics
/// Where the ledger cannot be opened.
pub fn with_ledger(inner: Arc<dyn Observer>) -> Arc<dyn Observer> {
    match std::env::var_os("EUTERPE_LEDGER") {
        None => inner,
        Some(file) => {
            let file = File::options().append(true).create(true).open(file).expect("a ledger that can be written");
            Arc::new(Ledger { inner, file })
        }
    }
}

struct Ledger {
    inner: Arc<dyn Observer>,
    file: File,
}

impl Observer for Ledger {
    fn on(&self, event: &Event<'_>) {
        let line = match event {
            Event::Started { job, entity, message } => Some(format!("start\t{job}\t{entity}\t{}", message.attempt)),
            Event::Handled { job, message: Some(message), outcome: Outcome::Retried | Outcome::Dead, .. } => {
                Some(format!("fail\t{job}\t{}\t{}", message.target.entity, message.attempt))
            }
            Event::Published { job, purpose: Purpose::PassOn, count } => Some(format!("pass\t{job}\t-\t{count}")),
            _ => None,
        };
        if let Some(line) = line {
            // One write for one line: what stands in the ledger is whole, whenever the process is killed.
            let line = format!("{line}\t{}\n", std::process::id());
            (&self.file).write_all(line.as_bytes()).expect("the ledger takes lines");
        }
        self.inner.on(event);
    }
}
