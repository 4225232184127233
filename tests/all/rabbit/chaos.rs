//! Faults of every kind while three nodes work, in an order that a seed chooses: nothing is lost, little is done twice.
//!
//! | variable | what it says | usual |
//! |---|---|---|
//! | `EUTERPE_CHAOS_SEED` | chooses which fault comes when and to whom | the time |
//! | `EUTERPE_CHAOS_ENTITIES` | entities in all, a quarter of them asked for bottom-up | 2000 |
//! | `EUTERPE_CHAOS_SLOW` | milliseconds that each work takes | 100 |
//! | `EUTERPE_CHAOS_KILLS`, `_STOPS`, `_RESTARTS`, `_CLOSES`, `_ALARMS`, `_DELETES` | how often each fault comes | 5, 3, 1, 1, 1, 1 |
//! | `EUTERPE_CHAOS_PARTITIONS` | how often a node is cut off from the broker; needs root and `ip` | 0 |
//! | `EUTERPE_CHAOS_REPORT` | a file for what was done and seen | none |

mod luck; //   chance from a seed
mod report; // what was done and seen, as a page
mod world; //  what is done to nodes and broker

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::nodes::diamond_of;
use luck::Luck;
use report::Report;
use world::{Fault, World};

/// Workers of each job on each node: what may be in hand when a fault comes.
const WORKERS: usize = 2;
const NODES: usize = 3;
const JOBS: [&str; 5] = ["base", "left", "right", "join", "tail"];

fn number(name: &str, usual: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => usual,
    }
}

/// The faults that are to come, in an order that luck chooses.
fn faults(luck: &mut Luck) -> Vec<Fault> {
    let counts = [
        (Fault::Kill, "EUTERPE_CHAOS_KILLS", 5),
        (Fault::Stop, "EUTERPE_CHAOS_STOPS", 3),
        (Fault::Restart, "EUTERPE_CHAOS_RESTARTS", 1),
        (Fault::Close, "EUTERPE_CHAOS_CLOSES", 1),
        (Fault::Alarm, "EUTERPE_CHAOS_ALARMS", 1),
        (Fault::Delete, "EUTERPE_CHAOS_DELETES", 1),
        (Fault::Part, "EUTERPE_CHAOS_PARTITIONS", 0),
    ];
    let mut faults = Vec::new();
    for (fault, name, usual) in counts {
        (0..number(name, usual)).for_each(|_| faults.push(fault));
    }
    luck.shuffle(&mut faults);
    faults
}

/// The ids of one portion, and whether they are asked for bottom-up.
fn portion(at: usize, size: usize) -> (Vec<String>, bool) {
    let bottom_up = at % 4 == 3;
    let letter = if bottom_up { 'u' } else { 't' };
    ((0..size).map(|n| format!("{letter}-{at:03}-{n:05}")).collect(), bottom_up)
}

/// What the output of each job for `id` must hold.
fn contents(id: &str) -> BTreeMap<&'static str, String> {
    let base = id.to_owned();
    let side = format!("{id}\nb: {base}");
    let join = format!("{id}\nl: {side}\nr: {side}");
    let tail = format!("{id}\nj: {join}");
    BTreeMap::from([("base", base), ("left", side.clone()), ("right", side), ("join", join), ("tail", tail)])
}

#[test]
fn chaos_loses_nothing_and_does_little_twice() {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let seed = number("EUTERPE_CHAOS_SEED", clock.as_millis() as u64);
    println!("EUTERPE_CHAOS_SEED={seed}");
    let (entities, slow) = (number("EUTERPE_CHAOS_ENTITIES", 2000) as usize, number("EUTERPE_CHAOS_SLOW", 100));
    let mut luck = Luck::of(seed);
    let faults = faults(&mut luck);
    let mut world = World::new(&diamond_of(slow, WORKERS), NODES, faults.contains(&Fault::Part));
    let mut report = Report::new(seed, entities, slow, &world.broker());

    // Entities come in portions, so that there is work during every fault.
    let portions = faults.len() + 1;
    let (mut runs, mut asked) = (Vec::new(), BTreeSet::new());
    for at in 0..portions {
        let size = entities / portions + usize::from(at < entities % portions);
        let (ids, bottom_up) = portion(at, size);
        runs.push(world.publish(&ids, bottom_up));
        for id in ids {
            let jobs = if bottom_up { &JOBS[..4] } else { &JOBS[..] };
            asked.extend(jobs.iter().map(|job| ((*job).to_owned(), id.clone())));
        }
        world.wait(Duration::from_millis(1000 + luck.below(3000)));
        if let Some(fault) = faults.get(at) {
            let done = world.bring(*fault, &mut luck);
            report.event(&done);
        }
    }
    world.wait_for_all();
    report.event("all faults are over");
    let quiet = Instant::now();
    world.until_quiet();
    report.event(&format!("the queues are empty, {} s after the last fault", quiet.elapsed().as_secs()));

    // Only what was in a deleted queue may be open, and is resumed.
    let mut open = 0;
    for run in &runs {
        let left = world.check(run, &[]).last()["open"].as_u64().expect("a count");
        if left > 0 {
            open += left;
            world.cluster.call(&["runs", "resume", "g.yaml", run]).ends(0);
        }
    }
    assert!(open <= world.deleted, "seed {seed}: {open} open, {} were deleted with their queue", world.deleted);
    report.event(&format!("{open} entities were open and are resumed"));
    for run in &runs {
        let account = world.check(run, &["--hashes"]).ends(0).last();
        let count = |name: &str| account[name].as_u64();
        assert_eq!((count("open"), count("dead")), (Some(0), Some(0)), "seed {seed}: {account}");
        assert_eq!(account["hashes"]["broken"].as_u64(), Some(0), "seed {seed}: {account}");
    }
    report.event("every run is accounted for: open 0, dead 0, half written 0");
    let made = world.cluster.files("out");
    for (job, id) in &asked {
        let content = made.get(&format!("{job}/{id}.txt")).unwrap_or_else(|| panic!("seed {seed}: no {job} of {id}"));
        assert!(String::from_utf8_lossy(content) == contents(id)[job.as_str()], "seed {seed}: {job} of {id} is wrong");
    }
    let starts = world.cluster.starts();
    assert!(starts.keys().all(|target| asked.contains(target)), "seed {seed}: a job ran that nobody asked for");
    let (twice, bound) = (world.cluster.twice(), (world.struck * WORKERS * JOBS.len()) as i64);
    report.finish(asked.len(), twice, &world);
    assert!(twice <= bound, "seed {seed}: {twice} works were done twice, {} nodes were struck", world.struck);
    assert!(twice * 100 <= asked.len() as i64, "seed {seed}: {twice} of {} works were done twice", asked.len());
}
