//! What nodes tell whoever listens: published without confirms, kept nowhere. Who misses one asks storage.

use std::convert::Infallible;

use bytes::Bytes;
use futures::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, ExchangeKind};
use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::link::{Link, LinkError, answer};
use super::names::Names;
use super::settings::Dial;

/// How many reports wait to be published; what comes while so many wait is lost.
pub(super) const WAITING: usize = 4096;

/// One report on its way.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is about, in words with dots between them.
    pub key: String,
    /// What it says.
    pub body: Bytes,
}

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum Heard {
    /// From now on reports are heard; what came before this was missed.
    Listening,
    /// A report.
    Report(Bytes),
}

/// Publishes a report.
pub(super) async fn tell(channel: &Channel, exchange: String, report: Report) -> Result<(), LinkError> {
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    let key = report.key.as_str().into();
    let told = channel.basic_publish(exchange.into(), key, options, &report.body, properties).await;
    told.map(|_| ()).map_err(|error| LinkError::refused("could not report", &error))
}

/// Listens to the reports of a graph's nodes whose key fits `pattern`, over as many connections as it takes.
///
/// Ends only by being dropped, or with an error that trying again cannot help.
///
/// # Errors
/// [`LinkError`] as [`LinkError::is_final`] says.
pub async fn listen(
    dial: &Dial,
    graph: &str,
    pattern: &str,
    heard: &mpsc::UnboundedSender<Heard>,
) -> Result<Infallible, LinkError> {
    let mut backoff = Backoff::new(std::process::id().into());
    loop {
        let error = match hear(dial, graph, pattern, heard, &mut backoff).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        if error.is_final() {
            return Err(error);
        }
        tracing::info!(broker = %dial.url, "listening was interrupted, and is tried again: {error}");
        tokio::time::sleep(backoff.wait()).await;
    }
}

async fn hear(
    dial: &Dial,
    graph: &str,
    pattern: &str,
    heard: &mpsc::UnboundedSender<Heard>,
    backoff: &mut Backoff,
) -> Result<Infallible, LinkError> {
    let exchange = Names::of(graph).reports();
    let link = Link::open(dial, "listening").await?;
    let channel = link.channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let declared =
        channel.exchange_declare(exchange.as_str().into(), ExchangeKind::Topic, durable, FieldTable::default());
    answer("could not declare an exchange", declared).await?;
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let queue = answer("could not make a queue", channel.queue_declare("".into(), own, FieldTable::default())).await?;
    let name = queue.name().clone();
    let (options, table) = (QueueBindOptions::default(), FieldTable::default());
    let bound = channel.queue_bind(name.clone(), exchange.into(), pattern.into(), options, table);
    answer("could not bind a queue", bound).await?;
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
    let consumer = channel.basic_consume(name, "listener".into(), options, FieldTable::default());
    let mut consumer = answer("could not listen", consumer).await?;
    backoff.reset();
    let tell = |what| heard.send(what).map_err(|_| LinkError::Broken("nobody listens any more".into()));
    tell(Heard::Listening)?;
    let broken = link.broken();
    tokio::pin!(broken);
    loop {
        tokio::select! {
            error = &mut broken => return Err(error),
            delivery = consumer.next() => match delivery {
                Some(Ok(delivery)) => tell(Heard::Report(Bytes::from(delivery.data)))?,
                Some(Err(error)) => return Err(LinkError::refused("reports ended", &error)),
                None => return Err(LinkError::Broken("the broker ended the listener".into())),
            },
        }
    }
}
