//! `verify`: lint, then reach what the graph needs: its stores, its state, its broker.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Finding, Opening, Session};
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

    /// Make what is missing: folders and buckets that are written to, exchanges and queues.
    #[arg(long)]
    create: bool,
}

/// Verifies: exit 0 if all is well, 1 if something is missing or wrong.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let mut access = Access::Look;
    if args.create {
        // The buckets come first: a graph whose records lie in a bucket that is not there cannot be opened for writing.
        let looking = match args.place.look(registry, out)? {
            Ok(session) => session,
            Err(exit) => return Ok(exit),
        };
        let made = wait_for(async { anyhow::Ok(looking.make_buckets().await) })?;
        if !show(&made, out)? {
            return Ok(Exit::Failed);
        }
        access = Access::Share;
    }
    match args.place.open(registry, out, Opening { access, ..Opening::default() })? {
        Ok(session) => {
            let found = wait_for(look_at(args, &session))?;
            Ok(if show(&found, out)? { Exit::Ok } else { Exit::Failed })
        }
        Err(exit) => Ok(exit),
    }
}

async fn look_at(args: &Args, session: &Session) -> anyhow::Result<Vec<Finding>> {
    let mut findings = session.verify().await;
    findings.extend(broker(args, session).await?);
    Ok(findings)
}

/// Prints what was found. Returns whether all of it is good.
fn show(findings: &[Finding], out: Output) -> anyhow::Result<bool> {
    for Finding { what, found, good } in findings {
        match out.json {
            true => out.fact(&json!({"what": what, "found": found, "good": good}))?,
            false => out.text(&format!("{} {what}: {found}", if *good { "ok " } else { "BAD" }))?,
        }
    }
    Ok(findings.iter().all(|finding| finding.good))
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
