//! Publishes one message and waits for its confirm.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use euterpe_actors::broker::Outgoing;
use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation};

use super::error::ConnectionError;
use super::message::properties;

/// How long a message waits that the broker refused because its queue is full for now.
const REFUSED_WAIT: Duration = Duration::from_millis(300);

/// What the broker answered to one message.
pub(super) enum Reply {
    /// It has the message for good.
    Confirmed,
    /// No queue takes it.
    Returned,
    /// Not now: its queue is full.
    Refused,
}

/// Publishes one message and waits for the broker's answer, which is returned with `number`.
pub(super) async fn publish_one(
    channel: &Channel,
    exchange: String,
    message: Outgoing,
    number: u64,
) -> (u64, Result<Reply, ConnectionError>) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let key = message.job.as_str().into();
    let published =
        channel.basic_publish(exchange.into(), key, options, &message.body, properties(&message, seconds)).await;
    let refused = |error| ConnectionError::refused("could not publish", &error);
    let confirm = match published {
        Ok(confirm) => confirm,
        Err(error) => return (number, Err(refused(error))),
    };
    let reply = match confirm.await {
        Ok(Confirmation::Ack(None)) => Ok(Reply::Confirmed),
        Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_))) => Ok(Reply::Returned),
        Ok(Confirmation::Nack(None)) => {
            tokio::time::sleep(REFUSED_WAIT).await;
            Ok(Reply::Refused)
        }
        Ok(Confirmation::NotRequested) => Err(ConnectionError::Broken("confirms were not agreed upon".into())),
        Err(error) => Err(refused(error)),
    };
    (number, reply)
}
