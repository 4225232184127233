//! RabbitMQ as the broker of Euterpe: quorum queues, publisher confirms, and connections that are made anew whenever they
//! break.
//!
//! [`Amqp`] is a handle. The connections live on a thread of their own, so that no transform can keep a heartbeat from
//! being sent. Two loops run there, one that publishes and one that consumes; each connects, works until something
//! breaks, waits a little, and connects again. The client library's own recovery is not used, because it cannot tell
//! which messages are still unconfirmed.
//!
//! - **Publishing** keeps each message until the broker confirms it. A new connection sends again whatever the old one
//!   left unconfirmed, so a message may arrive twice and is never lost.
//! - **Consuming** has one channel for each job. A delivery belongs to the *epoch* of its channel. When the channel is
//!   gone the broker delivers the message again, so settling the old delivery does nothing.
//!
//! ```text
//! worker ──publish──▶ broker ──batches──▶ publishing ──▶ exchange
//!    ▲                                                      │
//!    └──next── prefetch (one for each job) ◀── consuming ◀── queue
//! ```
//!
//! The files, each line using only the lines below it:
//!
//! ```text
//! handle       broker            what a node calls: publish, subscribe, report, stop taking, close
//!              dead_letters      messages that the broker itself gave up on
//!              queue_depths      how many messages wait
//!              report_listener   hears the reports of all nodes
//!              report_sender     says something to all of them
//! thread       thread            starts the thread and ends it
//!              loops             connect, work until it breaks, wait, connect again
//! publishing   publishing, publish_one, batch, reports
//! consuming    consuming, channel_consumer, acks
//! between      notifier          wakes workers, many at once
//!              prefetch          deliveries on their way from a channel to a worker
//!              epoch             the life of a channel, and the right to settle what it delivered
//!              state             connection state; how far the adapter is on its way to the end
//! broker side  topology, names   exchanges and queues
//!              version           what a broker says of itself
//!              message           properties and headers beside a body
//! connection   connection, tls, backoff, error, refusal
//! settings     settings, url
//! ```

mod acks;
mod backoff;
mod batch;
mod broker;
mod channel_consumer;
mod connection;
mod consuming;
mod dead_letters;
mod epoch;
mod error;
mod loops;
mod message;
mod names;
mod notifier;
mod outage;
mod prefetch;
mod publish_one;
mod publishing;
mod queue_depths;
mod refusal;
mod report_listener;
mod report_sender;
mod reports;
mod resting;
mod settings;
mod state;
mod thread;
mod tls;
mod topology;
mod url;
mod version;

pub use broker::Amqp;
pub use dead_letters::DeadLetterConsumer;
pub use error::ConnectionError;
pub use names::Names;
pub use queue_depths::QueueDepths;
pub use report_listener::{ListenerEvent, listen};
pub use report_sender::ReportSender;
pub use reports::Report;
pub use settings::{AmqpSettings, ConnectionSettings, DEFAULT_CONSUMER_TIMEOUT, Identity, QueueSettings};
pub use url::{BadUrl, BrokerUrl};
pub use version::Version;
