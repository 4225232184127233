//! A run over a broker: its messages are published, and nodes elsewhere do the work and report.
//!
//! The broker never holds the catalogue: the sink lets so many entities be under way, and the next one is published when
//! one has come to its end. Reports tell of that; where they are lost, storage does.

use std::{cell::Cell, time::Duration};

use anyhow::{Context, anyhow};
use euterpe_actors::ids::JobName;
use euterpe_amqp::listen;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::fitting::{Fitting, LISTEN, some, tell_misfits};
use super::hearing::hear;
use super::looks::{PING_QUIET, forget_lost_pings, look_in_doubt};
use super::over::Over;
use super::passed::Passed;
use super::report::{ANY_RUN, NODE_KEY, run_key};
use super::reporter::GATHER;
use super::running::{Running, Stop};
use super::seen::look_for_what_is_done;
use super::sink::{Feeder, Sink};
use crate::workspace::Workspace;

/// Publishes what is fed, and follows it until everything came to an end, or until it is told to stop: then what was
/// published goes on without this process, and what was not is in the records of the run.
///
/// The manifest must be written.
///
/// # Errors
/// Where ids cannot be read, the broker does not take messages, or the state store does not take the run's records.
pub async fn run(
    workspace: &Workspace,
    running: &Running,
    over: Over,
    mut feeder: impl Feeder,
) -> anyhow::Result<Option<Passed>> {
    let (manifest, tracker) = (&running.manifest, &running.tracker);
    let feeds_all = feeder.feeds_all();
    let asked = || (manifest.selection.force.clone(), manifest.selection.refresh.as_ref());
    let sight = async || workspace.refreshing_view(manifest.run, asked(), None).await;
    let sink = Sink::remote(workspace, running, &over, true);
    let mut stop = running.stopped();
    let (ear, mut heard) = mpsc::unbounded_channel();
    let mut retry = feeder.retry_ends();
    let key = if retry.is_some() { ANY_RUN.to_owned() } else { run_key(manifest.run) };
    let last = Cell::new(Instant::now());
    let keys = [key.as_str()];
    let listening = listen(&over.dial, &manifest.graph, &keys, &ear);
    let hold = |held| running.hold_elsewhere(held);
    let misfits = tell_misfits(&over.dial, &manifest.graph, (&workspace.nodes, tracker), &over.setup.setup, hold);
    let retried = retry.as_ref().map(|retry| retry.runs().clone());
    let hearing = hear(&mut heard, tracker, &last, retried);
    let looking = async {
        match manifest.selection.ping {
            true => forget_lost_pings(tracker, &last).await,
            false => look_in_doubt(tracker, (&last, sink.window()), sight, (&workspace.state, &mut retry)).await,
        }
    };
    let feeding = async {
        let passed = feeder.feed(&sink).await?;
        sink.flush().await?;
        last.set(Instant::now());
        match manifest.selection.ping {
            true => {
                while last.get().elapsed() < PING_QUIET {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            false => {
                while tracker.live() > 0 {
                    // Looked at again now and then: a move may have been told to who waited for room.
                    let looked = tokio::time::timeout(Duration::from_millis(100), tracker.moved.notified()).await;
                    drop(looked);
                }
                // Parents that were made by the way are reported too, by other nodes perhaps a moment later.
                if manifest.selection.job.is_some() || manifest.selection.only.is_some() {
                    tokio::time::sleep(3 * GATHER).await;
                }
            }
        }
        anyhow::Ok(passed)
    };
    let (file, id) = (workspace.plan.file.display(), manifest.run);
    let unfollowed = |error: anyhow::Error| {
        error
            .context(format!("run {id} was not followed to its end; `euterpe runs resume {file} {id}` goes on with it"))
    };
    let fed = tokio::select! {
        biased;
        () = Stop::Drain.is_told(&mut stop) => None,
        fed = feeding => Some(fed?),
        error = hearing => return Err(error),
        never = looking => match never {},
        ended = listening => match ended {
            Ok(never) => match never {},
            Err(error) => return Err(unfollowed(anyhow!(error).context("cannot listen to the nodes' reports"))),
        },
        ended = misfits => match ended {
            Ok(never) => match never {},
            Err(error) => return Err(unfollowed(anyhow!(error).context("cannot listen to the nodes"))),
        },
    };
    let publishing = async {
        // What was gathered, or is on its way, goes on without this process. What waits for room is not sent any more.
        sink.flush().await.context("not all that was sent is published; `runs resume` publishes what is open")?;
        over.amqp.close().await;
        anyhow::Ok(())
    };
    tokio::select! {
        biased;
        () = Stop::Now.is_told(&mut stop), if fed.is_none() => tracing::warn!(
            "the broker has not confirmed all that was sent; `euterpe runs resume {file} {id}` publishes what is open"
        ),
        published = publishing => published?,
    }
    if fed.is_some() && feeds_all && !manifest.selection.ping {
        let mut stop = running.stopped();
        tokio::select! {
            biased;
            () = Stop::Drain.is_told(&mut stop) => return Ok(None),
            looked = look_for_what_is_done(workspace, running) => drop(looked?),
        }
    }
    Ok(fed)
}

/// What was published, and what keeps nodes from working on it.
pub struct Sent {
    /// What the listing of the source passed over.
    pub passed: Passed,
    /// A line for each problem, with the jobs that have it.
    pub problems: Vec<String>,
}

/// Publishes what is fed, and returns when all of it is confirmed and it is known whether a node can work on it. Nobody
/// follows it.
///
/// # Errors
/// Where ids cannot be read, the broker does not take messages, or the state store does not take the entities.
pub async fn publish(
    workspace: &Workspace,
    running: &Running,
    over: &Over,
    mut feeder: impl Feeder,
) -> anyhow::Result<Sent> {
    let sink = Sink::remote(workspace, running, over, false);
    let (reports, mut heard) = mpsc::unbounded_channel();
    let mut fitting = Fitting::to(&over.setup.setup);
    let publishing = async {
        let until = Instant::now() + LISTEN;
        let passed = feeder.feed(&sink).await?;
        sink.flush().await?;
        let tally = running.tally();
        let wanted = || workspace.nodes.jobs.iter().zip(&tally.jobs).filter(|(_, job)| job.required > job.ended);
        loop {
            let problems = fitting.problems(wanted().map(|(job, _)| &job.name));
            if problems.is_empty() {
                return anyhow::Ok(Sent { passed, problems: Vec::new() });
            }
            match tokio::time::timeout_at(until, heard.recv()).await {
                Ok(Some(event)) => fitting.heard(event),
                Ok(None) | Err(_) => {
                    let line = |(problem, jobs): (String, Vec<&JobName>)| format!("{}: {problem}", some(&jobs));
                    return Ok(Sent { passed, problems: problems.into_iter().map(line).collect() });
                }
            }
        }
    };
    tokio::pin!(publishing);
    let error = tokio::select! {
        sent = &mut publishing => return sent,
        ended = listen(&over.dial, &running.manifest.graph, &[NODE_KEY], &reports) => match ended {
            Ok(never) => match never {},
            Err(error) => error,
        },
    };
    // Publishing needs no right to listen.
    let sent = publishing.await?;
    Ok(Sent { problems: vec![format!("whether a node can work on it is not known: {error}")], ..sent })
}
