//! What work over a real RabbitMQ costs: `cargo bench --bench amqp`, or with `-- NAME` one of those that take longer.
//!
//! | name | what is compared |
//! |---|---|
//! | `flow`, also without a name | three jobs that do nothing, beside a bare lapin loop of the same shape |
//! | `celery` | the same, beside Celery 5 over the same broker; its packages come from a Python package index |
//! | `queued` | the memory of a node with 1,000,000 messages queued, beside the same node with 10,000 |
//! | `nodes` | eight nodes whose transform waits 50 ms, beside one |
//!
//! `EUTERPE_ENTITIES` and `EUTERPE_ROUNDS` say how many, and how often.

mod bare;
mod celery;
#[path = "../support/chain.rs"]
mod chain;
mod flow;
mod meter;
mod nodes;
mod ours;
mod place;
mod queued;
#[allow(dead_code)]
#[path = "../../tests/all/rabbit/server.rs"]
mod server;
#[allow(dead_code)] // it measures a process beside its own
#[path = "../support/mod.rs"]
mod support;
#[path = "../../tests/all/venv.rs"]
mod venv;

use std::{process::ExitCode, sync::Arc, time::Duration};

use chain::job;
use euterpe_actors::broker::{Broker, Outgoing};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::wire;
use euterpe_amqp::{Amqp, AmqpSettings, BrokerUrl, ConnectionSettings, DEFAULT_CONSUMER_TIMEOUT, Names, QueueSettings};
use lapin::options::QueuePurgeOptions;
use lapin::{Connection, ConnectionProperties};

const GRAPH: &str = "bench";
const JOBS: usize = 3;
const PREFETCH: u16 = 100;

fn main() -> ExitCode {
    if place::is_program() {
        return place::program();
    }
    euterpe::telemetry::start(0, euterpe::telemetry::LogFormat::Text);
    match std::env::args().skip(1).find(|arg| !arg.starts_with('-')).as_deref() {
        None | Some("flow") => flow::main(),
        Some("celery") => celery::main(),
        Some("queued") => queued::main(),
        Some("nodes") => nodes::main(),
        Some(other) => {
            eprintln!("no bench named `{other}`; there are flow, celery, queued and nodes");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// What a variable says, or what is usual.
fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

fn settings(url: &str) -> AmqpSettings {
    let queue = |at| QueueSettings { job: job(at), prefetch: PREFETCH, timeout: Duration::from_secs(60) };
    AmqpSettings {
        connection: ConnectionSettings::to(BrokerUrl::new(url, false).expect("a URL")),
        graph: GRAPH.into(),
        queues: (0..JOBS).map(queue).collect(),
        consumer_timeout: DEFAULT_CONSUMER_TIMEOUT,
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

/// How many messages a round left in the queues of the jobs; they are removed.
fn left_over(url: &str) -> [u32; JOBS] {
    let names = Names::of(GRAPH);
    runtime().block_on(async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("connected");
        let channel = connection.create_channel().await.expect("a channel");
        let mut left = [0; JOBS];
        for (at, left) in left.iter_mut().enumerate() {
            let purged = channel.queue_purge(names.queue(&job(at)).into(), QueuePurgeOptions::default());
            *left = purged.await.expect("purged");
        }
        connection.close(200, "bye".into()).await.expect("closed");
        left
    })
}
