//! The nodes of a group.

use serde_json::{Value, json};

use super::pod;
use crate::cli::verbs::deploy::groups::Group;
use crate::cli::verbs::deploy::site::Site;

/// The nodes of a group, each in a pod.
pub fn deployment(site: &Site<'_>, group: &Group<'_>) -> Value {
    let selector = site.labels(Some(group));
    let mut spec = json!({
        "selector": {"matchLabels": selector},
        // A new node is ready before an old one is told to finish: what cannot start replaces nothing.
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {
            "metadata": {
                "labels": selector,
                "annotations": {
                    "prometheus.io/scrape": "true",
                    "prometheus.io/port": pod::METRICS_PORT.to_string(),
                    "prometheus.io/path": "/metrics",
                },
            },
            "spec": pod::pod(site, group),
        },
    });
    // With an autoscaler the number is its business: one that stands here would come back with each `kubectl apply`.
    if site.args.without_keda {
        spec["replicas"] = json!(site.args.replicas);
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": site.metadata(&site.name_of(group), Some(group)),
        "spec": spec,
    })
}
