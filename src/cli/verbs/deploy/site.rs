//! What all manifests of a graph are told.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::args::Args;
use super::code::CodeFile;
use super::groups::Group;
use super::names;
use super::places::Places;
use super::variables::SecretVariable;

/// What all manifests of a graph are told.
#[derive(Debug)]
pub struct Site<'a> {
    /// The flags.
    pub args: &'a Args,
    /// The name of the graph.
    pub graph: String,
    /// The name of the graph file.
    pub file: String,
    /// The graph file and the files of its code; none where they are in the image.
    pub code: Vec<CodeFile>,
    /// Stores and state.
    pub places: Places,
    /// Variables and their values.
    pub variables: Vec<(String, String)>,
}

impl Site<'_> {
    /// What the names of all objects of the graph begin with.
    fn start(&self) -> String {
        format!("euterpe-{}", names::of_graph(&self.graph))
    }

    /// The name of the objects of a group.
    pub fn name_of(&self, group: &Group<'_>) -> String {
        format!("{}-{}", self.start(), group.name)
    }

    /// The name of the ConfigMap with the code, which changes with what is in it: nodes begin anew with new code, and never see
    /// it change. None where the code is in the image.
    pub fn code_name(&self) -> Option<String> {
        if self.code.is_empty() {
            return None;
        }
        let mut digest = blake3::Hasher::new();
        for file in &self.code {
            for part in [&file.key, &file.path, &file.text] {
                digest.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
            digest.update(&[u8::from(file.is_program)]);
        }
        Some(format!("{}-code-{}", self.start(), &digest.finalize().to_hex()[..8]))
    }

    /// The name of what lets the autoscaler look at the broker.
    pub fn broker_name(&self) -> String {
        format!("{}-broker", self.start())
    }

    /// The folder of the graph file in the container.
    pub fn folder(&self) -> PathBuf {
        self.args.in_image.clone().unwrap_or_else(|| "/graph".into())
    }

    /// The labels of all objects of the graph, or of those of a group.
    pub fn labels(&self, group: Option<&Group<'_>>) -> Value {
        let mut labels = json!({
            "app.kubernetes.io/name": "euterpe",
            "app.kubernetes.io/instance": names::of_graph(&self.graph),
        });
        if let Some(group) = group {
            labels["app.kubernetes.io/component"] = json!(group.name);
        }
        labels
    }

    /// The metadata of an object.
    pub fn metadata(&self, name: &str, group: Option<&Group<'_>>) -> Value {
        let mut metadata = json!({"name": name, "labels": self.labels(group)});
        if let Some(namespace) = &self.args.namespace {
            metadata["namespace"] = json!(namespace);
        }
        metadata
    }

    /// Whether the nodes get a Secret with a profile of S3: where they reach buckets, and not in another way.
    pub fn has_s3_secret(&self) -> bool {
        let has_keys = self.args.secret_variables.iter().any(|variable| variable.name == "AWS_ACCESS_KEY_ID");
        self.places.in_buckets && self.args.service_account.is_none() && !has_keys
    }

    /// What must be in the namespace before, a line each.
    pub fn needs(&self) -> Vec<String> {
        let mut needs = vec![format!(
            "Secret {}, key `url`: the URL of RabbitMQ, amqps://user:password@host:5671/vhost",
            self.args.broker_secret
        )];
        if self.has_s3_secret() {
            needs.push(format!(
                "Secret {}, key `credentials`: a profile file with the credentials of S3",
                self.args.s3_secret
            ));
        }
        let of_variables = self.args.secret_variables.iter();
        needs.extend(of_variables.map(|SecretVariable { secret, key, .. }| format!("Secret {secret}, key `{key}`")));
        needs.extend(
            self.args.service_account.iter().map(|name| format!("ServiceAccount {name}, which may use the buckets")),
        );
        let claim = |volume: &super::places::Volume| {
            let mode = if volume.is_read_only { "ReadOnlyMany or ReadWriteMany" } else { "ReadWriteMany" };
            format!("PersistentVolumeClaim {}, {mode}, for user and group 10001", volume.claim)
        };
        needs.extend(self.places.volumes.iter().map(claim));
        if !self.args.without_keda {
            needs.push("KEDA (keda.sh), for ScaledObject and TriggerAuthentication".to_owned());
        }
        needs
    }
}
