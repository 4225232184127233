//! What every broker must do: one suite, passed by each adapter.
//!
//! `open` makes a fresh broker with empty queues for the jobs that it is given. The suite waits in `tokio::time`, so
//! that a broker in memory passes it under paused time in no time at all.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use euterpe_actors::broker::{BodyFormat, Broker, BrokerError, Delivery, ForeignProperties, Outgoing, Subscription};
use euterpe_actors::ids::JobName;
use euterpe_actors::trace::TraceContext;

/// How long the suite waits for what must come.
const SOON: Duration = Duration::from_secs(10);
/// How long the suite waits to believe that nothing comes.
const A_WHILE: Duration = Duration::from_millis(500);

/// Runs the whole suite.
///
/// # Panics
/// With what the broker did wrong.
pub async fn passes<O, F>(open: O)
where
    O: Fn(Vec<JobName>) -> F,
    F: Future<Output = Arc<dyn Broker>>,
{
    let fresh = || open(vec![job("mel"), job("tags")]);
    delivers_all_that_it_confirmed_to_its_own_queue(&*fresh().await).await;
    gives_back_what_is_dropped_and_says_so(&*fresh().await).await;
    never_delivers_again_what_was_acked(&*fresh().await).await;
    keeps_a_delayed_message_back_for_its_time(&*fresh().await).await;
    keeps_the_count_of_parks_beside_the_body(&*fresh().await).await;
    keeps_the_span_that_caused_a_message_beside_the_body(&*fresh().await).await;
    says_of_a_body_by_others_that_it_is_one(&*fresh().await).await;
    names_the_queue_that_it_does_not_have(&*fresh().await).await;
    shares_a_queue_between_consumers(&*fresh().await).await;
    loses_nothing_when_a_subscription_is_dropped(&*fresh().await).await;
    holds_one_unsettled_delivery_for_each_call_of_next(&*fresh().await).await;
    gives_one_at_a_time_to_who_rests(&*fresh().await).await;
    takes_an_empty_batch(&*fresh().await).await;
    carries_any_bytes(&*fresh().await).await;
}

fn job(name: &str) -> JobName {
    JobName::new(name).expect("a plain name")
}

fn message(to: &str, body: &str) -> Outgoing {
    Outgoing::now(job(to), Bytes::copy_from_slice(body.as_bytes()))
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8(delivery.body.to_vec()).expect("the suite publishes text")
}

async fn soon(from: &mut Box<dyn Subscription>) -> Delivery {
    let next = timeout(SOON, from.next()).await.expect("a published message was not delivered");
    next.expect("the broker closed while it was used")
}

async fn nothing_comes(from: &mut Box<dyn Subscription>) {
    if let Ok(delivery) = timeout(A_WHILE, from.next()).await {
        panic!("a message came that nobody published: {delivery:?}");
    }
}

fn subscribe(broker: &dyn Broker, to: &str) -> Box<dyn Subscription> {
    broker.subscribe(&job(to)).expect("the queue exists")
}

async fn publish(broker: &dyn Broker, messages: Vec<Outgoing>) {
    broker.publish(messages).await.expect("the broker takes messages");
}

async fn delivers_all_that_it_confirmed_to_its_own_queue(broker: &dyn Broker) {
    let mine: BTreeSet<String> = (0..50).map(|n| format!("t-{n}")).collect();
    let mut batch: Vec<Outgoing> = mine.iter().map(|body| message("mel", body)).collect();
    batch.push(message("tags", "other"));
    publish(broker, batch).await;
    let (mut mel, mut tags) = (subscribe(broker, "mel"), subscribe(broker, "tags"));
    let mut seen = BTreeSet::new();
    while seen.len() < mine.len() {
        let delivery = soon(&mut mel).await;
        seen.insert(text(&delivery));
        delivery.ack();
    }
    assert_eq!(seen, mine, "a queue held what was not published to it");
    let delivery = soon(&mut tags).await;
    assert_eq!(text(&delivery), "other");
    delivery.ack();
}

