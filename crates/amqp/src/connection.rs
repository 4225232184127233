//! One connection to the broker. Every call of it has a time limit.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use lapin::{Channel, ConnectionProperties, Event};

use super::error::ConnectionError;
use super::refusal;
use super::settings::ConnectionSettings;
use super::tls::tls;

/// How long the broker may take for one answer.
pub const ANSWER: Duration = Duration::from_secs(10);
/// How often the state of a connection is looked at: the library does not announce every end.
const LOOK: Duration = Duration::from_millis(200);

/// Awaits an answer of the broker for at most [`ANSWER`].
///
/// # Errors
/// [`ConnectionError`], which holds `what` was tried.
pub async fn answer<T>(
    what: &'static str,
    answer: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, ConnectionError> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ConnectionError::refused(what, &error)),
        Err(_) => Err(ConnectionError::Silent(what)),
    }
}

/// An open connection.
pub struct Connection {
    inner: lapin::Connection,
}

impl Connection {
    /// Connects. `purpose` is added to the name under which the broker lists the connection.
    ///
    /// # Errors
    /// [`ConnectionError`]: the broker cannot be reached, refuses, or a certificate cannot be read.
    pub async fn open(settings: &ConnectionSettings, purpose: &str) -> Result<Self, ConnectionError> {
        let mut uri = settings.url.reveal().clone();
        uri.query.heartbeat = Some(settings.heartbeat.as_secs().clamp(1, 600) as u16);
        let name = format!("{} {purpose}", settings.name);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| ConnectionError::Broken(error.to_string()))?;
        let connecting = lapin::Connection::connect_uri_with_config(uri, properties, tls(settings)?, runtime);
        Ok(Self { inner: answer("could not connect", connecting).await? })
    }

    /// Opens a channel.
    ///
    /// # Errors
    /// [`ConnectionError`] where the connection is gone or the broker does not answer.
    pub async fn channel(&self) -> Result<Channel, ConnectionError> {
        answer("could not open a channel", self.inner.create_channel()).await
    }

    /// Whether the broker accepts no messages for now, because it is short of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.inner.status().blocked()
    }

    /// Whether it is open, as far as is known.
    pub fn is_open(&self) -> bool {
        self.inner.status().connected()
    }

    /// Waits until the connection ends; returns the reason.
    pub async fn broken(&self) -> ConnectionError {
        let mut events = self.inner.events_listener();
        loop {
            let event = tokio::time::timeout(LOOK, events.next()).await;
            match event {
                Ok(Some(Event::Error(error))) => return ConnectionError::Broken(refusal::said(&error)),
                Ok(None) => return ConnectionError::Broken("it is closed".into()),
                Ok(Some(_)) | Err(_) => {}
            }
            if !self.is_open() {
                return ConnectionError::Broken("it is closed".into());
            }
        }
    }

    /// Closes the connection in order. A broker that does not answer is not waited for.
    pub async fn close(self) {
        if let Err(error) = answer("could not close", self.inner.close(200, "bye".into())).await {
            tracing::debug!(%error, "the connection was not closed in order");
        }
    }
}
