//! Eight nodes beside one: a transform that waits, so that neither cores nor disk are the bound.

use std::time::Duration;

use super::number;
use super::place::{Place, WAIT};
use super::server::Rabbit;
use super::support::median;

const WORKERS: usize = 4;
const MANY: usize = 8;

pub fn main() {
    let (each, rounds) = (number("EUTERPE_ENTITIES", 800), number("EUTERPE_ROUNDS", 3));
    let rabbit = Rabbit::start();
    println!(
        "nodes: a job of {} ms, {WORKERS} workers a node, {each} entities for each node over one RabbitMQ and one folder \
         with claims, medians of {rounds} rounds",
        WAIT.as_millis()
    );
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for (nodes, rates) in [1, MANY].into_iter().zip(&mut rates) {
            rates.push(rate(&rabbit, &format!("round{round}-{nodes}"), nodes, each * nodes));
        }
    }
    let [one, many] = rates.map(median);
    let most = WORKERS as f64 / WAIT.as_secs_f64();
    println!("{:<12} {:>12} {:>22}", "", "entities/s", "of what can be waited");
    println!("{:<12} {one:>12.1} {:>22.2}", "one node", one / most);
    let share = many / MANY as f64;
    println!("{:<12} {many:>12.1} {:>22.2}", format!("{MANY} nodes"), share / most);
    println!("{MANY} nodes to {MANY} times one node: {:.2}; aim: at least 0.90", share / one);
}

/// Entities a second, from when the first work was begun to when the last output was there.
fn rate(rabbit: &Rabbit, graph: &str, nodes: usize, entities: usize) -> f64 {
    let place = Place::new(rabbit.url(), graph, "bench.wait", WORKERS);
    let _nodes: Vec<_> = (0..nodes).map(|number| place.node(&format!("node-{number}"))).collect();
    place.publish(entities);
    place.wait_for(entities);
    let made = place.made();
    let took = made[entities - 1].duration_since(made[0]).unwrap_or(Duration::ZERO) + WAIT;
    entities as f64 / took.as_secs_f64()
}
