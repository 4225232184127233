//! The broker that a run goes over.

#[cfg(feature = "amqp")]
mod amqp {
    use std::{sync::Arc, time::Duration};

    use anyhow::anyhow;
    use euterpe_actors::setup::OwnSetup;
    use euterpe_amqp::{Amqp, AmqpSettings, ConnectionSettings, DEFAULT_CONSUMER_TIMEOUT, QueueSettings};

    use crate::workspace::Workspace;

    /// A broker in use: one connection to publish, and how to make one to listen.
    pub struct Over {
        /// To publish.
        pub(crate) amqp: Arc<Amqp>,
        /// To listen.
        pub(crate) dial: ConnectionSettings,
        /// What this process means by what it publishes.
        pub(crate) setup: Arc<OwnSetup>,
    }

    impl Over {
        /// What the broker says of itself.
        pub fn version(&self) -> String {
            self.amqp.version().to_string()
        }
    }

    /// What the adapter needs for a graph. `consumer_timeout` is for brokers that do not let a queue have its own.
    pub(crate) fn settings(
        workspace: &Workspace,
        dial: ConnectionSettings,
        consumer_timeout: Option<Duration>,
    ) -> AmqpSettings {
        let queue = |job: &Arc<euterpe_actors::plan::JobPlan>| QueueSettings {
            job: job.name.clone(),
            prefetch: u16::try_from(job.workers).unwrap_or(u16::MAX),
            timeout: job.timeout,
        };
        AmqpSettings {
            connection: dial,
            graph: workspace.plan.graph.clone(),
            queues: workspace.nodes.jobs.iter().map(queue).collect(),
            consumer_timeout: consumer_timeout.unwrap_or(DEFAULT_CONSUMER_TIMEOUT),
        }
    }

    /// Connects, trying for `patience`.
    pub(crate) async fn connect(
        workspace: &Workspace,
        dial: ConnectionSettings,
        consumer_timeout: Option<Duration>,
        patience: Duration,
    ) -> anyhow::Result<Over> {
        let url = dial.url.to_string();
        let amqp = Amqp::open(settings(workspace, dial.clone(), consumer_timeout), patience).await;
        let amqp = amqp.map_err(|error| anyhow!("the broker at {url} cannot be used: {error}"))?;
        Ok(Over { amqp: Arc::new(amqp), dial, setup: workspace.own_setup().await? })
    }
}

#[cfg(feature = "amqp")]
pub use amqp::Over;
#[cfg(feature = "amqp")]
pub(crate) use amqp::{connect, settings};

/// No broker: this program was built without the feature `amqp`.
#[cfg(not(feature = "amqp"))]
pub enum Over {}
