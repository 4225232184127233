//! How much the flow itself costs: entities through 1, 3 and 10 jobs that do nothing, beside bare tokio channels.
//!
//! Storage in memory, a transform that is declared inline, everything on one thread. One hop is one job for one entity:
//! a message taken, its output looked up, its input opened, its output stored, its child told, the message settled.

#[path = "support/chain.rs"]
mod chain;
mod support;

use std::sync::Arc;

use euterpe_actors::events::Unobserved;
use euterpe_actors::transform::{Product, inline};
use support::{Cost, measure, median};

const ENTITIES: usize = 20_000;
const ROUNDS: usize = 5;
const WORKERS: usize = 4;

fn main() {
    println!("flow: {ENTITIES} entities, {WORKERS} workers a job, one thread, medians of {ROUNDS} rounds");
    println!(
        "{:>5} {:>14} {:>12} {:>14} {:>12} {:>8}",
        "jobs", "entities/s", "us CPU/hop", "channels/s", "us CPU/hop", "ratio"
    );
    for jobs in [1, 3, 10] {
        let ours: Vec<Cost> = (0..ROUNDS).map(|_| measure(|| graph(jobs))).collect();
        let bare: Vec<Cost> = (0..ROUNDS).map(|_| measure(|| channels(jobs))).collect();
        let hops = (ENTITIES * jobs) as f64;
        let per = |costs: &[Cost], of: fn(&Cost) -> f64| median(costs.iter().map(of).collect());
        let (wall, cpu) = (per(&ours, |c| c.wall), per(&ours, |c| c.cpu));
        let (bare_wall, bare_cpu) = (per(&bare, |c| c.wall), per(&bare, |c| c.cpu));
        println!(
            "{jobs:>5} {:>14.0} {:>12.2} {:>14.0} {:>12.3} {:>8.1}",
            ENTITIES as f64 / wall,
            cpu / hops * 1e6,
            ENTITIES as f64 / bare_wall,
            bare_cpu / hops * 1e6,
            cpu / bare_cpu
        );
    }
    println!("ratio: our CPU to that of the same number of hops over bare tokio channels. Aim: at most 10 us a hop.");
}

fn graph(jobs: usize) {
    let nothing = |_| inline(|_| Ok(Product::bytes(&b"x"[..])));
    chain::flow(chain::plan(jobs, WORKERS, nothing), ENTITIES, Arc::new(Unobserved));
}

/// The same hops as tasks that receive from one channel and send to the next.
fn channels(jobs: usize) {
    actix::System::new().block_on(async move {
        let (first, mut next) = tokio::sync::mpsc::channel::<u64>(1000);
        for _ in 0..jobs {
            let (to, from) = tokio::sync::mpsc::channel::<u64>(1000);
            let mut receive = std::mem::replace(&mut next, from);
            actix::spawn(async move {
                while let Some(n) = receive.recv().await {
                    if to.send(n).await.is_err() {
                        return;
                    }
                }
            });
        }
        let sending = async move {
            for n in 0..ENTITIES as u64 {
                first.send(n).await.expect("somebody receives");
            }
        };
        let receiving = async move { while next.recv().await.is_some() {} };
        futures::join!(sending, receiving);
    });
}
