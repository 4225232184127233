//! `up`, `down` and `ps`: a local cluster, by calls of Docker Compose that are printed before they are made.

mod compose;
mod file;
pub mod grace;
mod image;
mod program;
mod project;
mod set;
mod up;

use std::path::PathBuf;

use euterpe_actors::transform::Registry;

use crate::cli::Exit;
use crate::cli::args::GraphFile;
use crate::cli::page::Output;
use crate::telemetry;
use compose::Compose;
use program::Program;

pub use up::{Args as UpArgs, run as up};

/// Which cluster.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Which {
    /// The compose file; by default the `docker-compose.yml` of this folder, of the graph file's, or of the next one above
    /// either.
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Only print the command.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Stop the local cluster: nodes finish the work in hand.
#[derive(Debug, clap::Args)]
pub struct DownArgs {
    /// The graph file of the cluster: its nodes have as long to finish as its longest `timeout`.
    #[arg(value_name = "GRAPH.yaml")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    which: Which,

    /// Also remove what it keeps: outputs, records of runs, messages, credentials.
    #[arg(long)]
    volumes: bool,
}

/// Show the containers of the local cluster.
#[derive(Debug, clap::Args)]
pub struct PsArgs {
    /// A graph file of the cluster.
    #[arg(value_name = "GRAPH.yaml")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// Stops the cluster.
///
/// # Errors
/// Where there is no Compose, or no compose file.
pub fn down(args: &DownArgs, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let mut compose = Compose::find(args.which.file.as_deref(), args.graph.as_deref())?.observed();
    if let Some(graph) = &args.graph {
        let file = GraphFile { graph: graph.clone(), stores: Vec::new() };
        match file.load(registry) {
            Ok(plan) => compose.variables = up::variables(&plan, graph, None, &compose.set)?,
            Err(_) => telemetry::say(&format!(
                "{} is not valid, so the nodes have as long to finish as the compose file says",
                graph.display()
            )),
        }
    }
    let mut words = vec!["down"];
    if args.volumes {
        words.push("--volumes");
    }
    compose.call(&words, args.which.dry_run, out)
}

/// Shows its containers.
///
/// # Errors
/// Where there is no Compose, or no compose file.
pub fn ps(args: &PsArgs, out: Output) -> anyhow::Result<Exit> {
    let compose = Compose::find(args.which.file.as_deref(), args.graph.as_deref())?.observed();
    let mut words = vec!["ps"];
    if out.json && compose.program == Program::Plugin {
        words.extend(["--format", "json"]);
    }
    compose.call(&words, args.which.dry_run, out)
}
