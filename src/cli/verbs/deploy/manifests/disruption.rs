//! How many nodes may be taken away at the same time, when machines are emptied.

use serde_json::{Value, json};

use crate::cli::verbs::deploy::groups::Group;
use crate::cli::verbs::deploy::site::Site;

/// One node after the other. One that is not ready, because its broker is away, keeps nobody from emptying a machine.
pub fn budget(site: &Site<'_>, group: &Group<'_>) -> Value {
    json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": site.metadata(&site.name_of(group), Some(group)),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": site.labels(Some(group))},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    })
}
