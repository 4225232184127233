//! What became of a run's entities, read from its chunks, some at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use euterpe_actors::accounting::{Accountant, RunView, TargetStatus};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Force;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{IdSum, Manifest, Selection, StateStore};
use euterpe_actors::storage::{StorageError, StorageErrorKind};

use super::found::Found;
use super::passed::Passed;
use super::survey::{Survey, dated_again, known};
use super::walk::{Parts, PutOff, Walk};
use crate::workspace::Workspace;

/// How many entities are looked at together.
const TOGETHER: usize = 256;

/// An entity with what became of each of its required jobs, parents first.
pub type EntityStatus = (EntityId, Vec<(JobIx, TargetStatus)>);

/// Some entities of a run.
pub enum Batch {
    /// Those of a part of a chunk.
    Entities(Vec<EntityStatus>),
    /// A chunk that cannot be read.
    Unreadable,
}

/// Reads the entities of a run.
pub struct Statuses<'a> {
    state: &'a StateStore,
    sight: &'a Sight,
    manifest: &'a Manifest,
    chunks: VecDeque<String>,
    /// The parts of the catalogue, when all chunks were read and put off.
    parts: Option<Parts>,
    /// The ids that were written, where that is known and still to be compared.
    written: Option<IdSum>,
    read: IdSum,
    entities: VecDeque<EntityId>,
}

/// Who says what became of targets, and in what order entities are to be asked about: what is there is known part by part.
pub struct Sight {
    accountant: Accountant,
    walk: Option<Arc<Walk>>,
}

/// The sight of a run, told by a listing what is there where nothing is forced.
///
/// # Errors
/// What keeps the stores or the records from being read.
pub async fn sight(workspace: &Workspace, manifest: &Manifest) -> anyhow::Result<Sight> {
    match manifest.selection.force {
        Force::All => sight_of(workspace, manifest, None).await,
        Force::None | Force::Jobs(_) => {
            let survey = known(workspace, manifest.run).await?;
            sight_of(workspace, manifest, Some(&survey)).await
        }
    }
}

/// The same where it is known what is there.
///
/// # Errors
/// What keeps the records from being read.
pub async fn sight_of(workspace: &Workspace, manifest: &Manifest, survey: Option<&Survey>) -> anyhow::Result<Sight> {
    let known = survey.map(|survey| survey.presence.clone());
    let standard = workspace.standard(manifest.selection.refresh.as_ref()).await?;
    let view = RunView { standard, ..workspace.view(manifest.run, manifest.selection.force.clone(), known) };
    Ok(Sight { accountant: Accountant::open(view).await?, walk: survey.map(|survey| survey.walk.clone()) })
}

/// The same for a run that may not be over: what is out of date, and was not made anew by it, is open.
///
/// # Errors
/// What keeps the stores or the records from being read.
pub async fn sight_until_over(workspace: &Workspace, manifest: &Manifest) -> anyhow::Result<Sight> {
    let end = workspace.state.run_end(manifest.run).await?;
    if end.is_some_and(|end| end.complete) {
        return sight(workspace, manifest).await;
    }
    let survey = dated_again(workspace, manifest.run, manifest.selection.refresh.as_ref()).await?;
    strict_sight_of(workspace, manifest, &survey).await
}

/// The same as a survey tells it that was made already.
///
/// # Errors
/// What keeps the records from being read.
pub async fn strict_sight_of(workspace: &Workspace, manifest: &Manifest, survey: &Survey) -> anyhow::Result<Sight> {
    let Selection { force, refresh, .. } = &manifest.selection;
    let known = (*force != Force::All).then(|| survey.presence.clone());
    let view = workspace.refreshing_view(manifest.run, (force.clone(), refresh.as_ref()), known).await?;
    let accountant = Accountant::open(RunView { dates: survey.dates.clone(), ..view }).await?;
    Ok(Sight { accountant, walk: Some(survey.walk.clone()) })
}

impl Sight {
    /// How many names of the run could not be run at all: they are in none of its chunks.
    pub fn bad_names(&self) -> u64 {
        self.accountant.bad_names()
    }
}

