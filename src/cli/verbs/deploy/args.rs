//! The flags of `deploy print`.

use std::path::{Path, PathBuf};

use euterpe_graph_file::plan::Location;
use euterpe_graph_file::units;

use super::variables::{SecretVariable, Variable};
use super::{groups, names, places, variables};
use crate::cli::args::GraphFile;

/// Arguments of `deploy print`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphFile,

    /// Where manifests and dead letters of graphs lie, by name: `s3://bucket/prefix`, or a folder of a --volume.
    #[arg(long, value_name = "PLACE", env = "EUTERPE_STATE", value_parser = Location::parse)]
    pub state: Option<Location>,

    /// The image of the nodes, as the cluster pulls it.
    #[arg(long, value_name = "IMAGE")]
    pub image: String,

    /// The namespace of all objects; by default that of `kubectl`.
    #[arg(long, value_name = "NAME", value_parser = names::label)]
    pub namespace: Option<String>,

    /// Let nodes of their own serve these jobs; may be given several times. Those that no group has are served by `nodes`.
    #[arg(long = "group", value_name = "NAME=JOB,…", value_parser = groups::typed)]
    pub groups: Vec<(String, Vec<String>)>,

    /// How many nodes of each group there are, or are at the least.
    #[arg(help_heading = "Number of nodes", long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=1000))]
    pub replicas: u16,

    /// How many there are at the most.
    #[arg(help_heading = "Number of nodes", long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub max_replicas: u16,

    /// For how many messages in a queue there is one node.
    #[arg(help_heading = "Number of nodes", long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub messages_per_node: u32,

    /// Also go by what is left to do, by this Prometheus, which needs the rules of `alerts.yaml`.
    #[arg(help_heading = "Number of nodes", long, value_name = "URL")]
    pub prometheus: Option<String>,

    /// Write nothing for KEDA; there are always as many nodes as --replicas says.
    #[arg(help_heading = "Number of nodes", long, conflicts_with_all = ["prometheus", "max_replicas", "messages_per_node"])]
    pub without_keda: bool,

    /// The cores of a node; by default the workers that the pools name, at least two where one does not.
    #[arg(help_heading = "Pods", long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub cpus: Option<u16>,

    /// The memory of a node; by default 256 MiB, and for each worker what its pool says, else 256 MiB, or 512 MiB for a
    /// process.
    #[arg(help_heading = "Pods", long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,

    /// The disk of a node for downloads, its cache and what transforms write.
    #[arg(help_heading = "Pods", long, value_name = "SIZE", default_value = "8GiB", value_parser = size)]
    pub scratch: u64,

    /// Mount a PersistentVolumeClaim that all nodes share at a folder in which stores or the state lie; may be given several
    /// times.
    #[arg(help_heading = "Pods", long = "volume", value_name = "CLAIM=FOLDER", value_parser = places::volume)]
    pub volumes: Vec<(String, PathBuf)>,

    /// The graph file and its code lie in this folder of the image, and not in a ConfigMap.
    #[arg(help_heading = "Pods", long, value_name = "FOLDER", value_parser = absolute)]
    pub in_image: Option<PathBuf>,

    /// The program in the image, where it is a binary of your own.
    #[arg(help_heading = "Pods", long, value_name = "NAME", default_value = "euterpe")]
    pub program: String,

    /// The Secret whose key `url` holds the URL of the broker.
    #[arg(help_heading = "Secrets and variables", long, value_name = "NAME", default_value = "euterpe-broker", value_parser = names::label)]
    pub broker_secret: String,

    /// Allow a connection to the broker that is not encrypted.
    #[arg(help_heading = "Secrets and variables", long)]
    pub allow_plaintext: bool,

    /// The Secret whose key `credentials` holds a profile file for S3.
    #[arg(help_heading = "Secrets and variables", long, value_name = "NAME", default_value = "euterpe-s3", value_parser = names::label)]
    pub s3_secret: String,

    /// Reach S3 as this ServiceAccount, and without a Secret.
    #[arg(help_heading = "Secrets and variables", long, value_name = "NAME", value_parser = names::label, conflicts_with = "s3_secret")]
    pub service_account: Option<String>,

    /// Set a variable of the nodes, by default to what it is here; may be given several times.
    #[arg(help_heading = "Secrets and variables", long = "env", value_name = "NAME[=VALUE]", value_parser = variables::variable)]
    pub variables: Vec<Variable>,

    /// Set a variable of the nodes to what a Secret holds; may be given several times.
    #[arg(help_heading = "Secrets and variables", long = "secret-env", value_name = "NAME=SECRET/KEY", value_parser = variables::secret_variable)]
    pub secret_variables: Vec<SecretVariable>,

    /// Write a file for each object into this folder.
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

fn size(text: &str) -> Result<u64, String> {
    let least = 64 << 20;
    let size =
        units::size(text).ok_or_else(|| format!("`{text}` is no size; write one with its unit, such as 8GiB"))?;
    if size < least { Err("64MiB is the least".into()) } else { Ok(size) }
}

fn absolute(text: &str) -> Result<PathBuf, String> {
    match Path::new(text).is_absolute() {
        true => Ok(text.into()),
        false => Err(format!("`{text}` is no folder of an image; write an absolute path, such as /graph")),
    }
}
