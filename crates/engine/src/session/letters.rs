//! Dead letters: which ones are meant, and which of them were made good since.

use std::collections::BTreeMap;

use euterpe_actors::freshness::Demand;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::Force;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{DeadLetter, LetterFilter, SkipRecord};
use euterpe_actors::storage::StorageErrorKind;

use super::Session;
use crate::clock::now;
use crate::workspace::Workspace;

/// Which dead letters are meant, as a caller names them; all where nothing is named.
#[derive(Clone, Debug, Default)]
pub struct Which {
    /// Of these entities.
    pub entities: Vec<String>,
    /// Of this run, as [`Session::find_origin`] reads it.
    pub run: Option<String>,
    /// Of this job.
    pub job: Option<String>,
    /// Of this reason.
    pub reason: Option<Reason>,
}

/// A dead letter as it lies there.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Its key in the state store.
    pub key: String,
    /// What it says.
    pub letter: DeadLetter,
    /// Whether its output is there by now, as fresh as it was wanted.
    pub made_good: bool,
}

impl Letter {
    /// Whether it holds a message for a job of today's graph.
    pub fn can_retry(&self, workspace: &Workspace) -> bool {
        let message = self.letter.message.as_ref();
        message.is_some_and(|message| workspace.nodes.find(message.target.job.as_str()).is_some())
    }
}

impl Session {
    /// The dead letters that are meant, in the order of run, job and entity.
    ///
    /// # Errors
    /// A run or job that is not there; the stores' own.
    pub async fn letters(&self, which: &Which) -> anyhow::Result<Vec<Letter>> {
        let mut letters = Vec::new();
        for filter in self.filters(which).await? {
            for (key, letter) in self.workspace.state.letters(&filter).await? {
                let made_good = self.is_made_good(&letter).await?;
                letters.push(Letter { key, letter, made_good });
            }
        }
        Ok(letters)
    }

    /// Gives up what a letter stands for: it counts as skipped from now on. Of a letter that was made good since, and of
    /// one that no entity has, nothing is kept.
    ///
    /// # Errors
    /// What keeps the records from being written.
    pub async fn give_up(&self, found: &Letter) -> anyhow::Result<()> {
        let (state, nodes) = (&self.workspace.state, &self.workspace.nodes);
        let letter = &found.letter;
        let at = nodes.find(letter.job.as_str());
        // The skip record first: dying between the two leaves both, and nothing unaccounted for.
        if let (Some(at), Ok(entity), Some(_), false) =
            (at, EntityId::new(&letter.entity), &letter.message, found.made_good)
        {
            let skip = SkipRecord {
                run: letter.run.unwrap_or(RunId::NEVER),
                job: letter.job.clone(),
                entity,
                reason: Reason::Dropped,
                text: format!("given up after {}: {}", letter.reason, letter.text),
                settings: nodes.job(at).settings,
                millis: now(),
            };
            state.keep_skip(&skip).await?;
        }
        state.remove(&found.key).await?;
        Ok(())
    }

    /// One filter for each entity, or one for all.
    async fn filters(&self, which: &Which) -> anyhow::Result<Vec<LetterFilter>> {
        let run = match &which.run {
            Some(text) => Some(self.find_origin(text).await?),
            None => None,
        };
        let job = which.job.as_deref().map(|name| self.job(name)).transpose()?;
        let filter = LetterFilter { run, job, entity: None, reason: which.reason };
        if which.entities.is_empty() {
            return Ok(vec![filter]);
        }
        let of = |entity: &String| LetterFilter { entity: Some(entity.clone()), ..filter.clone() };
        Ok(which.entities.iter().map(of).collect())
    }

    /// Whether the output that a letter stands for is there, as fresh as its message wanted it.
    ///
    /// # Errors
    /// A store's own.
    pub(super) async fn is_made_good(&self, letter: &DeadLetter) -> anyhow::Result<bool> {
        let (Some(at), Ok(entity)) = (self.workspace.nodes.find(letter.job.as_str()), EntityId::new(&letter.entity))
        else {
            return Ok(false);
        };
        let job = self.workspace.nodes.job(at);
        let Some(parts) = job.form.split(&entity) else { return Ok(false) };
        let key = job.outputs[0].key_of(&parts);
        let force = letter.message.as_ref().map_or(&Force::None, |message| &message.force);
        let run = letter.message.as_ref().map_or(RunId::NEVER, |message| message.run);
        match self.workspace.stores.get(&key.store).look(&key.path).await {
            Ok(there) => {
                Ok(there.is_some_and(|there| Demand::new(&self.workspace.nodes, at, force, run).is_met_by(&there)))
            }
            Err(error) if error.kind == StorageErrorKind::BadKey => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// Letters by job and entity; the newest of each speaks for all.
pub fn by_target(found: &[Letter]) -> BTreeMap<(JobName, String), &Letter> {
    let mut targets: BTreeMap<(JobName, String), &Letter> = BTreeMap::new();
    for one in found {
        let target = (one.letter.job.clone(), one.letter.entity.clone());
        let newest = targets.entry(target).or_insert(one);
        if one.letter.millis > newest.letter.millis {
            *newest = one;
        }
    }
    targets
}
