//! Messages that name jobs that the graph has no more: each becomes a dead letter, whoever waits is told, and nothing goes round.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::context::NodeSettings;
use euterpe_actors::events::{Event, Observer};
use euterpe_actors::ids::{EntityId, JobName, RunId, StoreName};
use euterpe_actors::message::{Base, EntityMessage, Failure, Force, Frame, Kind, Target};
use euterpe_actors::node::Node;
use euterpe_actors::outcome::{Fault, FaultKind, Outcome, Reason};
use euterpe_actors::plan::{JobSpec, NodePlan, OutputPlan};
use euterpe_actors::pool::Drain;
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::state::{DeadLetter, LetterFilter, StateStore};
use euterpe_actors::storage::{Storage, Stores, memory::MemoryStorage};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};
use euterpe_actors::wire;

fn job(name: &str) -> JobName {
    JobName::new(name).expect("a name")
}

fn target(name: &str) -> Target {
    Target { job: job(name), entity: EntityId::new("t-1").expect("an id") }
}

fn frame(name: &str) -> Frame {
    Frame { to: target(name), waiting: vec!["x".parse().expect("a name")], absent: 0, force: Force::None }
}

fn request(frames: &[&str], base: Base) -> EntityMessage {
    let mut message = EntityMessage::new(1, RunId::new(1, 0), target("good"), Default::default(), base);
    message.frames = frames.iter().map(|name| frame(name)).collect();
    message
}

/// How each message was settled: the job, the outcome, the reason.
type Handled = Vec<(String, Outcome, Option<Reason>)>;

#[derive(Default)]
struct Watching(Mutex<Handled>);

impl Observer for Watching {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Handled { job, outcome, why, .. } => {
                self.0.lock().expect("whole").push((job.to_string(), *outcome, why.map(|(reason, _)| reason)));
            }
            Event::Unconfirmed { text, .. } => panic!("it goes round: {text}"),
            _ => {}
        }
    }
}

/// Jobs `good`, `bad` (fails, with a text longer than a message may be), `slow` (out of time at first) and `top` without inputs.
fn plan() -> NodePlan {
    let (store, form) = (StoreName::new("m").expect("a name"), EntityForm::default());
    let spec = |name: &str| {
        let fault = match name {
            "bad" => Some(Fault::fatal("x".repeat(100_000))),
            "slow" => Some(Fault::new(FaultKind::Timeout, "too slow")),
            _ => None,
        };
        let key = Template::parse(&format!("{name}/{{id}}.bin"), &form).expect("a template");
        JobSpec {
            name: job(name),
            form: form.clone(),
            inputs: Vec::new(),
            outputs: vec![OutputPlan { store: store.clone(), key }],
            transform: inline(move |_| fault.clone().map_or_else(|| Ok(Product::bytes(&b"x"[..])), Err)),
            workers: 1,
            timeout: Duration::from_secs(60),
            retry: RetryPolicy { retries: 1, backoff: Duration::from_secs(1) },
            claim: false,
            settings: 0,
        }
    };
    NodePlan::new(["good", "bad", "slow", "top"].map(spec).into())
}

/// Handles one message in the queue of a job and all that it causes.
fn handled(queue: &str, message: &EntityMessage) -> (Handled, Vec<DeadLetter>) {
    let (watching, body) = (Arc::new(Watching::default()), wire::encode(message).expect("it fits"));
    let letters = actix::System::new().block_on(async {
        tokio::time::pause();
        let plan = Arc::new(plan());
        let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
        let state = StateStore::new(Arc::new(MemoryStorage::default()));
        let outputs: Arc<dyn Storage> = Arc::new(MemoryStorage::default());
        let node = Node::start(NodeSettings {
            state: state.clone(),
            observer: watching.clone(),
            ..support::node(&plan, broker.clone(), Stores::new([(StoreName::new("m").expect("a name"), outputs)]))
        });
        broker.publish(vec![Outgoing::now(job(queue), body)]).await.expect("published");
        let settled = tokio::time::timeout(Duration::from_secs(3600), broker.settled_to(0)).await;
        settled.expect("it came to an end");
        node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
        let letters = state.letters(&LetterFilter::default()).await.expect("memory answers");
        letters.into_iter().map(|(_, letter)| letter).collect()
    });
    let handled = std::mem::take(&mut *watching.0.lock().expect("whole"));
    (handled, letters)
}

