//! One connection to the broker: opened with a time limit, watched, and never waited for without an end.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::{Channel, Connection, ConnectionProperties, Event};
use thiserror::Error;

use super::refusal;
use super::settings::Dial;

/// How long the broker may take for one answer.
pub const ANSWER: Duration = Duration::from_secs(10);
/// How often a connection's state is looked at: the library does not tell of every end.
const LOOK: Duration = Duration::from_millis(200);

/// Why the broker cannot be used. Holds no credentials.
#[derive(Clone, Debug, Error)]
pub enum LinkError {
    /// It took too long.
    #[error("the broker did not answer within 10 s: {0}")]
    Silent(&'static str),
    /// It said no, or the connection broke.
    #[error("{what}: {said}")]
    Refused {
        /// What was tried.
        what: &'static str,
        /// What the broker or the system said.
        said: String,
    },
    /// The connection ended.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// A file that the connection needs.
    #[error("{0}")]
    File(String),
    /// A queue or exchange that exists with other settings.
    #[error("{0}")]
    Mismatch(String),
    /// What cannot work with this broker whatever one tries.
    #[error("{0}")]
    Unfit(String),
}

impl LinkError {
    /// The broker said no to what was tried, or the connection broke over it.
    pub(super) fn refused(what: &'static str, error: &lapin::Error) -> Self {
        LinkError::Refused { what, said: refusal::said(error) }
    }

    /// Whether trying again cannot help: a person has to change something.
    pub fn is_final(&self) -> bool {
        match self {
            LinkError::File(_) | LinkError::Mismatch(_) | LinkError::Unfit(_) => true,
            LinkError::Refused { said, .. } => refusal::is_final(said),
            LinkError::Silent(_) | LinkError::Broken(_) => false,
        }
    }
}

/// Awaits an answer of the broker, but not for ever.
///
/// # Errors
/// [`LinkError`] naming what was tried.
pub async fn answer<T>(
    what: &'static str,
    answer: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, LinkError> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(LinkError::refused(what, &error)),
        Err(_) => Err(LinkError::Silent(what)),
    }
}

/// An open connection.
pub struct Link {
    connection: Connection,
}

impl Link {
    /// Connects. `purpose` is added to the name that the broker lists.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open(dial: &Dial, purpose: &str) -> Result<Self, LinkError> {
        let mut uri = dial.url.reveal().clone();
        uri.query.heartbeat = Some(dial.heartbeat.as_secs().clamp(1, 600) as u16);
        let name = format!("{} {purpose}", dial.name);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime().map_err(|error| LinkError::Broken(error.to_string()))?;
        let connecting = Connection::connect_uri_with_config(uri, properties, tls(dial)?, runtime);
        Ok(Self { connection: answer("could not connect", connecting).await? })
    }

    /// A new channel.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn channel(&self) -> Result<Channel, LinkError> {
        answer("could not open a channel", self.connection.create_channel()).await
    }

    /// Whether the broker takes no messages for now: it is short of memory or disk.
    pub fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Whether it still stands, as far as is known.
    pub fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// Returns when the connection ended, with why.
    pub async fn broken(&self) -> LinkError {
        let mut events = self.connection.events_listener();
        loop {
            let event = tokio::time::timeout(LOOK, events.next()).await;
            match event {
                Ok(Some(Event::Error(error))) => return LinkError::Broken(refusal::said(&error)),
                Ok(None) => return LinkError::Broken("it is closed".into()),
                Ok(Some(_)) | Err(_) => {}
            }
            if !self.is_open() {
                return LinkError::Broken("it is closed".into());
            }
        }
    }

    /// Closes in order; what cannot be said any more is left unsaid.
    pub async fn close(self) {
        if let Err(error) = answer("could not close", self.connection.close(200, "bye".into())).await {
            tracing::debug!(%error, "the connection was not closed in order");
        }
    }
}

pub(super) fn tls(dial: &Dial) -> Result<OwnedTLSConfig, LinkError> {
    let read = |path: &std::path::Path, what: &str| {
        std::fs::read(path)
            .map_err(|error| LinkError::File(format!("could not read {what} `{}`: {error}", path.display())))
    };
    let mut config = OwnedTLSConfig::default();
    if let Some(path) = &dial.ca_file {
        let pem = read(path, "the certificates of the broker's authority")?;
        let text = String::from_utf8(pem)
            .map_err(|_| LinkError::File(format!("`{}` is not a PEM file of certificates", path.display())))?;
        // What is no certificate would be passed over in silence.
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(LinkError::File(format!("`{}` holds no certificate in PEM", path.display())));
        }
        config.cert_chain = Some(text);
    }
    if let Some(identity) = &dial.identity {
        let pem = read(&identity.certificate, "the client certificate")?;
        config.identity = Some(OwnedIdentity::PKCS8 { pem, key: read(&identity.key, "the client key")? });
    }
    Ok(config)
}
