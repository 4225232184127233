//! `runs check`: is every entity of a run accounted for? From stores and records alone.

use euterpe_actors::transform::Registry;
use euterpe_engine::is_inbox;

use super::{One, inbox};
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::{Output, account};

/// Account for every entity of a run.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    one: One,

    /// Also read every output that is there and compare it with its stamp.
    #[arg(long)]
    hashes: bool,
}

/// Checks a run.
///
/// # Errors
/// A run that is not there; what keeps the stores from being read.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match args.one.place.open_as_in(Some(&args.one.run), registry, out, args.one.memory.opening())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let file = args.one.place.typed();
    if is_inbox(&args.one.run) {
        return inbox::check(&session, &file, out);
    }
    let account = wait_for(async {
        let run = args.one.find(&session).await?;
        session.check(run, args.hashes).await
    })?;
    account::show(&account, &file, out)
}
