//! `plan`: what a run would do and why, without doing it.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Forecast, Session};

use crate::cli::Exit;
use crate::cli::args::{Place, Select, wait_for};
use crate::cli::page::{Output, forecast::ForecastPage, forecast::Planned};

/// Say what a run would do, and why; writes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    select: Select,

    /// Name what in the sources is passed over, one by one, and why.
    #[arg(long)]
    passed_over: bool,
}

/// Plans a run: exit 0 whatever it says.
///
/// # Errors
/// What keeps the stores from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    show(&args.place, &args.select, (Planned::Run, args.passed_over), registry, out)
}

/// The plan of what is selected, and whether it names what is passed over; `run --dry-run` is the same.
///
/// # Errors
/// What keeps the stores from being read.
pub fn show(
    place: &Place,
    select: &Select,
    (of, passed_over): (Planned, bool),
    registry: &Registry,
    out: Output,
) -> anyhow::Result<Exit> {
    let session = match place.open(registry, out, select.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let forecast = wait_for(foretell(&session, select, passed_over))?;
    let page = ForecastPage { forecast: &forecast, names_passed: passed_over, of };
    match out.json {
        true => out.fact(&page.json(&session.workspace().plan.graph))?,
        false => out.text(&page.text(place, select))?,
    }
    Ok(Exit::Ok)
}

async fn foretell(session: &Session, select: &Select, passed_over: bool) -> anyhow::Result<Forecast> {
    let (selection, ids) = select.resolve(session)?;
    let ids = if passed_over { ids.with_passed() } else { ids };
    session.plan(selection, ids, select.limit).await
}
