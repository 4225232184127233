//! `verify`: lint, then reach what the graph needs: its stores, its state, its broker.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Finding, Session};
use serde_json::json;

use crate::cli::Exit;
#[cfg(feature = "amqp")]
use crate::cli::args::PATIENCE;
use crate::cli::args::{BrokerArgs, Place, wait_for};
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
    findings.extend(broker(args, session).await?);
    for Finding { what, found, good } in &findings {
        match out.json {
            true => out.fact(&json!({"what": what, "found": found, "good": good}))?,
            false => out.text(&format!("{} {what}: {found}", if *good { "ok " } else { "BAD" }))?,
        }
    }
    Ok(if findings.iter().all(|finding| finding.good) { Exit::Ok } else { Exit::Failed })
}

#[cfg(feature = "amqp")]
async fn broker(args: &Args, session: &Session) -> anyhow::Result<Vec<Finding>> {
    let Some(dial) = args.broker.dial("verify")? else { return Ok(vec![no_broker()]) };
    let create = args.create.then_some(PATIENCE);
    Ok(session.verify_broker(dial, args.broker.consumer_timeout, create).await)
}

#[cfg(not(feature = "amqp"))]
async fn broker(args: &Args, _: &Session) -> anyhow::Result<Vec<Finding>> {
    args.broker.none()?;
    Ok(vec![no_broker()])
}

fn no_broker() -> Finding {
    Finding {
        what: "broker".into(),
        found: "none named: `run` works in its own process; name one with --broker or EUTERPE_BROKER".into(),
        good: true,
    }
}
