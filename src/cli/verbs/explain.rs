//! `explain`: the whole story of one entity: inputs, output, decision, dead letters, and what to do.

use euterpe_actors::ids::EntityId;
use euterpe_actors::transform::Registry;
use euterpe_engine::Mistake;

use crate::cli::Exit;
use crate::cli::args::{Place, wait_for};
use crate::cli::page::{Output, story};

/// Tell the whole story of one entity: what is there, what is not, why, and what to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// The entity.
    #[arg(value_name = "ID")]
    entity: String,

    /// Of this job only.
    #[arg(value_name = "JOB")]
    job: Option<String>,
}

/// Tells the story; exit 0 whatever it says.
///
/// # Errors
/// An id or a job that cannot be; what keeps the stores from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.place.look(registry, out)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let entity = EntityId::new(&args.entity)
        .map_err(|bad| Mistake(format!("`{}` cannot be an entity: {bad}", args.entity.escape_debug())))?;
    let stories = wait_for(session.explain(&entity, args.job.as_deref()))?;
    if out.json {
        out.fact(&serde_json::json!({"entity": entity, "jobs": stories}))?;
    } else {
        out.text(&story::page(&entity, &stories, &args.place))?;
    }
    Ok(Exit::Ok)
}
