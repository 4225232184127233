//! Reports of nodes to all that listen: published without confirms and kept nowhere. What is lost is asked of the storage.

use bytes::Bytes;
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel};

use super::error::ConnectionError;

/// How many reports may wait to be published; further ones are lost.
pub(super) const WAITING: usize = 4096;

/// One report of a node.
#[derive(Clone, Debug)]
pub struct Report {
    /// The routing key: words with dots between them, by which listeners choose.
    pub key: String,
    /// The content, JSON.
    pub body: Bytes,
}

/// Publishes a report.
pub(super) async fn publish(channel: &Channel, exchange: String, report: Report) -> Result<(), ConnectionError> {
    let properties = BasicProperties::default().with_content_type("application/json".into());
    let options = BasicPublishOptions::default();
    let key = report.key.as_str().into();
    let published = channel.basic_publish(exchange.into(), key, options, &report.body, properties).await;
    published.map(|_| ()).map_err(|error| ConnectionError::refused("could not report", &error))
}
