//! `deploy`: what Kubernetes needs to run the nodes of a graph.
//!
//! ```text
//! print                     graph file -> documents -> standard output or files
//! args                      the flags
//! manifests                 a function for each kind of object
//! site                      what all of them are told: names, image, places, variables
//! groups                    which nodes serve which jobs, and what they need of a machine
//! places, variables, code   stores and state; the environment; the files that go with the graph file
//! names, yaml               names that Kubernetes takes; a value as YAML
//! ```

mod args;
mod code;
mod groups;
mod manifests;
mod names;
mod places;
mod print;
mod site;
mod variables;
mod yaml;

use euterpe_actors::transform::Registry;

use crate::cli::Exit;
use crate::cli::page::Output;

/// Arguments of `deploy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Write Kubernetes manifests of the nodes of a graph; reaches no cluster.
    Print(Box<args::Args>),
}

/// Writes the manifests.
///
/// # Errors
/// What of the graph cannot work on several machines, with its remedy; a file that cannot be read or written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let Verb::Print(args) = &args.verb;
    print::run(args, registry, out)
}
