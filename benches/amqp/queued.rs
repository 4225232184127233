//! The memory of a node while many messages are queued at the broker, beside the same node with few.

use std::time::Instant;

use super::number;
use super::place::Place;
use super::server::Rabbit;

const FEW: usize = 10_000;
/// After how many works the nodes are compared: all that either remembers is the same by then.
const WORKS: usize = 8_000;
/// How far the one with many goes on.
const MORE: usize = 50_000;

pub fn main() {
    let many = number("EUTERPE_ENTITIES", 1_000_000);
    let rabbit = Rabbit::start();
    println!(
        "queued: resident set of a node, one job that does nothing and writes files, with {FEW} and {many} queued"
    );
    let few = queued(&rabbit, "few", FEW, &[WORKS]);
    let lots = queued(&rabbit, "many", many, &[WORKS, MORE.min(many)]);
    let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    println!("with {many} to with {FEW} queued: {:.2}; aim: at most 1.20", lots as f64 / few as f64);
    println!("with {many} queued: at most {:.1} MiB; aim: below 100 MB", mib(lots));
}

/// The highest resident set of a node with so many messages queued.
fn queued(rabbit: &Rabbit, graph: &str, count: usize, looks: &[usize]) -> u64 {
    let place = Place::new(rabbit.url(), graph, "bench.nothing", 8);
    let began = Instant::now();
    place.publish(count);
    println!("{count:>9} published in {:.0} s", began.elapsed().as_secs_f64());
    let node = place.node(graph);
    let mut highest = 0;
    for look in looks {
        place.wait_for(*look);
        let (now, peak) = node.memory();
        let queue = format!("euterpe.{graph}.job.work");
        let left = rabbit.depths().into_iter().find(|(name, _)| *name == queue).map_or(0, |(_, depth)| depth);
        let mib = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
        println!(
            "{count:>9} queued, {look} made: {:.1} MiB, at most {:.1} MiB; about {left} left",
            mib(now),
            mib(peak)
        );
        highest = highest.max(peak);
    }
    highest
}
