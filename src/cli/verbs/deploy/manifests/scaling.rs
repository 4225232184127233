//! How many nodes there are by what waits in the queues: the objects of KEDA.

use euterpe_amqp::Names;
use serde_json::{Value, json};

use crate::cli::verbs::deploy::groups::Group;
use crate::cli::verbs::deploy::site::Site;

/// How often the queues are looked at, in seconds.
const POLLING: u32 = 15;
/// For how long they are empty before the last node goes, where none needs to stay, in seconds.
const COOLDOWN: u32 = 300;

/// What lets KEDA look at the queues: the URL of the broker that the nodes have.
pub fn authentication(site: &Site<'_>) -> Value {
    json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "TriggerAuthentication",
        "metadata": site.metadata(&site.broker_name(), None),
        "spec": {"secretTargetRef": [{"parameter": "host", "name": site.args.broker_secret, "key": "url"}]},
    })
}

/// As many nodes as the longest queue of the group asks for.
pub fn scaled_object(site: &Site<'_>, group: &Group<'_>) -> Value {
    let (args, names) = (site.args, Names::of(&site.graph));
    let share = args.messages_per_node.to_string();
    let of_queue = |name: String| {
        json!({
            "type": "rabbitmq",
            "metadata": {"protocol": "amqp", "queueName": name, "mode": "QueueLength", "value": share},
            "authenticationRef": {"name": site.broker_name()},
        })
    };
    let mut triggers: Vec<Value> = group.jobs.iter().map(|job| of_queue(names.queue(&job.name))).collect();
    if let Some(server) = &args.prometheus {
        triggers.push(json!({
            "type": "prometheus",
            "metadata": {"serverAddress": server, "query": query(site, group), "threshold": share},
        }));
    }
    json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": site.metadata(&site.name_of(group), Some(group)),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": site.name_of(group)},
            "minReplicaCount": args.replicas,
            "maxReplicaCount": args.max_replicas,
            "pollingInterval": POLLING,
            "cooldownPeriod": COOLDOWN,
            "triggers": triggers,
        },
    })
}

/// What the nodes have before them, with what is in work: by the recording rule that comes with the alerts.
fn query(site: &Site<'_>, group: &Group<'_>) -> String {
    let jobs: Vec<&str> = group.jobs.iter().map(|job| job.name.as_str()).collect();
    let jobs = if group.is_all { String::new() } else { format!(",job=~\"{}\"", jobs.join("|")) };
    format!("sum(euterpe:work_remaining:sum{{graph=\"{}\"{jobs}}})", site.graph)
}
