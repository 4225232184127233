//! What became of a run's entities, read from its chunks, some at a time.

use std::collections::VecDeque;

use euterpe_actors::accounting::{Accountant, RunView, TargetStatus};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Force;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{IdSum, Manifest, Selection, StateStore};
use euterpe_actors::storage::StorageError;

use super::survey::{Survey, dated_again, known};
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
    accountant: &'a Accountant,
    manifest: &'a Manifest,
    chunks: VecDeque<String>,
    /// The ids that were written, where that is known and still to be compared.
    written: Option<IdSum>,
    read: IdSum,
    entities: VecDeque<EntityId>,
}

/// The accountant of a run, told by a listing what is there where nothing is forced.
///
/// # Errors
/// What keeps the stores or the records from being read.
pub async fn accountant(workspace: &Workspace, manifest: &Manifest) -> anyhow::Result<Accountant> {
    let force = manifest.selection.force.clone();
    let known = match force {
        Force::All => None,
        Force::None | Force::Jobs(_) => Some(known(workspace, manifest.run).await?),
    };
    let standard = workspace.standard(manifest.selection.refresh.as_ref()).await?;
    Ok(Accountant::open(RunView { standard, ..workspace.view(manifest.run, force, known) }).await?)
}

/// The same for a run that may not be over: what is out of date, and was not made anew by it, is open.
///
/// # Errors
/// What keeps the stores or the records from being read.
pub async fn accountant_until_over(workspace: &Workspace, manifest: &Manifest) -> anyhow::Result<Accountant> {
    let end = workspace.state.run_end(manifest.run).await?;
    if end.is_some_and(|end| end.complete) {
        return accountant(workspace, manifest).await;
    }
    let Selection { force, refresh, .. } = &manifest.selection;
    let Survey { presence, dates } = dated_again(workspace, manifest.run, refresh.as_ref()).await?;
    let asked = (force.clone(), refresh.as_ref());
    let view = workspace.refreshing_view(manifest.run, asked, Some(presence)).await?;
    Ok(Accountant::open(RunView { dates, ..view }).await?)
}

impl<'a> Statuses<'a> {
    /// Of a run, as `accountant` finds them.
    ///
    /// # Errors
    /// What keeps the chunks from being listed.
    pub async fn open(
        workspace: &'a Workspace,
        accountant: &'a Accountant,
        manifest: &'a Manifest,
    ) -> Result<Self, StorageError> {
        let state = &workspace.state;
        let chunks = state.chunks(manifest.run).await?.into();
        let written = state.written_ids(manifest.run).await?;
        Ok(Self { state, accountant, manifest, chunks, written, read: IdSum::default(), entities: VecDeque::new() })
    }

    /// The next entities; none at the end. After an error the same ones may be asked for again.
    ///
    /// # Errors
    /// A store's own.
    pub async fn next(&mut self) -> Result<Option<Batch>, StorageError> {
        while self.entities.is_empty() {
            let Some(chunk) = self.chunks.front() else {
                return Ok(match self.written.take().filter(|written| *written != self.read) {
                    Some(written) => {
                        self.tell_of_other_ids(written);
                        Some(Batch::Unreadable)
                    }
                    None => None,
                });
            };
            let read = self.state.chunk(chunk).await.map(Some);
            let entities = self.state.pass_over(read, chunk)?;
            self.chunks.pop_front();
            match entities {
                Some(entities) => {
                    entities.iter().for_each(|id| self.read.add(id));
                    self.entities = entities.into();
                }
                None => {
                    self.written = None; // said once that not all can be read
                    return Ok(Some(Batch::Unreadable));
                }
            }
        }
        let some: Vec<EntityId> = self.entities.iter().take(TOGETHER).cloned().collect();
        let statuses = self.accountant.entities(&self.manifest.selection, &some).await?;
        self.entities.drain(..some.len());
        Ok(Some(Batch::Entities(some.into_iter().zip(statuses).collect())))
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