async fn gives_back_what_is_dropped_and_says_so(broker: &dyn Broker) {
    publish(broker, vec![message("mel", "t-1")]).await;
    let mut mel = subscribe(broker, "mel");
    let first = soon(&mut mel).await;
    assert!(!first.redelivered, "a first delivery said that it was delivered before");
    drop(first);
    let second = soon(&mut mel).await;
    assert_eq!(text(&second), "t-1");
    assert!(second.redelivered, "a second delivery did not say that it was delivered before");
    second.ack();
    nothing_comes(&mut mel).await;
}

async fn never_delivers_again_what_was_acked(broker: &dyn Broker) {
    publish(broker, vec![message("mel", "t-1")]).await;
    let mut mel = subscribe(broker, "mel");
    soon(&mut mel).await.ack();
    nothing_comes(&mut mel).await;
    drop(mel);
    nothing_comes(&mut subscribe(broker, "mel")).await;
}

async fn keeps_a_delayed_message_back_for_its_time(broker: &dyn Broker) {
    let delay = Duration::from_secs(2);
    let start = Instant::now();
    let late = Outgoing { delay, ..message("mel", "late") };
    publish(broker, vec![late, message("mel", "now")]).await;
    let mut mel = subscribe(broker, "mel");
    let first = soon(&mut mel).await;
    assert_eq!(text(&first), "now", "a delayed message overtook one without delay");
    first.ack();
    let second = soon(&mut mel).await;
    assert_eq!(text(&second), "late");
    assert!(!second.redelivered, "a delay counted as a delivery");
    assert!(start.elapsed() >= delay, "a message came {:?} after its publish, not {delay:?}", start.elapsed());
    second.ack();
}

async fn keeps_the_count_of_parks_beside_the_body(broker: &dyn Broker) {
    publish(broker, vec![Outgoing { parks: 7, ..message("mel", "t-1") }]).await;
    let mut mel = subscribe(broker, "mel");
    let first = soon(&mut mel).await;
    assert_eq!((first.parks, text(&first).as_str()), (7, "t-1"));
    drop(first);
    let again = soon(&mut mel).await;
    assert_eq!(again.parks, 7, "a redelivery forgot its count of parks");
    again.ack();
}

async fn keeps_the_span_that_caused_a_message_beside_the_body(broker: &dyn Broker) {
    let trace = Some(TraceContext { trace: 0x4bf92f3577b34da6a3ce929d0e0e4736, span: u64::MAX, sampled: false });
    let late = Outgoing { trace, delay: Duration::from_millis(300), ..message("mel", "late") };
    publish(broker, vec![Outgoing { trace, ..message("mel", "t-1") }]).await;
    let mut mel = subscribe(broker, "mel");
    drop(soon(&mut mel).await);
    let again = soon(&mut mel).await;
    assert_eq!(again.trace, trace, "a redelivery forgot what caused the message");
    again.ack();
    publish(broker, vec![message("mel", "of no trace"), late]).await;
    for (body, wanted) in [("of no trace", None), ("late", trace)] {
        let delivery = soon(&mut mel).await;
        assert_eq!((text(&delivery).as_str(), delivery.trace), (body, wanted));
        assert_eq!(delivery.copy().trace, wanted);
        delivery.ack();
    }
}

async fn says_of_a_body_by_others_that_it_is_one(broker: &dyn Broker) {
    let foreign =
        ForeignProperties { content_type: "text/plain".into(), run: Some("run-7".into()), id: Some("m-1".into()) };
    let format = BodyFormat::Foreign(Arc::new(foreign));
    let put_off = Outgoing { format: format.clone(), delay: Duration::from_millis(300), ..message("mel", "late") };
    publish(
        broker,
        vec![Outgoing { format: format.clone(), ..message("mel", "t-1") }, put_off, message("mel", "ours")],
    )
    .await;
    let mut mel = subscribe(broker, "mel");
    for (body, wanted) in [("t-1", &format), ("ours", &BodyFormat::Envelope), ("late", &format)] {
        let delivery = soon(&mut mel).await;
        assert_eq!((text(&delivery).as_str(), &delivery.format), (body, wanted));
        delivery.ack();
    }
}

async fn names_the_queue_that_it_does_not_have(broker: &dyn Broker) {
    let unknown = job("nobody");
    assert_eq!(broker.publish(vec![message("nobody", "t-1")]).await, Err(BrokerError::NoQueue(unknown.clone())));
    assert_eq!(broker.subscribe(&unknown).err(), Some(BrokerError::NoQueue(unknown)));
}

