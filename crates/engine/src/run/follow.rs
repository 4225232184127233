//! The course of every run, whatever is fed: begun, watched, stopped where it must be, and its end recorded.

use std::{
    cell::Cell,
    convert::Infallible,
    future::pending,
    time::{Duration, Instant},
};

use anyhow::bail;
use euterpe_actors::actors_thread::on_actors_thread;
use euterpe_actors::ids::JobName;
use euterpe_actors::plan::NodePlan;
use euterpe_actors::state::{Counts, RunEnd};

use super::embedded;
use super::former::Former;
use super::outdated::Outdated;
use super::over::Over;
use super::passed::Passed;
use super::running::{Running, Stop};
use super::sink::Feeder;
use super::tally::{JobTally, Tally};
use super::watch::{Notice, Watch};
use crate::clock::now;
use crate::workspace::Workspace;

/// How often the dead letters are counted where there may not be too many.
const COUNT: Duration = Duration::from_millis(20);

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What became of its entities.
    pub tally: Tally,
    /// Whether it was brought to its end, and not stopped.
    pub complete: bool,
    /// What the listing of the source passed over.
    pub passed: Passed,
    /// What was there and was made anew.
    pub out_of_date: Outdated,
    /// What former recipes made, and is left as it is.
    pub former: Former,
    /// How long it took.
    pub took: Duration,
}

/// Feeds and follows a run to its end, or until somebody stops it. The manifest must be written.
///
/// # Errors
/// Where ids cannot be read, the broker does not take messages, the state store does not take the run's records, or workers
/// of a job cannot begin. What was made stays.
pub async fn follow(
    workspace: &Workspace,
    running: &Running,
    over: Option<Over>,
    max_dead: Option<u64>,
    feeder: impl Feeder,
    watch: &dyn Watch,
) -> anyhow::Result<Ended> {
    let began = Instant::now();
    watch.begins(running);
    let broke = Cell::new(None);
    let stop_if_broken = async {
        broke.set(Some(workspace.broken().await));
        running.stop(Stop::Now);
        pending::<Infallible>().await
    };
    let watching = async {
        watch.watch(running).await;
        pending::<Infallible>().await
    };
    let course = async {
        let passed = feed(workspace, running, over, feeder).await?;
        end(workspace, running, passed, began).await
    };
    let ended = on_actors_thread(async {
        tokio::select! {
            ended = course => ended,
            never = watching => match never {},
            never = stop_at(max_dead, running, watch) => match never {},
            never = stop_if_broken => match never {},
        }
    })
    .await;
    running.tracker.roots.end_all();
    match broke.take() {
        Some(why) => bail!("{why}"),
        None => ended,
    }
}

/// Records the end of a run.
async fn end(
    workspace: &Workspace,
    running: &Running,
    passed: Option<Passed>,
    began: Instant,
) -> anyhow::Result<Ended> {
    let (tally, complete, took) = (running.tally(), passed.is_some(), began.elapsed());
    let (jobs, slowest) = (counts(&workspace.nodes, &tally), tally.slowest.list().to_vec());
    // A ping requires nothing, and ends when it is quiet.
    let is_over = running.manifest.selection.ping || tally.jobs.iter().all(|job| job.ended >= job.required);
    // A run that is taken up again knows no more ids than it had read before it was stopped.
    let has_all = async || workspace.state.has_all_entities(running.run()).await;
    let brought_to_end = complete && is_over && running.keep_record(has_all).await?;
    let record = RunEnd { millis: now(), complete: brought_to_end, entities: tally.entities, jobs, slowest };
    running.keep_record(async || workspace.state.end_run(running.run(), &record).await).await?;
    let out_of_date = running.out_of_date.take().with_changes(workspace).await;
    let former = Former::of(workspace, running.dates.as_deref(), &running.manifest.selection).await;
    Ok(Ended { tally, complete, passed: passed.unwrap_or_default(), out_of_date, former, took })
}

/// Runs the feeder here or over the broker; nothing comes back where it was stopped.
async fn feed(
    workspace: &Workspace,
    running: &Running,
    over: Option<Over>,
    feeder: impl Feeder,
) -> anyhow::Result<Option<Passed>> {
    match over {
        None => embedded::run(workspace, running, feeder).await,
        #[cfg(feature = "amqp")]
        Some(over) => super::remote::run(workspace, running, over, feeder).await,
        #[cfg(not(feature = "amqp"))]
        Some(never) => match never {},
    }
}

/// Stops when there are `most` dead letters.
async fn stop_at(most: Option<u64>, running: &Running, watch: &dyn Watch) -> Infallible {
    let Some(most) = most else { return pending().await };
    loop {
        tokio::time::sleep(COUNT).await;
        let tally = running.tally();
        if tally.letters() + tally.bad_names >= most {
            watch.notice(Notice::TooManyDead(most));
            running.stop(Stop::Drain);
            return pending().await;
        }
    }
}

/// The counts of a run's end record.
fn counts(plan: &NodePlan, tally: &Tally) -> std::collections::BTreeMap<JobName, Counts> {
    let count = |job: &JobTally| {
        let JobTally { done, exists, skipped, dead, millis, .. } = *job;
        Counts { done, exists, skipped, dead, millis }
    };
    plan.jobs.iter().zip(&tally.jobs).map(|(job, tally)| (job.name.clone(), count(tally))).collect()
}
