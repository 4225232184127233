//! `verify`: lint, then reach what the graph needs: its stores, its state, its broker.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Finding, Session};
use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, PATIENCE, Place, wait_for};
use crate::cli::page::Output;

/// Check a graph file, then reach its stores and its broker; say what is there, what is missing, what is left over.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    broker: BrokerArgs,

    /// Make what is missing: folders that are written to, exchanges and queues.
    #[arg(long)]
    create: bool,
}

/// Verifies: exit 0 if all is well, 1 if something is missing or wrong.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let access = if args.create { Access::Share } else { Access::Look };
    match args.place.open(registry, out, None, access, 0)? {
        Ok(session) => wait_for(show(args, &session, out)),
        Err(exit) => Ok(exit),
    }
}

async fn show(args: &Args, session: &Session, out: Output) -> anyhow::Result<Exit> {
    let mut findings = session.verify().await;
    match args.broker.dial("verify")? {
        Some(dial) => {
            let create = args.create.then_some(PATIENCE);
            findings.extend(session.verify_broker(dial, args.broker.consumer_timeout, create).await);
        }
        None => findings.push(Finding {
            what: "broker".into(),
            found: "none named: `run` works in its own process; name one with --broker or EUTERPE_BROKER".into(),
            good: true,
        }),
    }
    for Finding { what, found, good } in &findings {
        match out.json {
            true => out.fact(&json!({"what": what, "found": found, "good": good}))?,
            false => out.text(&format!("{} {what}: {found}", if *good { "ok " } else { "BAD" }))?,
        }
    }
    Ok(if findings.iter().all(|finding| finding.good) { Exit::Ok } else { Exit::Failed })
}
