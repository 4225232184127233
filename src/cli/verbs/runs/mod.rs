//! `runs`: the runs that were started, what became of their entities, and taking up what is open.

mod check;
mod inbox;
mod ls;
mod resume;
mod show;

use anyhow::bail;
use euterpe_actors::ids::RunId;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Mistake, Session, is_inbox};

use crate::cli::Exit;
use crate::cli::args::{MemoryArgs, Place};
use crate::cli::page::Output;

/// Look at the runs that were started; account for their entities, take up what is open.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the runs of a graph, the oldest first.
    Ls {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        memory: MemoryArgs,
    },
    /// Show what a run was asked to do and how it ended.
    Show(One),
    /// Account for every entity of a run, from what is stored alone: exit 0 if all are done or skipped, 4 with dead
    /// letters, 1 if any is open or some ids were never read. `inbox` instead of a run counts the dead letters of messages
    /// by others.
    Check(check::Args),
    /// Publish again what is open of a run, and follow it to the end.
    Resume(Box<resume::Args>),
}

/// One run of a graph.
#[derive(Clone, Debug, clap::Args)]
struct One {
    #[command(flatten)]
    place: Place,

    /// The run: its id, the unique start of one, or `last`.
    #[arg(value_name = "RUN")]
    run: String,

    #[command(flatten)]
    memory: MemoryArgs,
}

/// Does what the further verb says.
///
/// # Errors
/// A run that is not there; what keeps the state store from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::Ls { place, memory } => ls::run(place, *memory, registry, out),
        Verb::Show(one) => show::run(one, registry, out),
        Verb::Check(args) => check::run(args, registry, out),
        Verb::Resume(args) => resume::run(args, registry, out),
    }
}

/// Why nobody can account for the inbox as for a run.
const NO_MANIFEST: &str = "the inbox has no manifest: what other programs publish without a run is kept by its queue until \
                           it is settled";

impl One {
    /// The run that is meant.
    ///
    /// # Errors
    /// [`Mistake`] where none or several are meant, or the inbox; the state store's own.
    async fn find(&self, session: &Session) -> anyhow::Result<RunId> {
        if is_inbox(&self.run) {
            bail!(Mistake(format!("{NO_MANIFEST}; `euterpe runs check GRAPH inbox` counts its dead letters")));
        }
        session.find_run(&self.run).await
    }
}
