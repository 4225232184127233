//! Says something to all that listen to the reports of a graph, for who serves no queue of it.

use lapin::Channel;

use super::connection::Connection;
use super::error::ConnectionError;
use super::names::Names;
use super::reports::{self, Report};
use super::settings::ConnectionSettings;

/// Sends reports over a connection of its own. What is lost on the way is not known, as with all reports.
pub struct ReportSender {
    connection: Connection,
    channel: Channel,
    exchange: String,
}

impl ReportSender {
    /// Connects to the broker of `graph`.
    ///
    /// # Errors
    /// [`ConnectionError`] where the broker cannot be reached or refuses.
    pub async fn open(settings: &ConnectionSettings, graph: &str) -> Result<Self, ConnectionError> {
        let connection = Connection::open(settings, "asking").await?;
        let channel = connection.channel().await?;
        Ok(Self { connection, channel, exchange: Names::of(graph).reports() })
    }

    /// Sends a report.
    ///
    /// # Errors
    /// [`ConnectionError`] where the connection is known to be broken: then another one is to be opened.
    pub async fn send(&self, report: Report) -> Result<(), ConnectionError> {
        if !self.connection.is_open() {
            return Err(ConnectionError::Broken("it is closed".into()));
        }
        reports::publish(&self.channel, self.exchange.clone(), report).await
    }
}
