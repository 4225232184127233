//! Asks storage how entities of a run over a broker are, where reports do not tell. What storage knows makes room for further
//! entities as a report does: a window that is full of what ended unheard would stop the run.

use std::{cell::Cell, collections::BTreeSet, convert::Infallible, time::Duration};

use euterpe_actors::accounting::{Accountant, RunView, TargetStatus};
use euterpe_actors::ids::{EntityId, RunId};
use euterpe_actors::message::Target;
use euterpe_actors::outcome::Outcome;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{LetterFilter, StateStore};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::report::Note;
use super::retry_ends::RetryEnds;
use super::tracker::Tracker;

/// How long nothing may be reported before storage is asked; then ever longer.
const QUIET: Duration = Duration::from_secs(3);
/// The longest wait between two looks at storage.
const MOST_QUIET: Duration = Duration::from_secs(60);
/// How many entities are looked at together.
const LOOKS: usize = 2000;
/// How many targets are looked at at once: each look may take a bucket's time.
const AT_ONCE: usize = 32;
/// What part of the time is spent with looks while reports come: a twentieth.
const SELDOM: u32 = 20;
/// How often it is found out whether there is something to look at.
const TICK: Duration = Duration::from_millis(250);

/// How long a ping is waited for after its last sign.
pub const PING_QUIET: Duration = Duration::from_secs(2);

/// Looks when nothing was reported for a while, at all that is under way; and while reports come, at what may have ended
/// unheard. `last` is when the last report came, `window` how many entities may be under way.
pub async fn look_in_doubt(
    tracker: &Tracker,
    (last, window): (&Cell<Instant>, usize),
    sight: impl AsyncFn() -> anyhow::Result<RunView>,
    (state, retry): (&StateStore, &mut Option<RetryEnds>),
) -> Infallible {
    let (mut quiet, mut said) = (QUIET, false);
    let (mut looked, mut rest, mut heard) = (Instant::now(), QUIET, last.get());
    loop {
        tokio::time::sleep(TICK).await;
        if last.get() != heard {
            (heard, quiet, said) = (last.get(), QUIET, false);
        }
        let is_quiet = heard.max(looked).elapsed() >= quiet;
        let open = match is_quiet {
            true => tracker.oldest(LOOKS),
            false if looked.elapsed() >= rest => tracker.doubtful(LOOKS, window),
            false => Vec::new(),
        };
        if open.is_empty() && !is_quiet {
            continue;
        }
        let began = Instant::now();
        let found = async { look(tracker, open, sight().await?, (state, &mut *retry)).await };
        let found = found.await;
        (looked, rest) = (Instant::now(), QUIET.max(SELDOM * began.elapsed()));
        if is_quiet {
            quiet = (quiet * 2).min(MOST_QUIET);
        }
        match found {
            Ok(true) => quiet = QUIET,
            Ok(false) if is_quiet && tracker.live() > 0 && quiet >= MOST_QUIET / 4 && !said => {
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

/// Of a ping storage knows nothing: what was not heard of for a while is waited for no longer.
pub async fn forget_lost_pings(tracker: &Tracker, last: &Cell<Instant>) -> Infallible {
    let mut forgot = Instant::now();
    loop {
        tokio::time::sleep(TICK).await;
        if last.get().max(forgot).elapsed() >= PING_QUIET {
            tracker.forget_pings();
            forgot = Instant::now();
        }
    }
}

/// Asks storage how entities under way are; whether that ended any of their jobs.
async fn look(
    tracker: &Tracker,
    open: Vec<EntityId>,
    sight: RunView,
    (state, retry): (&StateStore, &mut Option<RetryEnds>),
) -> anyhow::Result<bool> {
    let failed_again = match retry {
        Some(retry) if tracker.live() > 0 => retry.tell(state, tracker).await?,
        _ => false,
    };
    if open.is_empty() {
        return Ok(failed_again);
    }
    let (plan, run) = (sight.plan.clone(), sight.run);
    let accountant = Accountant::open(sight).await?;
    let one = async |entity: &EntityId| {
        let mut statuses = Vec::new();
        for at in tracker.left_of(entity) {
            let target = Target { job: plan.job(at).name.clone(), entity: entity.clone() };
            statuses.push((at, accountant.status(&target).await?));
        }
        anyhow::Ok((entity.clone(), statuses))
    };
    let looks: Vec<_> = open.iter().map(one).collect();
    let found: Vec<(EntityId, Vec<(JobIx, TargetStatus)>)> =
        stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await?;
    // Before the run can be over by what was found.
    let dead = found.iter().flat_map(|(_, statuses)| statuses).filter_map(|(_, status)| match status {
        TargetStatus::Dead(target, _) if !tracker.knows_letter(target) => Some(target),
        _ => None,
    });
    tell_of_letters(tracker, state, run, &dead.collect()).await?;
    let mut moved = failed_again;
    for (entity, statuses) in &found {
        for (at, status) in statuses {
            moved |= tracker.found(entity, *at, status);
        }
    }
    Ok(moved)
}

/// Tells the tracker of the dead letters of these targets, as the reports would have that were not heard.
async fn tell_of_letters(
    tracker: &Tracker,
    state: &StateStore,
    run: RunId,
    dead: &BTreeSet<&Target>,
) -> anyhow::Result<()> {
    if dead.is_empty() {
        return Ok(());
    }
    let list = state.list_letters(&LetterFilter { run: Some(run.into()), ..LetterFilter::default() }).await?;
    for one in list.iter() {
        // Of a long id the key tells a part only.
        let entity = match one.entity() {
            Some(entity) => entity,
            None => state.letter(&one.key()).await?.map(|letter| letter.entity).unwrap_or_default(),
        };
        let Ok(entity) = EntityId::new(&entity) else { continue };
        let target = Target { job: one.job().clone(), entity };
        if !dead.contains(&target) || tracker.knows_letter(&target) {
            continue;
        }
        // What is not shown need not be read.
        let letter = if tracker.shows_letters() { state.letter(&one.key()).await? } else { None };
        let (text, attempt) = letter.map(|letter| (letter.text, letter.tries)).unwrap_or_default();
        let Target { job, entity } = target;
        let reason = Some(one.reason());
        tracker.ended(&Note { job, entity, outcome: Outcome::Dead, reason, text, attempt, millis: None });
    }
    Ok(())
}
