//! The exchanges and queues of a graph, declared so that declaring them again changes nothing.

use std::time::Duration;

use euterpe_actors::ids::JobName;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

use super::connection::{Connection, answer};
use super::error::ConnectionError;
use super::names::{Names, WAITS};
use super::settings::AmqpSettings;
use super::version::Version;

/// How often the broker may deliver a message before it gives up on it as a poison message. It is high, because each lost
/// connection counts as one delivery of everything in hand. The tries of a job are counted in its messages, not here.
const DELIVERY_LIMIT: i64 = 10_000;

/// The exchanges and queues of one graph.
#[derive(Clone, Debug)]
pub struct Topology {
    names: Names,
    queues: Vec<(JobName, Option<Duration>)>,
    /// Whether the broker sets a low delivery limit where none is asked for.
    has_low_limit: bool,
}

impl Topology {
    /// The exchanges and queues that a graph needs on a broker of this version.
    ///
    /// # Errors
    /// [`ConnectionError::Unfit`] where the broker is too old, or would deliver a message again while its worker is still at
    /// work.
    pub fn of(settings: &AmqpSettings, version: &Version) -> Result<Self, ConnectionError> {
        if !version.is_fit() {
            let text = format!("{version} is too old: 3.10 or later is needed, for quorum queues that lose nothing");
            return Err(ConnectionError::Unfit(text));
        }
        let mut queues = Vec::with_capacity(settings.queues.len());
        for queue in &settings.queues {
            let timeout = version.consumer_timeout(queue.timeout);
            if timeout.is_none() && queue.timeout >= settings.consumer_timeout {
                return Err(ConnectionError::Unfit(format!(
                    "job `{}` may take {:?}, and {version} takes a message away from whoever holds it for {:?}; raise \
                     `consumer_timeout` of the broker and say so with --consumer-timeout, or lower the job's `timeout`",
                    queue.job, queue.timeout, settings.consumer_timeout
                )));
            }
            queues.push((queue.job.clone(), timeout));
        }
        Ok(Self { names: Names::of(&settings.graph), queues, has_low_limit: version.has_low_delivery_limit() })
    }

    /// Declares all of it.
    ///
    /// # Errors
    /// [`ConnectionError::Mismatch`] where one of them exists with other settings.
    pub async fn declare(&self, connection: &Connection) -> Result<(), ConnectionError> {
        let mut channel = connection.channel().await?;
        let (names, work, dead_letters) = (&self.names, self.names.exchange(), self.names.dead_letters());
        exchange(&channel, &work, ExchangeKind::Direct).await?;
        exchange(&channel, &dead_letters, ExchangeKind::Fanout).await?;
        exchange(&channel, &names.reports(), ExchangeKind::Topic).await?;
        channel = self.own_queue(connection, channel, &dead_letters, quorum(None)).await?;
        bind(&channel, &dead_letters, &dead_letters, "").await?;
        for wait in WAITS {
            let name = names.delay(wait);
            exchange(&channel, &name, ExchangeKind::Fanout).await?;
            let mut arguments = quorum(Some(&work));
            arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(wait.as_millis() as i64));
            channel = self.own_queue(connection, channel, &name, arguments).await?;
            bind(&channel, &name, &name, "").await?;
        }
        for (job, timeout) in &self.queues {
            let name = names.queue(job);
            let mut arguments = quorum(Some(&dead_letters));
            limit(&mut arguments);
            if let Some(timeout) = timeout {
                let millis = timeout.as_millis() as i64;
                arguments.insert("x-consumer-timeout".into(), AMQPValue::LongLongInt(millis));
            }
            queue(&channel, &name, arguments).await?;
            bind(&channel, &name, &work, job.as_str()).await?;
        }
        answer("could not close a channel", channel.close(200, "declared".into())).await
    }
}

impl Topology {
    /// Declares a queue that no job has. Where the broker would limit its deliveries to a few, a high limit is asked for: what
    /// it gives up on there is gone. A former version asked for none, and the settings of a queue cannot be changed while it
    /// is in use: one that was made so stays as it is. Returns the channel to go on with, for a refusal ends one.
    async fn own_queue(
        &self,
        connection: &Connection,
        channel: Channel,
        name: &str,
        arguments: FieldTable,
    ) -> Result<Channel, ConnectionError> {
        if !self.has_low_limit {
            queue(&channel, name, arguments).await?;
            return Ok(channel);
        }
        let mut limited = arguments.clone();
        limit(&mut limited);
        match queue(&channel, name, limited).await {
            Ok(()) => Ok(channel),
            Err(ConnectionError::Mismatch(_)) => {
                let channel = connection.channel().await?;
                queue(&channel, name, arguments).await?;
                tracing::info!(
                    queue = name,
                    "made by a former version, it has the broker's own delivery limit; `rabbitmqctl set_policy` can raise it"
                );
                Ok(channel)
            }
            Err(error) => Err(error),
        }
    }
}

fn limit(arguments: &mut FieldTable) {
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
}

/// The arguments of a quorum queue. What it drops goes to the exchange `dead_letters`, at least once.
fn quorum(dead_letters: Option<&str>) -> FieldTable {
    let text = |text: &str| AMQPValue::LongString(LongString::from(text));
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    if let Some(exchange) = dead_letters {
        arguments.insert("x-dead-letter-exchange".into(), text(exchange));
        arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        arguments.insert("x-overflow".into(), text("reject-publish"));
    }
    arguments
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), ConnectionError> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let declared = channel.exchange_declare(name.into(), kind, options, FieldTable::default());
    answer("could not declare an exchange", declared).await.map_err(|error| mismatch("exchange", name, error))
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), ConnectionError> {
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    let declared = channel.queue_declare(name.into(), options, arguments);
    answer("could not declare a queue", declared).await.map(|_| ()).map_err(|error| mismatch("queue", name, error))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), ConnectionError> {
    let bound = channel.queue_bind(
        queue.into(),
        exchange.into(),
        key.into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    answer("could not bind a queue", bound).await
}

/// Turns the broker's refusal into a clear sentence where an exchange or queue of that name exists with other settings.
fn mismatch(what: &str, name: &str, error: ConnectionError) -> ConnectionError {
    let ConnectionError::Refused { said: text, .. } = &error else { return error };
    if !text.contains("PRECONDITION_FAILED") {
        return error;
    }
    if text.contains("limit") && text.contains("is reached") {
        return ConnectionError::Unfit(format!(
            "the broker takes no further {what} in this virtual host, and `{name}` is needed: {text}; raise the limit \
             (`rabbitmqctl set_vhost_limits`), or use another vhost"
        ));
    }
    let difference = text.split_once("PRECONDITION_FAILED - ").map_or(text.as_str(), |(_, difference)| difference);
    ConnectionError::Mismatch(format!(
        "the broker has the {what} `{name}` with other settings: {difference}; remove it when it is empty \
         (`rabbitmqctl delete_queue {name}`), or use another vhost"
    ))
}
