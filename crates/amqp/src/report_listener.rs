//! Listens to the reports of a graph's nodes, on a queue that ends with its connection.

use std::convert::Infallible;

use bytes::Bytes;
use futures::StreamExt;
use lapin::ExchangeKind;
use lapin::options::{BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::connection::{Connection, answer};
use super::error::ConnectionError;
use super::names::Names;
use super::settings::ConnectionSettings;

/// What a listener is sent.
#[derive(Clone, Debug)]
pub enum ListenerEvent {
    /// Reports arrive from now on; earlier ones were missed. Sent again after each interruption.
    Listening,
    /// The content of one report.
    Report(Bytes),
}

/// Sends the reports of a graph's nodes whose key matches one of `patterns` to `events`. A broken connection is made anew.
///
/// Ends only by being dropped, or with an error.
///
/// # Errors
/// A [`ConnectionError`] that trying again cannot help ([`ConnectionError::is_final`]). The end of the receiver is no such error.
pub async fn listen(
    settings: &ConnectionSettings,
    graph: &str,
    patterns: &[&str],
    events: &mpsc::UnboundedSender<ListenerEvent>,
) -> Result<Infallible, ConnectionError> {
    let mut backoff = Backoff::new(std::process::id().into());
    loop {
        let error = match listen_once(settings, graph, patterns, events, &mut backoff).await {
            Ok(never) => match never {},
            Err(error) => error,
        };
        if error.is_final() {
            return Err(error);
        }
        tracing::info!(broker = %settings.url, "listening was interrupted, and is tried again: {error}");
        tokio::time::sleep(backoff.wait()).await;
    }
}

async fn listen_once(
    settings: &ConnectionSettings,
    graph: &str,
    patterns: &[&str],
    events: &mpsc::UnboundedSender<ListenerEvent>,
    backoff: &mut Backoff,
) -> Result<Infallible, ConnectionError> {
    let exchange = Names::of(graph).reports();
    let connection = Connection::open(settings, "listening").await?;
    let channel = connection.channel().await?;
    let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let declared =
        channel.exchange_declare(exchange.as_str().into(), ExchangeKind::Topic, durable, FieldTable::default());
    answer("could not declare an exchange", declared).await?;
    let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let queue = answer("could not make a queue", channel.queue_declare("".into(), own, FieldTable::default())).await?;
    let name = queue.name().clone();
    for pattern in patterns {
        let (options, table) = (QueueBindOptions::default(), FieldTable::default());
        let bound = channel.queue_bind(name.clone(), exchange.as_str().into(), (*pattern).into(), options, table);
        answer("could not bind a queue", bound).await?;
    }
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..Default::default() };
    let consumer = channel.basic_consume(name, "listener".into(), options, FieldTable::default());
    let mut consumer = answer("could not listen", consumer).await?;
    backoff.reset();
    let send = |event| events.send(event).map_err(|_| ConnectionError::Broken("nobody listens any more".into()));
    send(ListenerEvent::Listening)?;
    let broken = connection.broken();
    tokio::pin!(broken);
    loop {
        tokio::select! {
            error = &mut broken => return Err(error),
            delivery = consumer.next() => match delivery {
                Some(Ok(delivery)) => send(ListenerEvent::Report(Bytes::from(delivery.data)))?,
                Some(Err(error)) => return Err(ConnectionError::refused("reports ended", &error)),
                None => return Err(ConnectionError::Broken("the broker ended the listener".into())),
            },
        }
    }
}
