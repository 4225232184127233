//! The exchanges and queues of a graph, declared so that declaring them again changes nothing.

use std::time::Duration;

use euterpe_actors::ids::JobName;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};

use super::link::{Link, LinkError, answer};
use super::names::{Names, WAITS};
use super::settings::AmqpSettings;
use super::version::Version;

/// How often the broker may deliver a message before it takes it for a poison: a fuse, set high, for a lost connection
/// counts a delivery for everything in hand. Tries are counted in messages.
const DELIVERY_LIMIT: i64 = 10_000;

/// What is declared for a graph.
#[derive(Clone, Debug)]
pub struct Topology {
    names: Names,
    queues: Vec<(JobName, Option<Duration>)>,
}

impl Topology {
    /// What a graph needs of a broker of this version.
    ///
    /// # Errors
    /// [`LinkError::Unfit`] where the broker is too old, or would take long work away from its worker.
    pub fn of(settings: &AmqpSettings, version: &Version) -> Result<Self, LinkError> {
        if !version.is_fit() {
            let text = format!("{version} is too old: 3.10 or later is needed, for quorum queues that lose nothing");
            return Err(LinkError::Unfit(text));
        }
        let mut queues = Vec::with_capacity(settings.queues.len());
        for queue in &settings.queues {
            let timeout = version.consumer_timeout(queue.timeout);
            if timeout.is_none() && queue.timeout >= settings.consumer_timeout {
                return Err(LinkError::Unfit(format!(
                    "job `{}` may take {:?}, and {version} takes a message away from whoever holds it for {:?}; raise \
                     `consumer_timeout` of the broker and say so with --consumer-timeout, or lower the job's `timeout`",
                    queue.job, queue.timeout, settings.consumer_timeout
                )));
            }
            queues.push((queue.job.clone(), timeout));
        }
        Ok(Self { names: Names::of(&settings.graph), queues })
    }

    /// Declares all of it.
    ///
    /// # Errors
    /// [`LinkError::Mismatch`] where one of them exists with other settings.
    pub async fn declare(&self, link: &Link) -> Result<(), LinkError> {
        let channel = link.channel().await?;
        let (names, work, fuse) = (&self.names, self.names.exchange(), self.names.fuse());
        exchange(&channel, &work, ExchangeKind::Direct).await?;
        exchange(&channel, &fuse, ExchangeKind::Fanout).await?;
        exchange(&channel, &names.reports(), ExchangeKind::Topic).await?;
        queue(&channel, &fuse, quorum(None)).await?;
        bind(&channel, &fuse, &fuse, "").await?;
        for wait in WAITS {
            let name = names.delay(wait);
            exchange(&channel, &name, ExchangeKind::Fanout).await?;
            let mut arguments = quorum(Some(&work));
            arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(wait.as_millis() as i64));
            queue(&channel, &name, arguments).await?;
            bind(&channel, &name, &name, "").await?;
        }
        for (job, timeout) in &self.queues {
            let name = names.queue(job);
            let mut arguments = quorum(Some(&fuse));
            arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
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

/// The arguments of a durable queue that hands what it lets go of to `dead_letters` without losing it.
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

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), LinkError> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let declared = channel.exchange_declare(name.into(), kind, options, FieldTable::default());
    answer("could not declare an exchange", declared).await.map_err(|error| mismatch("exchange", name, error))
}

async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), LinkError> {
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    let declared = channel.queue_declare(name.into(), options, arguments);
    answer("could not declare a queue", declared).await.map(|_| ()).map_err(|error| mismatch("queue", name, error))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), LinkError> {
    let bound = channel.queue_bind(
        queue.into(),
        exchange.into(),
        key.into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    answer("could not bind a queue", bound).await
}

/// One clear sentence where something of that name exists with other settings.
fn mismatch(what: &str, name: &str, error: LinkError) -> LinkError {
    let LinkError::Refused { said: text, .. } = &error else { return error };
    if !text.contains("PRECONDITION_FAILED") {
        return error;
    }
    let difference = text.split_once("PRECONDITION_FAILED - ").map_or(text.as_str(), |(_, difference)| difference);
    LinkError::Mismatch(format!(
        "the broker has the {what} `{name}` with other settings: {difference}; remove it when it is empty \
         (`rabbitmqctl delete_queue {name}`), or use another vhost"
    ))
}
