//! `explain`: the whole story of one entity: inputs, output, decision, dead letters, and what to do.

use euterpe_actors::ids::EntityId;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Mistake, Opening};

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

    /// Look where this run worked, if --store put its stores elsewhere; by default the newest run.
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

/// Tells the story; exit 0 whatever it says.
///
/// # Errors
/// An id or a job that cannot be; what keeps the stores from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.place.open_as_in(args.run.as_deref(), registry, out, Opening::default())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let entity = EntityId::of_name(&args.entity)
        .map_err(|bad| Mistake(format!("`{}` cannot be an entity: {bad}", args.entity.escape_debug())))?;
    let (stories, near) = wait_for(async {
        let stories = session.explain(&entity, args.job.as_deref()).await?;
        let near = if story::is_unknown(&stories) { session.similar_ids(&entity).await? } else { Vec::new() };
        anyhow::Ok((stories, near))
    })?;
    if out.json {
        out.fact(&serde_json::json!({"entity": entity, "jobs": stories, "did_you_mean": near}))?;
    } else {
        out.text(&story::page(&entity, &stories, &near, &args.place))?;
    }
    Ok(Exit::Ok)
}
