//! The objects, a file for each kind.

mod code;
mod deployment;
mod disruption;
mod pod;
mod scaling;

use serde_json::Value;

use super::groups::Group;
use super::site::Site;

/// An object for Kubernetes.
#[derive(Debug)]
pub struct Manifest {
    /// What its file is called, without the suffix.
    pub file: String,
    /// The object.
    pub object: Value,
}

/// All objects of a graph, in the order in which they need each other.
pub fn all(site: &Site<'_>, groups: &[Group<'_>]) -> Vec<Manifest> {
    let mut all = Vec::new();
    let mut add = |file: String, object: Value| all.push(Manifest { file, object });
    if let Some(object) = code::config_map(site) {
        add("code".into(), object);
    }
    for group in groups {
        add(format!("{}-deployment", group.name), deployment::deployment(site, group));
        add(format!("{}-disruption-budget", group.name), disruption::budget(site, group));
    }
    if !site.args.without_keda {
        add("broker-authentication".into(), scaling::authentication(site));
        for group in groups {
            add(format!("{}-scaling", group.name), scaling::scaled_object(site, group));
        }
    }
    all
}
