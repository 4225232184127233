//! What metrics cost: a scrape over HTTP of a node with 5 jobs and of one with 500, and the flow with and without counting.
//!
//! Each node has worked on a thousand entities, and has one in work in each job. A scrape looks at all processes of this
//! machine, too, for the memory of children. Storage in memory, everything on one thread, as in `flow`.

#[path = "support/chain.rs"]
mod chain;
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use euterpe::telemetry::{bind_metrics, serve_metrics};
use euterpe_actors::events::{Event, Observer, Purpose, Unobserved, WorkTimes};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, EntityMessage, GraphDigest, Target};
use euterpe_actors::outcome::Outcome;
use euterpe_actors::transform::{Product, inline};
use euterpe_engine::Metrics;
use support::{measure, median};

const SCRAPES: usize = 100;
const ENTITIES: usize = 20_000;
const ROUNDS: usize = 7;
const JOBS: usize = 3;
const WORKERS: usize = 4;

fn main() {
    println!("metrics: medians of {SCRAPES} scrapes over HTTP");
    println!("{:>5} {:>10} {:>10} {:>10} {:>10}", "jobs", "KiB", "ms", "ms CPU", "worst ms");
    let few = scrapes(5);
    let many = scrapes(500);
    println!(
        "ratio: 500 jobs take {:.1} times as long as 5. Aim: a scrape of 500 jobs in less than 50 ms.",
        many / few
    );
    println!();
    println!("flow of {ENTITIES} entities through {JOBS} jobs, medians of {ROUNDS} rounds, in turns");
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(measure(|| flow(Arc::new(Unobserved))).cpu);
        with.push(measure(|| flow(metrics(JOBS).beside(Arc::new(Unobserved)))).cpu);
    }
    let hops = (ENTITIES * JOBS) as f64;
    let (without, with) = (median(without) / hops * 1e6, median(with) / hops * 1e6);
    println!("us CPU/hop: {without:.2} without metrics, {with:.2} with them: ratio {:.3}", with / without);
}

fn metrics(jobs: usize) -> Arc<Metrics> {
    let jobs = (0..jobs).map(|at| (chain::job(at), WORKERS));
    Arc::new(Metrics::new("bench", jobs, None).expect("registered"))
}

/// Scrapes a node with so many jobs; the median in milliseconds.
fn scrapes(jobs: usize) -> f64 {
    let metrics = metrics(jobs);
    work(&metrics, jobs);
    let listener = bind_metrics(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    serve_metrics(listener, metrics, std::future::pending).expect("a thread");
    let bytes = scrape(address); // the first one fills caches
    let costs: Vec<_> = (0..SCRAPES).map(|_| measure(|| _ = std::hint::black_box(scrape(address)))).collect();
    let wall = median(costs.iter().map(|cost| cost.wall * 1e3).collect());
    let cpu = median(costs.iter().map(|cost| cost.cpu * 1e3).collect());
    let worst = costs.iter().map(|cost| cost.wall * 1e3).fold(0.0, f64::max);
    println!("{jobs:>5} {:>10} {wall:>10.2} {cpu:>10.2} {worst:>10.2}", bytes >> 10);
    wall
}

/// What a node tells of a thousand entities, and one in work in each job.
fn work(metrics: &Arc<Metrics>, jobs: usize) {
    let observer = metrics.beside(Arc::new(Unobserved));
    let millis = Duration::from_millis;
    let times =
        WorkTimes { wait: millis(1), fetch: millis(3), work: millis(700), store: Some(millis(9)), publish: millis(2) };
    for at in 0..jobs {
        let job = chain::job(at);
        for n in 0..=1000_u64 {
            let target = Target { job: job.clone(), entity: EntityId::new(&format!("t-{n}")).expect("an id") };
            let message = EntityMessage::new(n, RunId::new(1, 0), target, GraphDigest(0), Base::Stop);
            observer.on(&Event::Started { job: &job, entity: &message.target.entity, message: &message });
            if n == 1000 {
                continue;
            }
            observer.on(&Event::Worked { job: &job, times });
            observer.on(&Event::Published { job: &job, purpose: Purpose::PassOn, count: 1 });
            let (message, took) = (Some(&message), millis(715));
            observer.on(&Event::Handled { job: &job, message, outcome: Outcome::Done, why: None, took });
        }
    }
}

/// Reads the page once; how many bytes it has.
fn scrape(address: SocketAddr) -> usize {
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("asked");
    let mut page = Vec::new();
    stream.read_to_end(&mut page).expect("answered");
    assert!(page.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&page));
    page.len()
}

fn flow(observer: Arc<dyn Observer>) {
    let nothing = |_| inline(|_| Ok(Product::bytes(&b"x"[..])));
    chain::flow(chain::plan(JOBS, WORKERS, nothing), ENTITIES, observer);
}
