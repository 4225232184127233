//! The dead letters that are meant, and which of them were made good since.

use std::collections::BTreeMap;

use euterpe_actors::freshness::Demand;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::Force;
use euterpe_actors::state::{DeadLetter, LetterFilter};
use euterpe_actors::storage::StorageErrorKind;

use super::Which;
use euterpe_engine::assembly::Opened;

/// A dead letter as it lies there.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Found {
    /// Its key in the state store.
    pub key: String,
    pub letter: DeadLetter,
    /// Whether its output is there by now, as fresh as it was wanted.
    pub made_good: bool,
}

impl Found {
    /// Whether it holds a message for a job of today's graph.
    pub fn can_retry(&self, opened: &Opened) -> bool {
        let message = self.letter.message.as_ref();
        message.is_some_and(|message| opened.nodes.find(message.target.job.as_str()).is_some())
    }
}

/// The letters of one job and entity, whatever the number of those who waited.
pub(in crate::cli) type Target = (JobName, String);

/// The dead letters that are meant, in the order of run, job and entity.
///
/// # Errors
/// A run, job or reason that is not there; the stores' own.
pub(super) async fn find(opened: &Opened, which: &Which) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for filter in which.filters(opened).await? {
        found.extend(of(opened, &filter).await?);
    }
    Ok(found)
}

/// The dead letters that a filter takes, in the order of run, job and entity.
///
/// # Errors
/// The stores' own.
pub(in crate::cli) async fn of(opened: &Opened, filter: &LetterFilter) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for (key, letter) in opened.state.letters(filter).await? {
        let made_good = is_made_good(opened, &letter).await?;
        found.push(Found { key, letter, made_good });
    }
    Ok(found)
}

/// Whether the output that a letter stands for is there, as fresh as its message wanted it.
///
/// # Errors
/// A store's own.
pub(super) async fn is_made_good(opened: &Opened, letter: &DeadLetter) -> anyhow::Result<bool> {
    let (Some(at), Ok(entity)) = (opened.nodes.find(letter.job.as_str()), EntityId::new(&letter.entity)) else {
        return Ok(false);
    };
    let job = opened.nodes.job(at);
    let Some(parts) = job.form.split(&entity) else { return Ok(false) };
    let key = job.outputs[0].key_of(&parts);
    let force = letter.message.as_ref().map_or(&Force::None, |message| &message.force);
    let run = letter.message.as_ref().map_or(RunId::NEVER, |message| message.run);
    match opened.stores.get(&key.store).look(&key.path).await {
        Ok(there) => Ok(there.is_some_and(|there| Demand::new(&opened.nodes, at, force, run).is_met_by(&there))),
        Err(error) if error.kind == StorageErrorKind::BadKey => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Letters by job and entity; the newest of each speaks for all.
pub(in crate::cli) fn by_target(found: &[Found]) -> BTreeMap<Target, &Found> {
    let mut targets: BTreeMap<Target, &Found> = BTreeMap::new();
    for one in found {
        let target = (one.letter.job.clone(), one.letter.entity.clone());
        let newest = targets.entry(target).or_insert(one);
        if one.letter.millis > newest.letter.millis {
            *newest = one;
        }
    }
    targets
}
