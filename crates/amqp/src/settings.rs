//! What the adapter needs to know: where the broker is, how to trust it, what the graph's queues are.

use std::{path::PathBuf, time::Duration};

use euterpe_actors::ids::JobName;

use super::url::BrokerUrl;

/// Where the broker is and how the connection is kept.
#[derive(Clone, Debug)]
pub struct Dial {
    /// The broker.
    pub url: BrokerUrl,
    /// A file of certificates (PEM) to trust beside the system's, for `amqps`.
    pub ca_file: Option<PathBuf>,
    /// A client certificate and its key (PEM files), for `amqps`.
    pub identity: Option<Identity>,
    /// How often the broker and this process tell each other that they are alive: 5 to 20 seconds are wise.
    pub heartbeat: Duration,
    /// What this connection calls itself in the broker's lists.
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
    /// How many messages may be in hand here at once: what the job's workers on this node can take.
    pub prefetch: u16,
    /// How long one try of the job may take.
    pub timeout: Duration,
}

/// What the adapter is opened with.
#[derive(Clone, Debug)]
pub struct AmqpSettings {
    /// The broker.
    pub dial: Dial,
    /// The name of the graph.
    pub graph: String,
    /// The queues of all jobs of the graph.
    pub queues: Vec<QueueSettings>,
    /// How long a broker older than 3.12 lets a delivery be unsettled; such a broker does not tell.
    pub consumer_timeout: Duration,
}

/// The setting of a broker that was not changed.
pub const USUAL_CONSUMER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

impl Dial {
    /// A connection to `url` with the usual settings.
    pub fn to(url: BrokerUrl) -> Self {
        Self { url, ca_file: None, identity: None, heartbeat: Duration::from_secs(10), name: "euterpe".into() }
    }
}
