//! Traces: what an entity causes over three nodes is one tree, whoever began it and wherever it is asked for.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use euterpe_actors::broker::{BodyFormat, Broker, ForeignProperties, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::{Fault, Outcome};
use euterpe_actors::plan::{InputPlan, JobIx, JobSpec, Mapping, NodePlan, Route};
use euterpe_actors::pool::Drain;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::trace::{MessageSpan, Sampling, TraceContext, trace_of};
use euterpe_actors::transform::{Product, inline};

const JOBS: [&str; 3] = ["track", "mel", "mix"];

/// A span as it was told.
#[derive(Clone, Debug)]
struct Told {
    node: usize,
    job: String,
    outcome: Option<Outcome>,
    span: MessageSpan,
    worked: bool,
}

type Spans = Arc<Mutex<Vec<Told>>>;

struct Watching {
    node: usize,
    spans: Spans,
}

impl Observer for Watching {
    fn on(&self, event: &Event<'_>) {
        if let Event::Traced { job, span, ended } = event {
            let (node, job, worked) = (self.node, job.to_string(), ended.times.is_some());
            self.spans.lock().expect("whole").push(Told { node, job, outcome: ended.outcome, span: *span, worked });
        }
    }
}

/// `track -> mel`, and a mix of two `mel`. `track` fails once where it is told to.
fn plan(fails: &Arc<AtomicBool>) -> NodePlan {
    let fails = fails.clone();
    let done = || inline(|_| Ok(Product::bytes(&b"x"[..])));
    let track = inline(move |_| match fails.swap(false, Ordering::SeqCst) {
        true => Err(Fault::failed("told to fail once")),
        false => Ok(Product::bytes(&b"x"[..])),
    });
    let two = EntityForm::parse("{l},{r}").expect("a form");
    let part = |part: &str| InputPlan {
        name: part.trim_matches(['{', '}']).parse().expect("a name"),
        from: Route::Job {
            job: JobIx(1),
            output: 0,
            entity: Mapping::To(Template::parse(part, &two).expect("a mapping")),
        },
    };
    let mix = support::job("mix", &[], done());
    let key = Template::parse("mix/{l},{r}.bin", &two).expect("a key");
    let outputs = vec![euterpe_actors::plan::OutputPlan { store: support::store(), key }];
    NodePlan::new(vec![
        support::job("track", &[], track),
        support::job("mel", &[0], done()),
        JobSpec { form: two.clone(), inputs: vec![part("{l}"), part("{r}")], outputs, ..mix },
    ])
}

/// Three nodes, one for each job.
struct World {
    plan: Arc<NodePlan>,
    broker: InProcess,
    spans: Spans,
    fails: Arc<AtomicBool>,
}

impl World {
    fn message(&self, job: &str, entity: &str) -> EntityMessage {
        let target = Target { job: name(job), entity: EntityId::new(entity).expect("an id") };
        EntityMessage::new(1, RunId::new(7, 7), target, self.plan.digest, Base::Stop)
    }

    async fn publish(&self, message: Outgoing) -> Vec<Told> {
        self.broker.publish(vec![message]).await.expect("published");
        self.broker.settled_to(0).await;
        std::mem::take(&mut self.spans.lock().expect("whole"))
    }
}

fn name(job: &str) -> JobName {
    JobName::new(job).expect("a name")
}

/// Each look at it is a second later.
static CLOCK: AtomicU64 = AtomicU64::new(1_000_000);

/// Runs a test with nodes, of which those in `silent` tell of no spans.
fn with_nodes<F: Future<Output = ()>>(silent: &[usize], test: impl FnOnce(World) -> F) {
    actix::System::new().block_on(async {
        tokio::time::pause();
        let fails = Arc::new(AtomicBool::new(false));
        let plan = Arc::new(plan(&fails));
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let (objects, state) = (Arc::new(MemoryStorage::default()), Arc::new(MemoryStorage::default()));
        let spans = Spans::default();
        let start = |(node, job): (usize, &&str)| {
            Node::start(NodeSettings {
                state: StateStore::new(state.clone()),
                observer: Arc::new(Watching { node, spans: spans.clone() }),
                salt: node as u64 + 1,
                served: Some(vec![name(job)]),
                clock: || CLOCK.fetch_add(1000, Ordering::Relaxed),
                traces: (!silent.contains(&node)).then(Sampling::default),
                ..support::node(
                    &plan,
                    broker.clone(),
                    Stores::new([(support::store(), objects.clone() as Arc<dyn Storage>)]),
                )
            })
        };
        let nodes: Vec<_> = JOBS.iter().enumerate().map(start).collect();
        test(World { plan, broker, spans: spans.clone(), fails }).await;
        for node in nodes {
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        }
    });
}

/// Asserts that spans are one tree below `above`, or with a root of their own.
#[track_caller]
fn is_one_tree(spans: &[Told], above: Option<u64>) {
    let traces: BTreeSet<u128> = spans.iter().map(|told| told.span.own.trace).collect();
    assert_eq!(traces.len(), 1, "one trace: {spans:#?}");
    let ids: BTreeSet<u64> = spans.iter().map(|told| told.span.own.span).collect();
    assert_eq!(ids.len(), spans.len(), "each span has an id of its own: {spans:#?}");
    let tops: Vec<&Told> = spans.iter().filter(|told| told.span.parent == above).collect();
    assert_eq!(tops.len(), 1, "one span is the first: {spans:#?}");
    let orphans = spans.iter().filter(|told| told.span.parent.is_some_and(|parent| !ids.contains(&parent)));
    assert_eq!(orphans.filter(|told| told.span.parent != above).count(), 0, "each stands below another: {spans:#?}");
}

