//! Three jobs that do nothing, beside three chained tasks of Celery 5 that do nothing, over the same broker.
//!
//! Both over quorum queues with publisher confirms, acknowledged when the work is done, at most 100 messages in hand,
//! the first queue filled beforehand. Celery has two processes, one for each core; ours is one process.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

use super::meter::{Meter, Round};
use super::server::Rabbit;
use super::support::{cpu_of, median};
use super::venv::python_with;
use super::{fill, number, ours};

const PROCESSES: usize = 2;

pub fn main() {
    let (entities, rounds) = (number("EUTERPE_ENTITIES", 2_000), number("EUTERPE_ROUNDS", 3));
    let ours_entities = entities * 5; // long enough to be measured
    let python = python_with("celery", &["celery>=5,<6"]);
    let rabbit = Rabbit::start();
    let version = Command::new(&python).args(["-m", "celery", "--version"]).output().expect("Celery").stdout;
    println!(
        "celery: three jobs that do nothing, {ours_entities} entities, beside three chained tasks of Celery {} with \
         {PROCESSES} processes, {entities} entities; medians of {rounds} rounds",
        String::from_utf8_lossy(&version).trim()
    );
    let (mut our_rounds, mut its_rounds) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        fill(&rabbit.url(), ours_entities);
        let meter = Arc::new(Meter::new(rabbit.pid()));
        ours::run(&rabbit.url(), ours_entities, meter.clone());
        our_rounds.push(meter.round());
        its_rounds.push(celery(&python, &rabbit, entities));
    }
    println!("{:<10} {:>12} {:>16} {:>16}", "", "entities/s", "own CPU ms/1000", "broker ms/1000");
    let show = |name: &str, rounds: &[Round], entities: usize| {
        let per = |of: fn(&Round) -> f64| median(rounds.iter().map(of).collect()) / entities as f64;
        let (wall, own, broker) = (per(|r| r.wall), per(|r| r.own), per(|r| r.broker));
        println!("{name:<10} {:>12.0} {:>16.0} {:>16.0}", 1.0 / wall, own * 1e6, broker * 1e6);
        (1.0 / wall, own + broker)
    };
    let (ours, its) = (show("euterpe", &our_rounds, ours_entities), show("Celery", &its_rounds, entities));
    println!("entities/s to Celery's: {:.1}; aim: at least 20", ours.0 / its.0);
    println!("CPU of Celery to ours, each with the broker's: {:.1}", its.1 / ours.1);
}

/// A worker with its processes. Dropped, all are ended.
struct Worker(Child);

impl Worker {
    /// The worker and its processes.
    fn all(&self) -> Vec<u32> {
        let pid = self.0.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        std::iter::once(pid).chain(children.split_whitespace().filter_map(|pid| pid.parse().ok())).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        for pid in self.all().into_iter().filter_map(|pid| rustix::process::Pid::from_raw(pid as i32)) {
            // One that has ended is as good.
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
        }
        self.0.wait().ok();
    }
}

/// One round of Celery.
fn celery(python: &Path, rabbit: &Rabbit, entities: usize) -> Round {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("bench.py"), include_str!("celery.py")).expect("written");
    let command = |program: PathBuf| {
        let mut command = Command::new(program);
        command.current_dir(folder.path()).env("BENCH_BROKER", rabbit.url()).stdin(Stdio::null());
        command
    };
    let fill = format!("import bench; bench.fill({entities})");
    let filled = command(python.to_owned()).args(["-c", &fill]).status().expect("Python");
    assert!(filled.success(), "Celery could not publish");
    let log = fs::File::create(folder.path().join("log")).expect("a log");
    let length = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |metadata| metadata.len() as usize);
    let mut worker = command(python.to_owned());
    worker.args(["-m", "celery", "-A", "bench", "worker", "--loglevel", "WARNING", "--concurrency"]);
    worker.args([&PROCESSES.to_string(), "--without-gossip", "--without-mingle", "--without-heartbeat"]);
    worker.env("C_FORCE_ROOT", "1").stdout(log.try_clone().expect("a log")).stderr(log);
    let mut worker = Worker(worker.spawn().expect("Celery"));
    let said = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let mut wait = |name: &str, wanted: usize| {
        while length(name) < wanted {
            assert!(worker.0.try_wait().expect("asked").is_none(), "Celery ended: {}", said());
            thread::sleep(Duration::from_millis(2));
        }
        let own: f64 = worker.all().into_iter().map(cpu_of).sum();
        (std::time::Instant::now(), own, cpu_of(rabbit.pid()))
    };
    let (begun, own, broker) = wait("begun", 1);
    let (ended, own_after, broker_after) = wait("ended", entities);
    Round { wall: (ended - begun).as_secs_f64(), own: own_after - own, broker: broker_after - broker }
}
