//! A run over a broker: its messages are published, and nodes elsewhere do the work and report.
//!
//! Reports may be lost. When none comes for a while, storage is asked how the entities under way are.

use std::{cell::Cell, collections::HashMap, time::Duration};

use anyhow::{Context, anyhow};
use euterpe_actors::accounting::{Accountant, RunView};
use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::message::Target;
use euterpe_actors::state::StateStore;
use euterpe_actors::work_span::work_span;
use euterpe_amqp::{ListenerEvent, listen};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::fitting::{Fitting, LISTEN, some, tell_misfits};
use super::over::Over;
use super::passed::Passed;
use super::report::{ANY_RUN, NODE_KEY, Note, Notes, run_key};
use super::reporter::GATHER;
use super::retry_ends::RetryEnds;
use super::running::{Running, Stop};
use super::seen::look_for_what_is_done;
use super::sink::{Feeder, Sink};
use super::tracker::Tracker;
use crate::workspace::Workspace;

/// How long nothing may be reported before storage is asked; then ever longer.
const QUIET: Duration = Duration::from_secs(3);
/// The longest wait between two looks at storage.
const MOST_QUIET: Duration = Duration::from_secs(60);
/// How many entities are looked at together.
const LOOKS: usize = 2000;
/// How long a ping is waited for after its last sign.
const PING_QUIET: Duration = Duration::from_secs(2);

/// Publishes what is fed, and follows it until everything came to an end, or until it is told to stop: then what was
/// published goes on without this process.
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
    let following = follow(&mut heard, tracker, &last, sight, (&workspace.state, &mut retry));
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
        error = following => return Err(error),
        ended = listening => match ended {
            Ok(never) => match never {},
            Err(error) => return Err(unfollowed(anyhow!(error).context("cannot listen to the nodes' reports"))),
        },
        ended = misfits => match ended {
            Ok(never) => match never {},
            Err(error) => return Err(unfollowed(anyhow!(error).context("cannot listen to the nodes"))),
        },
    };
    if fed.is_none() {
        // What was read is in the manifest: it is published, and goes on without this process.
        sink.flush().await.context("what was read is not published; `runs resume` publishes it")?;
    }
    over.amqp.close().await;
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

/// Follows the nodes' reports, and asks storage where they leave something open. Ends with an error alone.
async fn follow(
    heard: &mut mpsc::UnboundedReceiver<ListenerEvent>,
    tracker: &Tracker,
    last: &Cell<Instant>,
    sight: impl AsyncFn() -> anyhow::Result<RunView>,
    (state, retry): (&StateStore, &mut Option<RetryEnds>),
) -> anyhow::Error {
    let (mut quiet, mut said) = (QUIET, false);
    let mut numbers: HashMap<(String, RunId), u64> = HashMap::new();
    loop {
        match tokio::time::timeout(quiet, heard.recv()).await {
            Ok(None) => return anyhow!("nobody listens any more"),
            Ok(Some(ListenerEvent::Listening)) => {}
            Ok(Some(ListenerEvent::Report(body))) => {
                let notes: Notes = match serde_json::from_slice(&body) {
                    Ok(notes) => notes,
                    Err(error) => {
                        tracing::warn!(%error, "a node reported what cannot be read; is it of another version?");
                        continue;
                    }
                };
                if retry.as_ref().is_some_and(|retry| !retry.has(notes.run)) {
                    continue;
                }
                let expected = numbers.insert((notes.node.clone(), notes.run), notes.number + 1);
                if expected.is_some_and(|expected| expected != notes.number) {
                    tracing::debug!(node = notes.node, "reports were lost");
                }
                (quiet, said) = (QUIET, false);
                last.set(Instant::now());
                // In the run that a retry's message is of, others may be under way.
                let is_ours = |note: &&Note| retry.is_none() || tracker.is_live(&note.entity);
                for note in notes.notes.iter().filter(is_ours) {
                    let span = work_span(&note.job, &note.entity, notes.run, note.attempt);
                    span.in_scope(|| tracker.ended(note));
                }
            }
            Err(_) => {
                quiet = (quiet * 2).min(MOST_QUIET);
                let looked = async { look(tracker, sight().await?, state, retry).await };
                match looked.await {
                    Ok(true) => quiet = QUIET,
                    Ok(false) if tracker.live() > 0 && quiet >= MOST_QUIET / 4 && !said => {
                        said = true;
                        tracing::warn!(
                            "nothing came to an end for a while; is a node running for every job? `euterpe status` shows them"
                        );
                    }
                    Ok(false) => {}
                    Err(error) => tracing::error!("storage cannot say how the entities under way are: {error}"),
                }
            }
        }
    }
}

/// Asks storage how some of the entities under way are; whether that ended any of them.
async fn look(
    tracker: &Tracker,
    sight: RunView,
    state: &StateStore,
    retry: &mut Option<RetryEnds>,
) -> anyhow::Result<bool> {
    let failed_again = match retry {
        Some(retry) if tracker.live() > 0 => retry.tell(state, tracker).await?,
        _ => false,
    };
    let open = tracker.some_open(LOOKS);
    if open.is_empty() {
        return Ok(failed_again);
    }
    let plan = sight.plan.clone();
    let accountant = Accountant::open(sight).await?;
    let mut moved = failed_again;
    for entity in open {
        for at in tracker.left_of(&entity) {
            let target = Target { job: plan.job(at).name.clone(), entity: entity.clone() };
            let status = accountant.status(&target).await?;
            moved |= tracker.found(&entity, at, &status);
        }
    }
    Ok(moved)
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
