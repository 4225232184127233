//! `plan`: what a run would do and why, without doing it.

use euterpe_actors::transform::Registry;
use euterpe_engine::Session;

use crate::cli::Exit;
use crate::cli::args::{Place, Select, wait_for};
use crate::cli::page::{Output, forecast::ForecastPage};

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
    let session = match place.look(registry, out)? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let forecast = wait_for(foretell(&session, select))?;
    let page = ForecastPage(&forecast);
    match out.json {
        true => out.fact(&page.json(&session.workspace().plan.graph))?,
        false => out.text(&page.text(place))?,
    }
    Ok(Exit::Ok)
}

async fn foretell(session: &Session, select: &Select) -> anyhow::Result<euterpe_engine::Forecast> {
    let (selection, ids) = select.resolve(session)?;
    session.plan(selection, ids, select.limit).await
}
