//! What the flow costs over a real RabbitMQ: three jobs that do nothing, beside a bare lapin loop of the same shape.
//!
//! Quorum queues, publisher confirms, prefetch 100, the same bodies in the same queues of the same broker. The loop
//! takes, publishes to the next queue with many unconfirmed at once, and acknowledges after the confirm: one by one, or
//! all that are confirmed together. The queue of the first job is filled beforehand. `EUTERPE_ENTITIES` sets how many.

use std::sync::Arc;

use super::bare::{self, Acking};
use super::meter::{Meter, Round};
use super::server::Rabbit;
use super::support::median;
use super::{JOBS, PREFETCH, fill, left_over, number, ours};

/// Takes so many entities through all jobs over a broker.
type Way = fn(&str, usize, Arc<Meter>);

pub fn main() {
    let (entities, rounds) = (number("EUTERPE_ENTITIES", 6_000), number("EUTERPE_ROUNDS", 5));
    let only = std::env::var("EUTERPE_ONLY").ok();
    let rabbit = Rabbit::start();
    println!("amqp: {entities} entities through {JOBS} jobs, prefetch {PREFETCH}, medians of {rounds} rounds");
    let ways: [(&str, Way); 3] = [
        ("euterpe", ours::run),
        ("loop, acks one by one", |url, count, meter| bare::run(url, count, &meter, Acking::OneByOne)),
        ("loop, acks in batches", |url, count, meter| bare::run(url, count, &meter, Acking::Batches)),
    ];
    let mut figures: [Vec<Round>; 3] = Default::default();
    for _ in 0..rounds {
        for ((name, run), into) in ways.iter().zip(&mut figures) {
            if only.as_ref().is_some_and(|only| !name.starts_with(only)) {
                continue;
            }
            fill(&rabbit.url(), entities);
            let meter = Arc::new(Meter::new(rabbit.pid()));
            run(&rabbit.url(), entities, meter.clone());
            into.push(meter.round());
            let left: u32 = left_over(&rabbit.url()).iter().sum();
            if left > 0 {
                println!("{name}: {left} messages came back to their queues at the end, and are removed");
            }
        }
    }
    println!("{:<24} {:>10} {:>16} {:>16}", "", "entities/s", "own CPU ms/1000", "broker ms/1000");
    let mut rows = Vec::new();
    for ((name, _), rounds) in ways.iter().zip(&figures).filter(|(_, rounds)| !rounds.is_empty()) {
        let per = |of: fn(&Round) -> f64| median(rounds.iter().map(of).collect()) / entities as f64;
        let (wall, own, broker) = (per(|r| r.wall), per(|r| r.own), per(|r| r.broker));
        println!("{name:<24} {:>10.0} {:>16.0} {:>16.0}", 1.0 / wall, own * 1e6, broker * 1e6);
        rows.push((1.0 / wall, own + broker));
    }
    if let [ours, one_by_one, batches] = rows[..] {
        println!(
            "entities/s to those of the loop that acks one by one: {:.2}; aim: at least 1.00",
            ours.0 / one_by_one.0
        );
        println!("entities/s to those of the loop that acks in batches: {:.2}; aim: at least 0.75", ours.0 / batches.0);
        println!("CPU with the broker's to that of the loop in batches: {:.2}; aim: at most 1.35", ours.1 / batches.1);
    }
}