impl<'a> Statuses<'a> {
    /// Of a run, as `sight` finds them.
    ///
    /// # Errors
    /// What keeps the chunks from being listed.
    pub async fn open(
        workspace: &'a Workspace,
        sight: &'a Sight,
        manifest: &'a Manifest,
    ) -> Result<Self, StorageError> {
        let state = &workspace.state;
        let chunks = state.chunks(manifest.run).await?.into();
        let written = state.written_ids(manifest.run).await?;
        if let Some(walk) = &sight.walk {
            walk.begin_again().map_err(no_scratch)?;
        }
        let (parts, read, entities) = (None, IdSum::default(), VecDeque::new());
        Ok(Self { state, sight, manifest, chunks, parts, written, read, entities })
    }

    /// The next entities; none at the end. After an error the same ones may be asked for again.
    ///
    /// # Errors
    /// A store's own.
    pub async fn next(&mut self) -> Result<Option<Batch>, StorageError> {
        while self.entities.is_empty() {
            let Some(chunk) = self.chunks.front() else {
                if let Some(written) = self.written.take().filter(|written| *written != self.read) {
                    self.tell_of_other_ids(written);
                    return Ok(Some(Batch::Unreadable));
                }
                match self.of_next_part()? {
                    Some(entities) => self.entities = entities.into(),
                    None => return Ok(None),
                }
                break;
            };
            let read = self.state.chunk(chunk).await.map(Some);
            let entities = self.state.pass_over(read, chunk)?;
            let is_put_off = self.put_off(entities.as_deref().unwrap_or_default())?;
            self.chunks.pop_front();
            match entities {
                Some(entities) => {
                    entities.iter().for_each(|id| self.read.add(id));
                    if !is_put_off {
                        self.entities = entities.into();
                    }
                }
                None => {
                    self.written = None; // said once that not all can be read
                    return Ok(Some(Batch::Unreadable));
                }
            }
        }
        let some: Vec<EntityId> = self.entities.iter().take(TOGETHER).cloned().collect();
        let statuses = self.sight.accountant.entities(&self.manifest.selection, &some).await?;
        self.entities.drain(..some.len());
        Ok(Some(Batch::Entities(some.into_iter().zip(statuses).collect())))
    }

    /// Puts the entities of a chunk off until their part, where the catalogue does not fit into memory; whether it did.
    fn put_off(&self, entities: &[EntityId]) -> Result<bool, StorageError> {
        let Some(walk) = self.sight.walk.as_ref().filter(|walk| walk.goes_by_parts()) else { return Ok(false) };
        let put_off = |entity: &EntityId| PutOff { entity: entity.clone(), written: None, file: None };
        walk.put_off(entities.iter().map(put_off)).map_err(no_scratch)?;
        Ok(true)
    }

    /// Some entities of the next part; none at the end, and where the catalogue is in memory.
    fn of_next_part(&mut self) -> Result<Option<Vec<EntityId>>, StorageError> {
        let Some(walk) = self.sight.walk.as_ref().filter(|walk| walk.goes_by_parts()) else { return Ok(None) };
        let parts = self.parts.get_or_insert_with(|| Parts::of(walk));
        let found = parts.next(walk, &mut Passed::default()).map_err(no_scratch)?;
        let entity = |found| match found {
            Found::Id(entity, _) => Some(entity),
            _ => None, // only ids were put off
        };
        Ok(found.map(|found| found.into_iter().filter_map(entity).collect()))
    }

    fn tell_of_other_ids(&self, written: IdSum) {
        let run = self.manifest.run;
        tracing::warn!(
            "the ids in runs/{run}/entities of the state are not those that run {run} wrote there (it wrote {}, there are {}); \
             put them back from a backup, or give its ids to another run",
            written.count,
            self.read.count,
        );
    }
}

/// Scratch space that takes no more, or cannot be read.
fn no_scratch(error: anyhow::Error) -> StorageError {
    StorageError::new(StorageErrorKind::Machine, "go through the catalogue in", "scratch", format!("{error:#}"))
}
