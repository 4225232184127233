//! `explain`: the whole story of one entity: inputs, output, decision, dead letters, and what to do.

mod page;
mod story;

use anyhow::bail;
use euterpe_actors::accounting::{Forecaster, RunView};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Force;
use euterpe_actors::plan::JobIx;

use super::place::{Place, wait_for};
use super::run::{Mistake, find};
use super::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::Opened;
use story::Story;

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
    let opened = match args.place.look(registry, out)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let entity = EntityId::new(&args.entity)
        .map_err(|bad| Mistake(format!("`{}` cannot be an entity: {bad}", args.entity.escape_debug())))?;
    let jobs = jobs(&opened, &entity, args.job.as_deref())?;
    let stories = wait_for(tell(&opened, &entity, &jobs))?;
    if out.json {
        out.fact(&serde_json::json!({"entity": entity, "jobs": stories}))?;
    } else {
        out.text(&page::page(&entity, &stories, &args.place))?;
    }
    Ok(Exit::Ok)
}

/// The jobs that take the entity, or the one that was named.
fn jobs(opened: &Opened, entity: &EntityId, job: Option<&str>) -> anyhow::Result<Vec<JobIx>> {
    let plan = &opened.nodes;
    let takes = |at: &JobIx| plan.job(*at).form.split(entity).is_some();
    if let Some(name) = job {
        let at = find(plan, name)?;
        if !takes(&at) {
            bail!(Mistake(format!("job `{name}` takes ids of the form `{}`, not `{entity}`", plan.job(at).form)));
        }
        return Ok(vec![at]);
    }
    // The jobs that start with this form of id, and what hangs below them; else all that take it.
    let mut jobs: Vec<JobIx> = plan.job_indices().filter(takes).collect();
    let most = jobs.iter().map(|at| plan.job(*at).form.specificity()).max();
    jobs.retain(|at| Some(plan.job(*at).form.specificity()) == most);
    if jobs.is_empty() {
        let forms: Vec<String> = plan.jobs.iter().map(|job| format!("`{}`", job.form)).collect();
        bail!(Mistake(format!("no job takes the id `{entity}`; the jobs' forms are {}", forms.join(", "))));
    }
    Ok(jobs)
}

async fn tell(opened: &Opened, entity: &EntityId, jobs: &[JobIx]) -> anyhow::Result<Vec<Story>> {
    let run = opened.next_run().await?;
    let (plan, stores, state) = (opened.nodes.clone(), opened.stores.clone(), opened.state.clone());
    let forecaster = Forecaster::new(RunView { plan, stores, state, run, force: Force::None, known: None });
    let mut stories = Vec::with_capacity(jobs.len());
    for at in jobs {
        stories.push(Story::of(opened, &forecaster, *at, entity).await?);
    }
    Ok(stories)
}
