//! `schema`: writes the JSON Schema of graph files, or of the messages of other programs.

use euterpe_actors::foreign;

use crate::cli::Exit;
use crate::cli::page::Output;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::schema;

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The schema of messages that other programs publish as `application/json`, instead of that of graph files.
    #[arg(long)]
    message: bool,
}

/// Writes the schema; that of graph files with the transforms that this program knows.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let schema = match args.message {
        true => foreign::schema(),
        false => schema::schema(registry),
    };
    out.text(&serde_json::to_string_pretty(&schema)?)?;
    Ok(Exit::Ok)
}
