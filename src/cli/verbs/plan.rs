//! `plan`: what a run would do and why, without doing it.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Cost, Forecast, Session};

use crate::cli::Exit;
use crate::cli::args::{Place, Prices, Select, wait_for};
use crate::cli::page::{Output, cost::CostPage, forecast::ForecastPage, forecast::Planned};

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

    /// Say also what the run would cost: time as finished runs measured it, bytes, requests to buckets, messages.
    #[arg(long)]
    cost: bool,

    /// Prices: of 1,000 requests that write or read, of a GiB for a month, of one core for an hour, such as
    /// `write=0.005,read=0.0004,gib-month=0.023,core-hour=0.04`.
    #[arg(long, value_name = "NAME=PRICE,…", requires = "cost", value_parser = Prices::parse)]
    prices: Option<Prices>,
}

/// What of a plan is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    /// What is planned.
    pub of: Planned,
    /// Whether it names what is passed over.
    pub names_passed: bool,
    /// Whether it says what that would cost.
    pub cost: bool,
    /// By which prices.
    pub prices: Option<Prices>,
}

impl Shown {
    /// What would be done, and no more.
    pub fn plain(of: Planned) -> Self {
        Self { of, names_passed: false, cost: false, prices: None }
    }
}

/// Plans a run: exit 0 whatever it says.
///
/// # Errors
/// What keeps the stores from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let Args { passed_over: names_passed, cost, prices, .. } = *args;
    show(&args.place, &args.select, Shown { of: Planned::Run, names_passed, cost, prices }, registry, out)
}

/// The plan of what is selected; `run --dry-run` is the same.
///
/// # Errors
/// What keeps the stores from being read.
pub fn show(place: &Place, select: &Select, shown: Shown, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match place.open(registry, out, select.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let (forecast, cost) = wait_for(foretell(&session, select, shown))?;
    let page = ForecastPage { forecast: &forecast, names_passed: shown.names_passed, of: shown.of };
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let cost = cost.as_ref().map(|cost| CostPage { plan: &forecast.plan, cost, prices: shown.prices, at_once });
    if out.json {
        let mut fact = page.json(&session.workspace().plan.graph);
        if let Some(cost) = cost {
            fact["cost"] = cost.json();
        }
        out.fact(&fact)?;
    } else {
        let few = if select.limit.is_none() { " --limit 20" } else { "" };
        let some = format!("euterpe run {}{few}{}", place.typed(), select.typed());
        out.text(&(page.text(place, select) + &cost.map_or_else(String::new, |cost| cost.text(&some))))?;
    }
    Ok(Exit::Ok)
}

async fn foretell(session: &Session, select: &Select, shown: Shown) -> anyhow::Result<(Forecast, Option<Cost>)> {
    let (selection, ids) = select.resolve(session)?;
    let ids = if shown.names_passed { ids.with_passed() } else { ids };
    if !shown.cost {
        return Ok((session.plan(selection, ids, select.limit).await?, None));
    }
    let (forecast, cost) = session.plan_with_cost(selection, ids, select.limit).await?;
    Ok((forecast, Some(cost)))
}
