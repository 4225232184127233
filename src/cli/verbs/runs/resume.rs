//! `runs resume`: publishes again what is open of a run, and follows it to the end.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Opening, Session};

use super::One;
use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, CacheArgs, TracesArgs, TracesAsked, wait_for};
use crate::cli::page::{Output, Terminal, account, summary::Summary};

/// Publish again what is open of a run, and follow it to the end.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    one: One,

    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,

    #[command(flatten)]
    cache: CacheArgs,

    #[command(flatten)]
    broker: BrokerArgs,

    #[command(flatten)]
    traces: TracesArgs,

    /// Stop when so many entities have become dead letters.
    #[arg(long, value_name = "N")]
    max_dead: Option<u64>,

    /// Only say what is open, like `check`.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Resumes a run.
///
/// # Errors
/// A run that is not there; what keeps it from keeping its records.
pub(super) fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let place = &args.one.place;
    let (access, cache) = (args.broker.access(args.dry_run), args.cache.bytes);
    let traces = args.traces.asked()?;
    let (workers, sampling) = (args.jobs.map(usize::from), traces.sampling());
    let opening = Opening { workers, access, cache, traces: sampling, ..args.one.memory.opening() };
    match place.open_as_in(Some(&args.one.run), registry, out, opening)? {
        Ok(session) => wait_for(resume(args, &session, traces, out)),
        Err(exit) => Ok(exit),
    }
}

async fn resume(args: &Args, session: &Session, traces: TracesAsked, out: Output) -> anyhow::Result<Exit> {
    let file = args.one.place.typed();
    let run = args.one.find(session).await?;
    if args.dry_run {
        return account::show(&session.check(run, false).await?, &file, out);
    }
    let over = args.broker.over(session, "resume").await?;
    let over_broker = over.is_some();
    let export = traces.send(session, None)?;
    let terminal = Terminal::of_run(session, out);
    let resumed = session.resume(run, over, args.max_dead, &terminal).await;
    export.finish().await;
    terminal.end_log().await;
    let resumed = resumed?;
    let (ended, ping) = (&resumed.ended, resumed.ping);
    let nothing = ended.ended.complete && ended.ended.tally.entities == 0;
    let exit = match nothing && !out.json {
        true => {
            let of = if resumed.account.all_read { "" } else { "what was read of " };
            out.text(&format!("nothing is open of {of}run {run}\n\n"))?;
            Exit::Ok
        }
        false => {
            let (file, asked, over) = (file.clone(), String::new(), over_broker);
            Summary { file, asked, why_none: None, session, ended, ping, over, all_read: true, resumed: true }
                .show(out)?
        }
    };
    let accounted = account::show(&resumed.account, &file, out)?;
    Ok(if exit == Exit::Interrupted { exit } else { accounted })
}
