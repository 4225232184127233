//! `accept`: what a job made before it was changed counts as made by what it does today.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Opening};
use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{Place, wait_for};
use crate::cli::page::Output;

/// Declare good what jobs made before their options or their code were changed. No output is touched.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// The jobs.
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<String>,
}

/// Accepts: exit 0.
///
/// # Errors
/// A job that the graph does not have; what keeps the records from being read or written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.place.open(registry, out, Opening { access: Access::Share, ..Opening::default() })? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    wait_for(session.accept(&args.jobs))?;
    match out.json {
        true => out.fact(&json!({"accepted": args.jobs}))?,
        false => out.text(&format!(
            "what {} made so far counts as up to date, wherever the stores of the graph lay",
            args.jobs.join(", ")
        ))?,
    }
    Ok(Exit::Ok)
}
