//! The settings of the adapter: where the broker is, whom to trust, and the queues of the graph.

use std::{path::PathBuf, time::Duration};

use euterpe_actors::ids::JobName;

use super::url::BrokerUrl;

/// Where the broker is, and how a connection to it is made and kept.
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// The broker.
    pub url: BrokerUrl,
    /// A file of certificates (PEM) to trust beside the system's, for `amqps`.
    pub ca_file: Option<PathBuf>,
    /// A client certificate and its key (PEM files), for `amqps`.
    pub identity: Option<Identity>,
    /// The heartbeat: how often the broker and this process show each other that they are alive; 5 to 20 seconds are wise.
    pub heartbeat: Duration,
    /// The name under which the broker lists the connection.
    pub name: String,
}

/// A client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate with its chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PKCS #8 in PEM.
    pub key: PathBuf,
}

/// One job's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// The job.
    pub job: JobName,
    /// How many messages this node may have in hand at once: as many as the job's workers on it can take.
    pub prefetch: u16,
    /// How long one try of the job may take.
    pub timeout: Duration,
}

/// What the adapter is opened with.
#[derive(Clone, Debug)]
pub struct AmqpSettings {
    /// The connections to the broker.
    pub connection: ConnectionSettings,
    /// The name of the graph.
    pub graph: String,
    /// The queues of all jobs of the graph.
    pub queues: Vec<QueueSettings>,
    /// How long the broker lets a delivery be unsettled, where its queues have no such limit of their own (before 3.12). Such a
    /// broker does not state its limit.
    pub consumer_timeout: Duration,
}

/// The consumer timeout of a broker whose settings were not changed.
pub const DEFAULT_CONSUMER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

impl ConnectionSettings {
    /// A connection to `url` with default settings.
    pub fn to(url: BrokerUrl) -> Self {
        Self { url, ca_file: None, identity: None, heartbeat: Duration::from_secs(10), name: "euterpe".into() }
    }
}
