//! Large objects through a job, beside a bare loop over the SDK with as many at once: 64 of 8 MB up, and down again.
//!
//! The jobs do nothing but hand over what they are given: one makes each object and leaves it in the bucket, the other has
//! them as its input. Everything that a node does for an entity is in it: looking, hashing, checking, stamping. What is
//! downloaded has not been made by the same store, so nothing of it lies on this machine.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::ids::{EntityId, RunId, StoreName};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::Fault;
use euterpe_actors::plan::{InputPlan, NodePlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::storage::{Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, TransformFactory, Work, inline};
use euterpe_actors::wire;
use futures::stream::{self, StreamExt};

use super::server::{BUCKET, Server};
use super::support::{Cost, median};
use super::{bare, chain, timed};

const OBJECTS: usize = 64;
const SIZE: usize = 8_000_000;
const AT_ONCE: usize = 8;
const ROUNDS: usize = 7;
/// The store of what the first job of `chain` makes, and the one of what is there before.
const FROM: &str = "from";

/// Rounds of all take turns, so that what else the machine does falls on all.
pub fn main() {
    let server = Server::memory();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let client = bare(&server.endpoint());
    let content = Bytes::from((0..SIZE).map(|n| (n * 31 % 251) as u8).collect::<Vec<_>>());
    let mut figures: [Vec<Cost>; 4] = Default::default();
    for round in 0..ROUNDS {
        let prefix = format!("round{round}");
        let made = content.clone();
        let plan = chain::plan(1, AT_ONCE, |_| makes(made.clone()));
        figures[0].push(through(plan, &server, &prefix, &prefix));
        figures[1].push(runtime.block_on(timed(async || up(&client, &content).await)));
        figures[2].push(through(taking(), &server, &format!("{prefix}/j0"), "unused"));
        figures[3].push(runtime.block_on(timed(async || down(&client).await)));
        runtime.block_on(clear(&client, &prefix));
    }
    let speed = |of: &Vec<Cost>| (OBJECTS * SIZE) as f64 / 1e6 / median(of.iter().map(|cost| cost.wall).collect());
    let cpu = |of: &Vec<Cost>| median(of.iter().map(|cost| cost.cpu).collect()) * 1000.0 / OBJECTS as f64;
    println!("{OBJECTS} objects of 8 MB, {AT_ONCE} at once, medians of {ROUNDS} rounds");
    println!(
        "{:<10} {:>12} {:>14} {:>12} {:>14} {:>7}",
        "", "job MB/s", "CPU ms/object", "SDK MB/s", "CPU ms/object", "ratio"
    );
    for (name, ours, bare) in [("upload", &figures[0], &figures[1]), ("download", &figures[2], &figures[3])] {
        println!(
            "{name:<10} {:>12.0} {:>14.1} {:>12.0} {:>14.1} {:>7.2}",
            speed(ours),
            cpu(ours),
            speed(bare),
            cpu(bare),
            speed(ours) / speed(bare)
        );
    }
    println!("ratio: bytes/s through a job to those of a bare loop over the SDK. Aim: at least 0.9.");
}

fn makes(content: Bytes) -> TransformFactory {
    inline(move |_| Ok(Product::bytes(content.clone())))
}

/// One job that takes what the first job of a chain left in a bucket, and makes next to nothing of it.
fn taking() -> NodePlan {
    let took = inline(|work: Work| {
        let read = work.input("in")?.object.content.read();
        assert_eq!(read.map_err(|error| Fault::failed(error.to_string()))?.len(), SIZE);
        Ok(Product::bytes(&b"x"[..]))
    });
    let mut spec = chain::spec(0, AT_ONCE, took);
    let key = Template::parse("{id}.bin", &EntityForm::default()).expect("a template");
    let store = StoreName::new(FROM).expect("a name");
    let from = Route::Source { store, key, exts: Arc::from([]), optional: false };
    spec.inputs = vec![InputPlan { name: "in".parse().expect("a name"), from }];
    NodePlan::new(vec![spec])
}

/// All entities through the first job of a plan, from the first message to the last acknowledgement. Its inputs come from
/// the bucket, below `from`; what it makes goes there, below `to`, or into memory where it is next to nothing.
fn through(plan: NodePlan, server: &Server, from: &str, to: &str) -> Cost {
    let plan = Arc::new(plan);
    let is_made = plan.jobs[0].inputs.is_empty();
    let (made, source) = (server.store(to), server.store(from));
    actix::System::new().block_on(async move {
        // Connected, and known for what it keeps, as by the start of a run.
        source.look("nothing").await.expect("looked");
        made.set_findings(made.probe(1).await.expect("probed"));
        let made: Arc<dyn Storage> = if is_made { Arc::new(made) } else { Arc::new(MemoryStorage::default()) };
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let stores = [
            (StoreName::new(chain::STORE).expect("a name"), made),
            (StoreName::new(FROM).expect("a name"), Arc::new(source) as _),
        ];
        let settings = chain::settings(&plan, &broker, std::env::temp_dir());
        let node = Node::start(NodeSettings { stores: Stores::new(stores), ..settings });
        let wave = Arc::new(Wave { id: 1, origins: vec![chain::job(0)], only: None });
        let cost = timed(async || {
            for n in 0..OBJECTS {
                let entity = EntityId::new(&format!("t-{n:03}")).expect("an id");
                let target = Target { job: chain::job(0), entity };
                let base = Base::Down(wave.clone());
                let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, base);
                let body = wire::encode(&message).expect("it fits");
                broker.publish(vec![Outgoing::now(chain::job(0), body)]).await.expect("published");
            }
            broker.settled_to(0).await;
        });
        let cost = cost.await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        cost
    })
}

async fn each(work: impl AsyncFn(usize)) {
    stream::iter(0..OBJECTS).for_each_concurrent(AT_ONCE, async |n| work(n).await).await;
}

async fn up(client: &Client, content: &Bytes) {
    each(async |n| {
        let body = ByteStream::from(content.clone());
        client.put_object().bucket(BUCKET).key(format!("bare/{n}")).body(body).send().await.expect("put");
    })
    .await;
}

async fn down(client: &Client) {
    each(async |n| {
        let got = client.get_object().bucket(BUCKET).key(format!("bare/{n}")).send().await.expect("got");
        assert_eq!(got.body.collect().await.expect("read").into_bytes().len(), SIZE);
    })
    .await;
}

/// What a round left there.
async fn clear(client: &Client, prefix: &str) {
    let keys = (0..OBJECTS).flat_map(|n| [format!("bare/{n}"), format!("{prefix}/j0/t-{n:03}.bin")]);
    for key in keys {
        client.delete_object().bucket(BUCKET).key(key).send().await.expect("removed");
    }
}
