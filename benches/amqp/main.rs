//! What the flow costs over a real RabbitMQ: three jobs that do nothing, beside a bare lapin loop of the same shape.
//!
//! Quorum queues, publisher confirms, prefetch 100, the same bodies in the same queues of the same broker. The loop
//! takes, publishes to the next queue with many unconfirmed at once, and acknowledges after the confirm: one by one, or
//! all that are confirmed together. The queue of the first job is filled beforehand. `EUTERPE_ENTITIES` sets how many.

mod bare;
#[path = "../support/chain.rs"]
mod chain;
mod meter;
mod ours;
#[allow(dead_code)]
#[path = "../../tests/all/rabbit/server.rs"]
mod server;
#[allow(dead_code)] // it measures a process beside its own
#[path = "../support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use bare::Acking;
use chain::job;
use euterpe::broker::amqp::{Amqp, AmqpSettings, BrokerUrl, Dial, QueueSettings, USUAL_CONSUMER_TIMEOUT};
use euterpe_actors::broker::{Broker, Outgoing};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::wire;
use meter::{Meter, Round};
use server::Rabbit;
use support::median;

const GRAPH: &str = "bench";
const JOBS: usize = 3;
const PREFETCH: u16 = 100;
const ROUNDS: usize = 5;

/// Takes so many entities through all jobs over a broker.
type Way = fn(&str, usize, Arc<Meter>);

fn main() {
    let entities = std::env::var("EUTERPE_ENTITIES").ok().and_then(|n| n.parse().ok()).unwrap_or(6_000);
    let rounds = std::env::var("EUTERPE_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
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

fn settings(url: &str) -> AmqpSettings {
    let queue = |at| QueueSettings { job: job(at), prefetch: PREFETCH, timeout: Duration::from_secs(60) };
    AmqpSettings {
        dial: Dial::to(BrokerUrl::new(url, false).expect("a URL")),
        graph: GRAPH.into(),
        queues: (0..JOBS).map(queue).collect(),
        consumer_timeout: USUAL_CONSUMER_TIMEOUT,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Publishes one message for each entity to the first job.
fn fill(url: &str, entities: usize) {
    let plan = ours::plan(|_| {});
    runtime().block_on(async {
        let amqp = Amqp::open(settings(url), Duration::from_secs(20)).await.expect("a broker");
        let wave = Arc::new(Wave { id: 1, origins: vec![job(0)], only: None });
        let message = |n: usize| {
            let target = Target { job: job(0), entity: EntityId::new(&format!("t-{n:07}")).expect("an id") };
            let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, Base::Down(wave.clone()));
            Outgoing::now(job(0), wire::encode(&message).expect("it fits"))
        };
        amqp.publish((0..entities).map(message).collect()).await.expect("published");
        amqp.close().await;
    });
}
