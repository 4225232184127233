//! Without faults, each (job, entity) is worked on exactly once, and the messages grow with the edges and no faster.

mod support;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer, Purpose};
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::Outcome;
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, OutputPlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::storage::{Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};
use euterpe_actors::wire;

/// Counts what the tests speak of.
#[derive(Default)]
struct Counter {
    started: Mutex<HashMap<(JobName, EntityId), u32>>,
    passed: Mutex<HashMap<&'static str, usize>>,
    outcomes: Mutex<HashMap<(JobName, Outcome), usize>>,
}

impl Observer for Counter {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Started { job, entity, .. } => {
                let key = ((*job).clone(), (*entity).clone());
                *self.started.lock().expect("whole").entry(key).or_default() += 1;
            }
            Event::Published { purpose, count, .. } => {
                let kind = if *purpose == Purpose::Park { "parked" } else { "passed" };
                *self.passed.lock().expect("whole").entry(kind).or_default() += count;
            }
            Event::Handled { job, outcome, .. } => {
                *self.outcomes.lock().expect("whole").entry(((*job).clone(), *outcome)).or_default() += 1;
            }
            _ => {}
        }
    }
}

impl Counter {
    fn executions(&self) -> u32 {
        self.started.lock().expect("whole").values().sum()
    }
    fn distinct(&self) -> u32 {
        self.started.lock().expect("whole").len() as u32
    }
    fn passed(&self) -> usize {
        self.passed.lock().expect("whole").get("passed").copied().unwrap_or(0)
    }
    fn outcome(&self, name: &str, outcome: Outcome) -> usize {
        self.outcomes.lock().expect("whole").get(&(job(name), outcome)).copied().unwrap_or(0)
    }
}

fn job(name: &str) -> JobName {
    JobName::new(name).expect("a name")
}

/// A graph written as (job, parents), parents first.
fn plan(jobs: &[(&str, &[&str])], workers: usize) -> NodePlan {
    let store = StoreName::new("m").expect("a name");
    let form = EntityForm::default();
    let place = |name: &str| JobIx(jobs.iter().position(|(known, _)| *known == name).expect("a parent"));
    let input = |parent: &&str| InputPlan {
        name: parent.parse().expect("a name"),
        from: Route::Job { job: place(parent), output: 0, entity: Mapping::Same },
    };
    let spec = |(name, parents): &(&str, &[&str])| JobSpec {
        name: job(name),
        form: form.clone(),
        inputs: parents.iter().map(input).collect(),
        outputs: vec![OutputPlan {
            store: store.clone(),
            key: Template::parse(&format!("{name}/{{id}}.bin"), &form).expect("a template"),
        }],
        transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
        workers,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    };
    NodePlan::new(jobs.iter().map(spec).collect())
}

const DIAMOND: &[(&str, &[&str])] =
    &[("track", &[]), ("pcm", &["track"]), ("mel", &["pcm"]), ("loudness", &["pcm"]), ("card", &["mel", "loudness"])];
const DIAMOND_EDGES: usize = 5;

/// Runs messages through a node until the broker is empty.
fn run(plan: NodePlan, messages: impl Fn(&NodePlan) -> Vec<EntityMessage>) -> (Arc<Counter>, Arc<MemoryStorage>) {
    let (plan, counter, storage) = (Arc::new(plan), Arc::new(Counter::default()), Arc::new(MemoryStorage::default()));
    let (watching, stored) = (counter.clone(), storage.clone());
    actix::System::new().block_on(async move {
        tokio::time::pause(); // what is put off is due as soon as nothing else moves
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let node = Node::start(NodeSettings {
            observer: watching,
            ..support::node(
                &plan,
                broker.clone(),
                Stores::new([(StoreName::new("m").expect("a name"), stored as Arc<dyn Storage>)]),
            )
        });
        for message in messages(&plan) {
            let body = wire::encode(&message).expect("it fits");
            broker.publish(vec![Outgoing::now(message.target.job.clone(), body)]).await.expect("published");
        }
        broker.settled_to(0).await;
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
    });
    (counter, storage)
}

fn top_down(plan: &NodePlan, origin: &str, entities: usize) -> Vec<EntityMessage> {
    let wave = Arc::new(Wave { id: 1, origins: vec![job(origin)], only: None });
    let message = |n| {
        let target = Target { job: job(origin), entity: EntityId::new(&format!("t-{n}")).expect("an id") };
        EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, Base::Down(wave.clone()))
    };
    (0..entities).map(message).collect()
}

fn bottom_up(plan: &NodePlan, wanted: &str, entities: impl IntoIterator<Item = usize>) -> Vec<EntityMessage> {
    let message = |(n, entity): (usize, usize)| {
        let target = Target { job: job(wanted), entity: EntityId::new(&format!("t-{entity}")).expect("an id") };
        EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, Base::Stop)
    };
    entities.into_iter().enumerate().map(message).collect()
}

