//! `runs`: the runs that were started, what became of their entities, and taking up what is open.

mod account_page;
mod check;
mod inbox;
mod ls;
mod resume;
mod show;
mod which;

pub(super) use check::Account;
pub(super) use which::origin;

use super::place::Place;
use super::{Exit, Output};
use euterpe_actors::transform::Registry;

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
    },
    /// Show what a run was asked to do and how it ended.
    Show(One),
    /// Account for every entity of a run, from what is stored alone: exit 0 if all are done or skipped, 4 with dead
    /// letters, 1 if any is open. `inbox` instead of a run counts the dead letters of messages by others.
    Check(check::Args),
    /// Publish again what is open of a run, and follow it to the end.
    Resume(resume::Args),
}

/// One run of a graph.
#[derive(Clone, Debug, clap::Args)]
struct One {
    #[command(flatten)]
    place: Place,

    /// The run: its id, the unique start of one, or `last`.
    #[arg(value_name = "RUN")]
    run: String,
}

/// Does what the further verb says.
///
/// # Errors
/// A run that is not there; what keeps the state store from being read.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::Ls { place } => ls::run(place, registry, out),
        Verb::Show(one) => show::run(one, registry, out),
        Verb::Check(args) => check::run(args, registry, out),
        Verb::Resume(args) => resume::run(args, registry, out),
    }
}
