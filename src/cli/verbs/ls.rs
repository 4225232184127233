//! `ls`: entities and what jobs made of them, with state, size, age and place.

use std::time::{SystemTime, UNIX_EPOCH};

use euterpe_actors::transform::Registry;
use euterpe_engine::{Entry, InventoryRequest, InventorySample, ItemState, Session};

use crate::cli::Exit;
use crate::cli::args::{Entities, MemoryArgs, Place, wait_for};
use crate::cli::page::inventory::{InventoryPage, facts};
use crate::cli::page::{Output, words::count};
use crate::telemetry;

/// List entities and what jobs made of them: state, size, age, place. Writes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,

    /// What these jobs make; by default all.
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,

    #[command(flatten)]
    entities: Entities,

    /// What is in this state. May be given several times.
    #[arg(long = "status", value_name = "STATE")]
    states: Vec<State>,

    /// A random sample of so many of these entities.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,

    /// The same seed gives the same sample.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,

    /// All that is known: bytes, when it was written, by which run, and why it is not there.
    #[arg(long, conflicts_with = "ids_only")]
    long: bool,

    /// Only the ids, one a line, as `run --ids -` takes them.
    #[arg(short = 'q', long)]
    ids_only: bool,

    #[command(flatten)]
    memory: MemoryArgs,
}

/// A state, as it is typed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum State {
    /// It is there, and a run would leave it as it is.
    Done,
    /// It is there, and a run would make it anew.
    Stale,
    /// It is not there, and nothing is recorded of it.
    Missing,
    /// It, or something that it is made from, has a dead letter.
    Dead,
    /// It was declined or given up.
    Skipped,
}

impl From<State> for ItemState {
    fn from(state: State) -> Self {
        match state {
            State::Done => ItemState::Done,
            State::Stale => ItemState::Stale,
            State::Missing => ItemState::Missing,
            State::Dead => ItemState::Dead,
            State::Skipped => ItemState::Skipped,
        }
    }
}

/// Lists: exit 0 whatever there is.
///
/// # Errors
/// Jobs and ids that cannot be; what keeps stores and records from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.place.open_as_in(None, registry, out, args.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    wait_for(list(args, &session, out))?;
    Ok(Exit::Ok)
}

async fn list(args: &Args, session: &Session, out: Output) -> anyhow::Result<()> {
    let request = InventoryRequest {
        jobs: args.jobs.clone(),
        prefix: args.entities.prefix.clone(),
        states: args.states.iter().copied().map(ItemState::from).collect(),
        looks: !args.ids_only,
        texts: args.long || out.json,
    };
    let mut inventory = session.inventory(&request, args.entities.ids()).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64;
    let mut page = InventoryPage::new(args.long, now);
    let mut sample = args.sample.map(|most| InventorySample::of(most, args.seed));
    while let Some(entries) = inventory.next().await? {
        match &mut sample {
            Some(sample) => entries.into_iter().for_each(|entry| sample.offer(entry)),
            None if show(args, &mut page, &entries, out)? => {}
            None => return Ok(()), // nobody reads any more
        }
    }
    if let Some(sample) = sample {
        show(args, &mut page, &sample.entries(), out)?;
    }
    if !(args.ids_only || out.json) {
        out.lines(&page.lines())?;
    }
    if inventory.bad_names > 0 {
        let names = count(inventory.bad_names, "name is no entity", "names are no entities");
        telemetry::say(&format!("{names}; `euterpe plan {}` shows one", args.place.typed()));
    }
    Ok(())
}

/// Shows some entities; whether anybody reads it.
fn show(args: &Args, page: &mut InventoryPage, entries: &[Entry], out: Output) -> anyhow::Result<bool> {
    let mut text = String::new();
    for entry in entries {
        match (args.ids_only, out.json) {
            (true, false) => text += &format!("{}\n", entry.entity),
            (true, true) => text += &format!("{}\n", serde_json::json!({"id": entry.entity})),
            (false, true) => facts(entry).for_each(|fact| text += &format!("{fact}\n")),
            (false, false) => text += &page.add(entry),
        }
    }
    Ok(text.is_empty() || out.lines(&text)?)
}