#[track_caller]
fn of<'s>(spans: &'s [Told], job: &str, outcome: Outcome) -> Vec<&'s Told> {
    spans.iter().filter(|told| told.job == job && told.outcome == Some(outcome)).collect()
}

#[test]
fn what_is_asked_for_from_below_over_three_nodes_is_one_tree_with_what_it_asks_of_others() {
    with_nodes(&[], async |world| {
        let message = world.message("mix", "x,y");
        let spans = world.publish(Outgoing::of(&message).expect("it fits")).await;
        is_one_tree(&spans, None);
        assert_eq!(spans[0].span.own.trace, trace_of(message.run, &message.target.entity));
        let nodes: BTreeSet<usize> = spans.iter().map(|told| told.node).collect();
        assert_eq!(nodes, BTreeSet::from([0, 1, 2]));
        for (job, count) in [("track", 2), ("mel", 2), ("mix", 1)] {
            let done = of(&spans, job, Outcome::Done);
            assert_eq!(done.len(), count, "{job}: {spans:#?}");
            assert!(done.iter().all(|told| told.worked), "the times of a work are told with it");
        }
        // The wake-up of `mel` stands below the work of `track` that it waited for.
        let tracks: BTreeSet<u64> = of(&spans, "track", Outcome::Done).iter().map(|told| told.span.own.span).collect();
        assert!(
            of(&spans, "mel", Outcome::Done).iter().all(|mel| mel.span.parent.is_some_and(|p| tracks.contains(&p)))
        );
    });
}

#[test]
fn a_trace_that_another_program_began_is_continued() {
    with_nodes(&[], async |world| {
        let theirs = TraceContext { trace: 0xfeed, span: 0xbeef, sampled: true };
        let foreign = |body: &'static str, trace| Outgoing {
            format: BodyFormat::Foreign(Arc::new(ForeignProperties::default())),
            trace: Some(trace),
            ..Outgoing::now(name("track"), Bytes::from_static(body.as_bytes()))
        };
        let spans = world.publish(foreign("t-1", theirs)).await;
        is_one_tree(&spans, Some(theirs.span));
        assert_eq!(spans[0].span.own.trace, theirs.trace);
        assert_eq!(of(&spans, "mel", Outcome::Done).len(), 1, "{spans:#?}");
        // What cannot be read is told in their trace, too.
        let spans = world.publish(foreign("\u{0}", theirs)).await;
        is_one_tree(&spans, Some(theirs.span));
        assert_eq!(of(&spans, "track", Outcome::Malformed).len(), 1, "{spans:#?}");
        // They do not want this one to be recorded, and so nobody does.
        let spans = world.publish(foreign("t-2", TraceContext { sampled: false, ..theirs })).await;
        assert!(spans.len() == 2 && spans.iter().all(|told| !told.span.own.sampled), "{spans:#?}");
        // A forced one is put into an envelope first, which belongs to the same trace.
        let json = ForeignProperties { content_type: "application/json".into(), ..ForeignProperties::default() };
        let format = BodyFormat::Foreign(Arc::new(json));
        let spans = world.publish(Outgoing { format, ..foreign(r#"{"entity": "t-1", "force": true}"#, theirs) }).await;
        is_one_tree(&spans, Some(theirs.span));
        assert_eq!(of(&spans, "mel", Outcome::Done).len(), 1, "{spans:#?}");
    });
}

#[test]
fn a_second_try_stands_beside_the_first_one() {
    with_nodes(&[], async |world| {
        let root = TraceContext { trace: 7, span: 9, sampled: true };
        world.fails.store(true, Ordering::SeqCst);
        let message = EntityMessage { trace: Some(root), ..world.message("track", "t-1") };
        let spans = world.publish(Outgoing::of(&message).expect("it fits")).await;
        let outcomes: Vec<_> = spans.iter().filter_map(|told| told.outcome).collect();
        assert_eq!(outcomes, [Outcome::Retried, Outcome::Done]);
        assert!(spans.iter().all(|told| told.span.parent == Some(root.span) && told.span.own.trace == 7), "{spans:#?}");
        // Where the first try is the first span of all, there is none above both: the second one stands below it.
        world.fails.store(true, Ordering::SeqCst);
        let spans = world.publish(Outgoing::of(&world.message("track", "t-2")).expect("it fits")).await;
        is_one_tree(&spans, None);
    });
}

#[test]
fn a_node_that_does_not_trace_hands_on_what_it_was_given() {
    with_nodes(&[1], async |world| {
        let spans = world.publish(Outgoing::of(&world.message("mix", "x,y")).expect("it fits")).await;
        is_one_tree(&spans, None);
        let nodes: BTreeSet<usize> = spans.iter().map(|told| told.node).collect();
        assert_eq!(nodes, BTreeSet::from([0, 2]));
        assert_eq!(of(&spans, "mix", Outcome::Done).len(), 1, "{spans:#?}");
    });
}
