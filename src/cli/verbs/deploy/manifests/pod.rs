//! A pod with one node.

use euterpe_graph_file::units;
use serde_json::{Value, json};

use super::code;
use crate::cli::verbs::cluster::grace::{MARGIN, seconds};
use crate::cli::verbs::deploy::groups::Group;
use crate::cli::verbs::deploy::site::Site;

/// Where metrics are served.
pub const METRICS_PORT: u16 = 9464;
/// The user of the image.
const USER: u32 = 10001;

/// The spec of a pod: one node, a user without rights, nothing written but below /scratch and in the volumes.
pub fn pod(site: &Site<'_>, group: &Group<'_>) -> Value {
    let mut pod = json!({
        "automountServiceAccountToken": site.args.service_account.is_some(),
        // Else a Service called `euterpe-broker` would set EUTERPE_BROKER_PORT and the like.
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": seconds(group.grace() + MARGIN),
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(site, group)],
        "volumes": volumes(site),
    });
    if let Some(account) = &site.args.service_account {
        pod["serviceAccountName"] = json!(account);
    }
    pod
}

fn container(site: &Site<'_>, group: &Group<'_>) -> Value {
    let program = &site.args.program;
    let health = |period: u32, failures: u32, words: &[&str]| {
        let command = [&[program.as_str(), "node", "--health"][..], words].concat();
        json!({"exec": {"command": command}, "periodSeconds": period, "timeoutSeconds": 10, "failureThreshold": failures})
    };
    json!({
        "name": "node",
        "image": site.args.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [program],
        "args": words(site, group),
        "env": environment(site),
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT}],
        // A node without its broker is not ready, and is not started anew for it: it goes on when the broker is back.
        "readinessProbe": health(10, 3, &[]),
        "livenessProbe": health(20, 6, &["--alive"]),
        "resources": resources(site, group),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts(site),
    })
}

/// What is typed behind the program.
fn words(site: &Site<'_>, group: &Group<'_>) -> Vec<String> {
    let graph = site.folder().join(&site.file).display().to_string();
    let mut words = vec!["node".to_owned(), graph];
    if !group.is_all {
        let jobs: Vec<&str> = group.jobs.iter().map(|job| job.name.as_str()).collect();
        words.extend(["--jobs".to_owned(), jobs.join(",")]);
    }
    words.extend(site.places.flags.iter().cloned());
    words.extend(["--grace".to_owned(), format!("{}s", seconds(group.grace()))]);
    words.extend(["--metrics".to_owned(), format!("0.0.0.0:{METRICS_PORT}")]);
    words.into_iter().map(|word| as_it_is(&word)).collect()
}

/// The text where Kubernetes would put variables in the place of `$(NAME)`.
fn as_it_is(text: &str) -> String {
    text.replace("$(", "$$(")
}

fn environment(site: &Site<'_>) -> Vec<Value> {
    let scratch = site.args.scratch;
    let mut own = vec![
        ("EUTERPE_BROKER_FILE", "/secrets/broker/url".to_owned()),
        ("EUTERPE_CACHE", units::size_text((scratch / 4).min(2 << 30))),
        ("HOME", "/scratch".to_owned()),
        ("TMPDIR", "/scratch".to_owned()),
    ];
    if site.args.allow_plaintext {
        own.push(("EUTERPE_ALLOW_PLAINTEXT", "1".to_owned()));
    }
    if site.has_s3_secret() {
        own.push(("AWS_SHARED_CREDENTIALS_FILE", "/secrets/s3/credentials".to_owned()));
    }
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    // What is typed goes before what is made up here.
    let is_typed = |name: &String| {
        let secret = site.args.secret_variables.iter().map(|variable| &variable.name);
        site.variables.iter().map(|(name, _)| name).chain(secret).any(|typed| typed == name)
    };
    let own = own.filter(|(name, _)| !is_typed(name)).chain(site.variables.iter().cloned());
    let mut all: Vec<Value> = own.map(|(name, value)| json!({"name": name, "value": as_it_is(&value)})).collect();
    let secret = site.args.secret_variables.iter();
    all.extend(secret.map(|variable| {
        let key = json!({"name": variable.secret, "key": variable.key});
        json!({"name": variable.name, "valueFrom": {"secretKeyRef": key}})
    }));
    all
}

/// As much as it is granted, and no more: the limit of cores is also how a node knows how many it has.
fn resources(site: &Site<'_>, group: &Group<'_>) -> Value {
    let cores = site.args.cpus.map_or_else(|| group.cores(), usize::from);
    let memory = site.args.memory.unwrap_or_else(|| group.memory(cores));
    let (cores, memory) = (cores.to_string(), quantity(memory));
    json!({
        "requests": {"cpu": cores, "memory": memory, "ephemeral-storage": quantity(site.args.scratch)},
        "limits": {"cpu": cores, "memory": memory},
    })
}

/// A number of bytes as Kubernetes writes it.
fn quantity(bytes: u64) -> String {
    let units = [("Gi", 1u64 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let whole = units.iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| bytes.to_string(), |(name, unit)| format!("{}{name}", bytes / unit))
}

fn volumes(site: &Site<'_>) -> Vec<Value> {
    let secret =
        |name: &str, secret: &str| json!({"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}});
    let mut volumes: Vec<Value> = code::volume(site).into_iter().collect();
    volumes.push(json!({"name": "scratch", "emptyDir": {"sizeLimit": quantity(site.args.scratch)}}));
    volumes.push(secret("broker", &site.args.broker_secret));
    if site.has_s3_secret() {
        volumes.push(secret("s3", &site.args.s3_secret));
    }
    for (at, volume) in site.places.volumes.iter().enumerate() {
        let claim = json!({"claimName": volume.claim, "readOnly": volume.is_read_only});
        volumes.push(json!({"name": format!("data-{at}"), "persistentVolumeClaim": claim}));
    }
    volumes
}

fn mounts(site: &Site<'_>) -> Vec<Value> {
    let read_only = |name: &str, path: &str| json!({"name": name, "mountPath": path, "readOnly": true});
    let mut mounts = Vec::new();
    if site.code_name().is_some() {
        mounts.push(read_only("graph", "/graph"));
    }
    mounts.push(json!({"name": "scratch", "mountPath": "/scratch"}));
    mounts.push(read_only("broker", "/secrets/broker"));
    if site.has_s3_secret() {
        mounts.push(read_only("s3", "/secrets/s3"));
    }
    for (at, volume) in site.places.volumes.iter().enumerate() {
        let folder = volume.folder.display().to_string();
        mounts.push(json!({"name": format!("data-{at}"), "mountPath": folder, "readOnly": volume.is_read_only}));
    }
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_variable_of_kubernetes_stays_as_it_is() {
        assert_eq!(as_it_is("/srv/$(HOME)/$x"), "/srv/$$(HOME)/$x");
    }

    #[test]
    fn sizes_are_written_as_kubernetes_writes_them() {
        assert_eq!([1 << 30, 1536 << 20, 3 << 10, 1_000].map(quantity), ["1Gi", "1536Mi", "3Ki", "1000"]);
    }
}
