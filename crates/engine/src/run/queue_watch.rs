//! How many messages wait in the queues of the jobs that are counted, looked at now and then.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use euterpe_amqp::{ConnectionError, ConnectionSettings, QueueDepths};

use crate::metrics::{Metrics, Waiting};

/// How often the queues are looked at, and for how long a broker that is away is left alone.
const OFTEN: Duration = Duration::from_secs(15);

/// Tells `metrics` how many messages wait in the queues of `graph`, over a connection of its own, until it is dropped.
pub async fn watch_queues(metrics: Arc<Metrics>, broker: ConnectionSettings, graph: String) -> Infallible {
    metrics.set_waiting(None);
    let mut told = false;
    loop {
        let Err(error) = look_again_and_again(&metrics, &broker, &graph, &mut told).await;
        metrics.set_waiting(None);
        if !told {
            told = true;
            tracing::warn!("the lengths of the queues are not known, and the metrics of them missing: {error}");
        }
        tokio::time::sleep(OFTEN).await;
    }
}

async fn look_again_and_again(
    metrics: &Metrics,
    broker: &ConnectionSettings,
    graph: &str,
    told: &mut bool,
) -> Result<Infallible, ConnectionError> {
    let mut queues = QueueDepths::open(broker, graph).await?;
    loop {
        let mut waiting = Waiting { delayed: queues.delayed().await?, ..Waiting::default() };
        for job in metrics.jobs() {
            waiting.ready.extend(queues.ready(job).await?.map(|ready| (job.clone(), ready)));
        }
        metrics.set_waiting(Some(&waiting));
        *told = false;
        tokio::time::sleep(OFTEN).await;
    }
}
