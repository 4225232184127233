//! `lint`: checks a graph file and says everything that is wrong with it.

use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{GraphFile, show_problems};
use crate::cli::page::Output;
use euterpe_actors::transform::Registry;
use euterpe_engine::missing_programs;

/// Arguments of `lint`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    file: GraphFile,

    /// Also look whether this machine has the programs that jobs name.
    #[arg(long)]
    programs: bool,
}

/// Checks the file: exit 0 where it is valid, 3 with the page of problems where it is not.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let plan = match args.file.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    if args.programs {
        let missing = missing_programs(&plan);
        if !missing.problems.is_empty() {
            show_problems(&missing, out)?;
            return Ok(Exit::GraphInvalid);
        }
    }
    let file = args.file.graph.display().to_string();
    let (jobs, stores) = (plan.jobs.len(), plan.stores.len());
    if out.json {
        out.fact(&json!({"file": file, "problems": [], "graph": plan.graph, "jobs": jobs, "stores": stores}))?;
    } else {
        let plural = |number: usize| if number == 1 { "" } else { "s" };
        out.text(&format!(
            "{file}: no problems; graph `{}`, {jobs} job{}, {stores} store{}",
            plan.graph,
            plural(jobs),
            plural(stores)
        ))?;
    }
    Ok(Exit::Ok)
}
