//! `audit`: what in a valid graph will bite, with places and remedies.

use euterpe_actors::transform::Registry;
use euterpe_engine::{Audit, Opening, Warning, audit, audit_without_broker};
use euterpe_graph_file::{Plan, Problem, page};
use serde_json::json;

use crate::cli::Exit;
use crate::cli::args::{BrokerArgs, Place, wait_for};
use crate::cli::page::Output;

/// Read a valid graph and its environments, and tell what will bite. Nothing is written, and no store is opened.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    broker: BrokerArgs,

    /// End with exit code 1 where there is a finding.
    #[arg(long)]
    strict: bool,
}

/// Audits: exit 0, with `--strict` 1 where something was found, 3 where the graph file is not valid.
///
/// # Errors
/// A broker that is named wrongly; where standard output cannot be written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let plan = match args.place.graph.load_or_show(registry, out)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let opening = Opening { state: args.place.state.clone(), ..Opening::default() };
    let found = wait_for(async {
        let here = audit(&plan, &opening).await;
        anyhow::Ok(here.and(broker(args, &plan).await?))
    })?;
    show(args, &plan, &found, out)?;
    Ok(if args.strict && !found.warnings.is_empty() { Exit::Failed } else { Exit::Ok })
}

fn show(args: &Args, plan: &Plan, Audit { warnings, left_out }: &Audit, out: Output) -> anyhow::Result<()> {
    let file = args.place.graph.graph.display().to_string();
    if out.json {
        out.fact(&json!({"file": file, "graph": plan.graph, "findings": warnings, "left_out": left_out}))?;
        return Ok(());
    }
    let problem = |warning: &Warning| Problem {
        message: format!("{} [{}]", warning.problem.message, warning.rule),
        ..warning.problem.clone()
    };
    let problems: Vec<Problem> = warnings.iter().map(problem).collect();
    out.text(&page(&file, &problems, 0, ["finding", "findings"]))?;
    for what in left_out {
        out.text(&format!("not looked at: {what}"))?;
    }
    Ok(())
}

#[cfg(feature = "amqp")]
async fn broker(args: &Args, plan: &Plan) -> anyhow::Result<Audit> {
    Ok(match args.broker.dial("audit")? {
        Some(dial) => euterpe_engine::audit_broker(plan, &dial, args.broker.consumer_timeout).await,
        None => audit_without_broker(plan),
    })
}

#[cfg(not(feature = "amqp"))]
async fn broker(args: &Args, plan: &Plan) -> anyhow::Result<Audit> {
    args.broker.none()?;
    Ok(audit_without_broker(plan))
}