#[test]
fn twenty_thousand_entities_go_down_a_diamond_with_each_job_done_once_and_a_message_for_each_edge() {
    let entities = 20_000;
    let (counter, storage) = run(plan(DIAMOND, 8), |plan| top_down(plan, "track", entities));
    assert_eq!(counter.executions() as usize, 5 * entities);
    assert_eq!(counter.executions(), counter.distinct());
    let most = DIAMOND_EDGES * entities * 105 / 100;
    assert!(counter.passed() <= most, "{} messages, at most {most}", counter.passed());
    let end = actix::System::new().block_on(storage.look("card/t-19999.bin")).expect("memory answers");
    assert!(end.is_some());
}

#[test]
fn the_same_from_the_bottom_asks_each_parent_once_and_is_answered_once() {
    let entities = 5_000;
    let (counter, _) = run(plan(DIAMOND, 8), |plan| bottom_up(plan, "card", 0..entities));
    assert_eq!(counter.executions() as usize, 5 * entities);
    assert_eq!(counter.executions(), counter.distinct());
    // A request and an answer over each edge.
    let most = 2 * DIAMOND_EDGES * entities * 105 / 100;
    assert!(counter.passed() <= most, "{} messages, at most {most}", counter.passed());
}

#[test]
fn a_thousand_requests_for_one_output_at_once_do_each_job_once() {
    let (counter, _) = run(plan(DIAMOND, 4), |plan| bottom_up(plan, "card", std::iter::repeat_n(0, 1000)));
    assert_eq!((counter.executions(), counter.distinct()), (5, 5));
    let ended: usize = [Outcome::Done, Outcome::Exists, Outcome::Requested, Outcome::HandedOver]
        .map(|outcome| counter.outcome("card", outcome))
        .iter()
        .sum();
    assert!(ended >= 1000, "{ended} of 1000 came to an outcome");
}

#[test]
fn ten_thousand_who_wait_for_one_parent_are_all_woken_by_one_execution() {
    // Every entity of `mix` needs the same entity of `pcm`.
    let form = EntityForm::parse("{a},{b}").expect("a form");
    let mut specs = Vec::new();
    for (name, form, inputs) in [
        ("pcm", EntityForm::default(), Vec::new()),
        (
            "mix",
            form.clone(),
            vec![InputPlan {
                name: "a".parse().expect("a name"),
                from: Route::Job {
                    job: JobIx(0),
                    output: 0,
                    entity: Mapping::To(Template::parse("{a}", &form).expect("a mapping")),
                },
            }],
        ),
    ] {
        specs.push(JobSpec {
            name: job(name),
            outputs: vec![OutputPlan {
                store: StoreName::new("m").expect("a name"),
                key: Template::parse(&format!("{name}/{{id}}.bin"), &form).expect("a template"),
            }],
            form,
            inputs,
            transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
            workers: 8,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            claim: false,
            settings: 0,
        });
    }
    let (counter, _) = run(NodePlan::new(specs), |plan| {
        let message = |n: u64| {
            let target = Target { job: job("mix"), entity: EntityId::new(&format!("x,{n}")).expect("an id") };
            EntityMessage::new(n, RunId::new(1, 0), target, plan.digest, Base::Stop)
        };
        (0..10_000).map(message).collect()
    });
    assert_eq!(counter.outcome("pcm", Outcome::Done), 1);
    assert_eq!(counter.outcome("mix", Outcome::Done), 10_000);
    assert_eq!(counter.executions(), 10_001);
}

#[test]
fn stacked_diamonds_cost_messages_in_proportion_to_their_edges_both_ways() {
    // a0 -> (b0, c0) -> a1 -> (b1, c1) -> a2 … twelve times.
    let names: Vec<[String; 3]> = (0..12).map(|n| [format!("a{n}"), format!("b{n}"), format!("c{n}")]).collect();
    let last = "a12".to_owned();
    let mut jobs: Vec<(&str, Vec<&str>)> = Vec::new();
    for (n, [a, b, c]) in names.iter().enumerate() {
        let above = if n == 0 { Vec::new() } else { vec![names[n - 1][1].as_str(), names[n - 1][2].as_str()] };
        jobs.push((a, above));
        jobs.push((b, vec![a]));
        jobs.push((c, vec![a]));
    }
    jobs.push((&last, vec![&names[11][1], &names[11][2]]));
    let jobs: Vec<(&str, &[&str])> = jobs.iter().map(|(name, parents)| (*name, parents.as_slice())).collect();
    let edges = 12 * 4;
    let entities = 50;
    let (down, _) = run(plan(&jobs, 4), |plan| top_down(plan, "a0", entities));
    assert_eq!((down.executions() as usize, down.distinct() as usize), (37 * entities, 37 * entities));
    assert!(down.passed() <= edges * entities * 105 / 100, "down: {} messages", down.passed());
    // Room for all who wait: who is put off instead asks again when the memory of the first request has run out.
    let entities = 10;
    let (up, _) = run(plan(&jobs, 32), |plan| bottom_up(plan, "a12", 0..entities));
    assert_eq!((up.executions() as usize, up.distinct() as usize), (37 * entities, 37 * entities));
    // A request and an answer over each edge.
    assert!(up.passed() <= 2 * edges * entities * 105 / 100, "up: {} messages", up.passed());
}
