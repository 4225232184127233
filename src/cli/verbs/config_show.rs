//! `config show`: what a graph file means, every setting with its value, secrets masked.

use crate::cli::Exit;
use crate::cli::args::GraphFile;
use crate::cli::page::Output;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::show;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show what a graph file means: every setting with its value, secrets masked.
    Show {
        #[command(flatten)]
        file: GraphFile,
    },
}

/// Shows the effective configuration as YAML, or as JSON.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let Verb::Show { file } = &args.verb;
    let plan = match file.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let shown = show::effective(&plan);
    if out.json {
        out.fact(&shown)?
    } else {
        out.text(&show::yaml(&shown))?
    }
    Ok(Exit::Ok)
}