#[test]
fn a_waiter_of_an_unknown_job_gets_a_letter_and_who_waits_behind_it_is_told() {
    let (handled, letters) = handled("good", &request(&["top", "gone", "lost"], Base::Stop));
    assert_eq!(
        handled,
        [
            ("good".to_owned(), Outcome::Done, None),
            ("top".to_owned(), Outcome::UpstreamFailed, Some(Reason::UnknownJob)),
        ]
    );
    let found: Vec<_> = letters.iter().map(|letter| (letter.job.as_str(), letter.reason)).collect();
    assert_eq!(found, [("gone", Reason::UnknownJob), ("lost", Reason::UnknownJob)]);
    let message = letters[0].message.as_ref().expect("a message");
    assert_eq!((&message.target, &message.kind, message.frames.len()), (&target("gone"), &Kind::Work, 1));
    assert!(letters[0].text.contains("no job named `gone` in this graph"), "{}", letters[0].text);
}

#[test]
fn an_unknown_waiter_that_nobody_waits_for_ends_with_its_letter() {
    let (handled, letters) = handled("good", &request(&["gone"], Base::Stop));
    assert_eq!(handled, [("good".to_owned(), Outcome::Done, None)]);
    assert_eq!(letters.len(), 1);
    assert!(letters[0].message.as_ref().is_some_and(|message| message.frames.is_empty()));
}

#[test]
fn the_news_of_a_failure_passes_over_an_unknown_job_to_who_waits_behind_it() {
    let mut message = request(&["top", "gone"], Base::Stop);
    message.target = target("bad");
    let (handled, letters) = handled("bad", &message);
    assert_eq!(
        handled,
        [
            ("bad".to_owned(), Outcome::Dead, Some(Reason::Fatal)),
            ("top".to_owned(), Outcome::UpstreamFailed, Some(Reason::Fatal)),
        ]
    );
    let found: Vec<_> = letters.iter().map(|letter| (letter.job.as_str(), letter.reason)).collect();
    assert_eq!(found, [("bad", Reason::Fatal), ("gone", Reason::UnknownJob)]);
    assert_eq!(letters[0].text.len(), 100_000, "the letter has all of the sentence");
}

#[test]
fn a_request_and_news_for_an_unknown_job_in_another_queue_tell_who_waits() {
    let mut message = request(&["top"], Base::Stop);
    message.target = target("gone");
    let (work, letters) = handled("good", &message);
    assert_eq!(
        work,
        [
            ("good".to_owned(), Outcome::Malformed, Some(Reason::UnknownJob)),
            ("top".to_owned(), Outcome::UpstreamFailed, Some(Reason::UnknownJob)),
        ]
    );
    assert_eq!((letters.len(), letters[0].job.as_str()), (1, "gone"));
    let failure = Failure { target: target("bad"), reason: Reason::BadInput, text: "no".into(), record: "r".into() };
    message.kind = Kind::Failed(Arc::new(failure));
    let (news, _) = handled("good", &message);
    assert_eq!(news[1], ("top".to_owned(), Outcome::UpstreamFailed, Some(Reason::BadInput)));
}

#[test]
fn a_retry_says_why_the_try_before_failed() {
    let mut message = request(&[], Base::Stop);
    message.target = target("slow");
    let (handled, _) = handled("slow", &message);
    assert_eq!(
        handled,
        [
            ("slow".to_owned(), Outcome::Retried, Some(Reason::Timeout)),
            ("slow".to_owned(), Outcome::Dead, Some(Reason::Timeout)),
        ]
    );
}
