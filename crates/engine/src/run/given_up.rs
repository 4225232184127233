//! Empties the queue of what the broker itself gave up on: each message becomes a dead letter, and only then is gone.

use std::{convert::Infallible, time::Duration};

use euterpe_actors::broker::Delivery;
use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{DeadLetter, GivenUp, StateStore};
use euterpe_actors::wire;

use euterpe_amqp::Amqp;

/// How long to wait after the state store did not take a letter.
const AGAIN: Duration = Duration::from_secs(5);

/// Keeps what the broker gave up on as dead letters.
///
/// What came for a job of no possible name is kept under `first`.
pub async fn empty(amqp: &Amqp, state: &StateStore, first: &JobName, node: &str, clock: fn() -> u64) -> Infallible {
    let mut dead_letters = amqp.dead_letters();
    loop {
        let Some((job, delivery)) = dead_letters.next().await else {
            return std::future::pending().await; // closed: the node is on its way to its end
        };
        let letter = letter(&job, first, &delivery, node, clock());
        match state.keep_letter(&letter).await {
            Ok(_) => {
                tracing::error!(%job, entity = letter.entity, "the broker gave up on a message; it is a dead letter");
                delivery.ack();
            }
            Err(error) => {
                tracing::error!("a dead letter cannot be kept, the message stays in the broker: {error}");
                drop(delivery);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn letter(job: &str, first: &JobName, delivery: &Delivery, node: &str, millis: u64) -> DeadLetter {
    let job = JobName::new(job).unwrap_or_else(|_| first.clone());
    let text = "the broker delivered it too often without an answer; its nodes died or lost their connection each time";
    let why = GivenUp { job: &job, node, millis, reason: Reason::GivenUpByBroker, text: text.into() };
    let content_type = delivery.format.content_type();
    match wire::decode(&delivery.body) {
        Ok(message) => DeadLetter { content_type, ..DeadLetter::of_message(message, why) },
        Err(_) => DeadLetter::of_unreadable(&delivery.body, content_type, None, why),
    }
}