async fn shares_a_queue_between_consumers(broker: &dyn Broker) {
    let (mut one, mut two) = (subscribe(broker, "mel"), subscribe(broker, "mel"));
    publish(broker, vec![message("mel", "t-1"), message("mel", "t-2")]).await;
    let (a, b) = tokio::join!(soon(&mut one), soon(&mut two));
    assert_eq!(BTreeSet::from([text(&a), text(&b)]), BTreeSet::from(["t-1".to_owned(), "t-2".to_owned()]));
    a.ack();
    drop(b);
    // What one gave back, the other may get.
    drop(two);
    soon(&mut one).await.ack();
    nothing_comes(&mut one).await;
}

async fn loses_nothing_when_a_subscription_is_dropped(broker: &dyn Broker) {
    let mut waiting = subscribe(broker, "mel");
    assert!(timeout(A_WHILE, waiting.next()).await.is_err(), "an empty queue delivered");
    // Given up while it waited, and gone before it is asked again.
    publish(broker, vec![message("mel", "t-1"), message("mel", "t-2")]).await;
    drop(waiting);
    let mut mel = subscribe(broker, "mel");
    let held = soon(&mut mel).await;
    drop(mel);
    let mut other = subscribe(broker, "mel");
    let second = soon(&mut other).await;
    assert_ne!(text(&held), text(&second), "a delivery in hand was delivered to somebody else");
    held.ack(); // what was delivered stays with its delivery
    second.ack();
    nothing_comes(&mut other).await;
}

async fn holds_one_unsettled_delivery_for_each_call_of_next(broker: &dyn Broker) {
    publish(broker, vec![message("mel", "t-1"), message("mel", "t-2"), message("mel", "t-3")]).await;
    let (mut one, mut two) = (subscribe(broker, "mel"), subscribe(broker, "mel"));
    let held = soon(&mut one).await;
    // The one that is not asked again must not sit on the rest.
    for _ in 0..2 {
        soon(&mut two).await.ack();
    }
    held.ack();
    nothing_comes(&mut one).await;
}

async fn gives_one_at_a_time_to_who_rests(broker: &dyn Broker) {
    let bodies = ["t-1", "t-2", "t-3", "t-4", "t-5"];
    publish(broker, bodies.iter().map(|body| message("mel", body)).collect()).await;
    let mut mel = subscribe(broker, "mel");
    let held = soon(&mut mel).await;
    mel.rest();
    let (mut seen, mut marked) = (BTreeSet::from([text(&held)]), 0);
    let until = Instant::now() + SOON;
    while seen.len() < bodies.len() && Instant::now() < until {
        match mel.try_next().await {
            Some(delivery) => {
                marked += usize::from(delivery.redelivered);
                assert!(seen.insert(text(&delivery)), "a message came twice");
                delivery.ack();
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await, // some may be on their way back
        }
    }
    assert_eq!(seen.len(), bodies.len(), "messages were held ready for who rests");
    // A broker may take for delivered what was on its way to a consumer that ends. Then the work is done in a child process,
    // which costs time and nothing else. What was held ready here is not marked.
    assert!(marked < bodies.len() - 1, "all that nobody had in hand says that it was delivered before");
    assert!(mel.try_next().await.is_none(), "a message came that nobody published");
    held.ack();
    publish(broker, vec![message("mel", "again")]).await;
    let again = soon(&mut mel).await;
    assert_eq!(text(&again), "again", "who goes on gets nothing");
    again.ack();
}

async fn takes_an_empty_batch(broker: &dyn Broker) {
    publish(broker, Vec::new()).await;
    nothing_comes(&mut subscribe(broker, "mel")).await;
}

async fn carries_any_bytes(broker: &dyn Broker) {
    let body: Bytes = (0..64 * 1024).map(|n: u32| (n % 251) as u8).collect();
    publish(broker, vec![Outgoing::now(job("mel"), body.clone())]).await;
    let delivery = soon(&mut subscribe(broker, "mel")).await;
    assert_eq!(delivery.body, body);
    delivery.ack();
}
