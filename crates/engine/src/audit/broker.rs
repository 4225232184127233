//! What a live broker and the nodes at it say: its version, its limit, what the nodes run.

use std::time::Duration;

use euterpe_amqp::{Amqp, AmqpSettings, ConnectionSettings, DEFAULT_CONSUMER_TIMEOUT};
use euterpe_graph_file::Plan;

use super::{Audit, consumer_timeout, versions};
use crate::run::fitting::listen_to_nodes;

/// Asks the broker, and listens to the nodes for as long as all of them speak once. `limit` is the `consumer_timeout` of a
/// broker before 3.12, which does not tell it.
pub async fn audit_broker(plan: &Plan, dial: &ConnectionSettings, limit: Option<Duration>) -> Audit {
    let limit = limit.unwrap_or(DEFAULT_CONSUMER_TIMEOUT);
    let url = dial.url.to_string();
    let (connection, graph) = (dial.clone(), plan.graph.clone());
    let settings = AmqpSettings { connection, graph, queues: Vec::new(), consumer_timeout: limit };
    let version = match Amqp::ask(&settings).await {
        Ok(version) => version,
        Err(error) => {
            let left_out = format!("the broker at {url} and its nodes: {error}");
            return Audit { warnings: consumer_timeout::without_broker(plan), left_out: vec![left_out] };
        }
    };
    let mut audit = Audit::default();
    if !version.has_queue_consumer_timeout() {
        audit.warnings.extend(consumer_timeout::with_limit(plan, &version.to_string(), limit));
    }
    match listen_to_nodes(dial, &plan.graph).await {
        Ok(nodes) => {
            let alive: Vec<_> = nodes.alive().collect();
            if alive.is_empty() {
                audit.left_out.push(format!("what nodes run: none is heard at {url}"));
            }
            audit.warnings.extend(versions::warnings(plan, &alive, env!("CARGO_PKG_VERSION")));
        }
        Err(error) => audit.left_out.push(format!("what nodes run: {error}")),
    }
    audit
}
