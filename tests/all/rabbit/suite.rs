//! The adapter passes the suite of the broker port against a real RabbitMQ.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use euterpe_actors::broker::Broker;
use euterpe_actors::ids::JobName;
use euterpe_amqp::{Amqp, AmqpSettings, BrokerUrl, ConnectionSettings, DEFAULT_CONSUMER_TIMEOUT, QueueSettings};

use super::Vhost;

/// The settings of a graph of these jobs at a broker.
pub fn settings(url: &str, graph: &str, jobs: Vec<JobName>, prefetch: u16) -> AmqpSettings {
    let queue = |job| QueueSettings { job, prefetch, timeout: Duration::from_secs(60) };
    AmqpSettings {
        connection: ConnectionSettings::to(BrokerUrl::new(url, false).expect("a URL")),
        graph: graph.into(),
        queues: jobs.into_iter().map(queue).collect(),
        consumer_timeout: DEFAULT_CONSUMER_TIMEOUT,
    }
}

#[tokio::test]
async fn rabbitmq_passes_the_suite_of_the_broker_port() {
    let vhost = Vhost::new();
    let graphs = AtomicU32::new(0);
    let open = |jobs: Vec<JobName>| {
        let graph = format!("suite{}", graphs.fetch_add(1, Ordering::Relaxed));
        let settings = settings(&vhost.url(), &graph, jobs, 4);
        async move {
            let amqp = Amqp::open(settings, Duration::from_secs(20)).await.expect("opened");
            Arc::new(amqp) as Arc<dyn Broker>
        }
    };
    euterpe_testkit::broker_suite::passes(open).await;
}
