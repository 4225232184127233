//! `plan`: what a run would do and why, without doing it.

mod forecast;
mod table;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use euterpe_actors::accounting::{Forecaster, RunView, origins};
use euterpe_actors::memory::Presence;

use super::place::{Place, wait_for};
use super::run::{Mistake, REMEMBERED, Select};
use super::{Exit, Output};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::Opened;
use euterpe_engine::run::feed::why_not;
use euterpe_engine::run::ids::Next;
use euterpe_engine::run::{Found, survey};
use forecast::Forecast;

/// Say what a run would do, and why; writes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    select: Select,
}

/// Plans a run: exit 0 whatever it says.
///
/// # Errors
/// What keeps the stores from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    show(&args.place, &args.select, registry, out)
}

/// The plan of what is selected; `run --dry-run` is the same.
///
/// # Errors
/// What keeps the stores from being read.
pub fn show(place: &Place, select: &Select, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let opened = match place.look(registry, out)? {
        Ok(opened) => opened,
        Err(exit) => return Ok(exit),
    };
    let forecast = wait_for(foretell(&opened, select))?;
    match out.json {
        true => out.fact(&forecast.json(&opened.plan.graph))?,
        false => out.text(&forecast.text(place))?,
    }
    Ok(Exit::Ok)
}

/// Foretells entity by entity, as they are read.
async fn foretell(opened: &Opened, select: &Select) -> anyhow::Result<Forecast> {
    let plan = &opened.nodes;
    let selection = select.selection(plan)?;
    if selection.ping {
        let text = "a ping makes nothing, so there is nothing to plan; leave out --ping, or run it";
        bail!(Mistake(text.into()));
    }
    let ids = select.source(opened, &selection)?;
    let run = opened.next_run().await?;
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    survey::survey(plan, &opened.stores, &presence, run).await?;
    let (stores, state) = (opened.stores.clone(), opened.state.clone());
    let (force, known) = (selection.force.clone(), Some(presence));
    let forecaster = Forecaster::new(RunView { plan: plan.clone(), stores, state, run, force, known });
    let mut forecast = Forecast::of(plan.clone(), selection.clone());
    let mut left = select.limit.unwrap_or(u64::MAX);
    let mut stream = ids.stream();
    while left > 0 {
        let batch = match stream.next(Duration::from_secs(60)) {
            Next::Batch(batch) => batch,
            Next::Later => continue,
            Next::Failed(error) => return Err(error),
            Next::End(passed) => {
                forecast.passed = passed.other;
                break;
            }
        };
        for found in batch {
            let entity = match found {
                Found::Id(entity) => entity,
                Found::Bad(name, why) => {
                    forecast.bad_name(&name, why);
                    continue;
                }
            };
            if let Some(why) = why_not(plan, &origins(plan, &selection, &entity), &entity) {
                forecast.bad_name(entity.as_str(), why);
                continue;
            }
            if !forecast.add(forecaster.entity(&selection, &entity).await?) {
                left -= 1;
                if left == 0 {
                    break;
                }
            }
        }
    }
    Ok(forecast)
}
