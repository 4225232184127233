//! The inventory: each entity of a catalogue with the state of what jobs make of it, in bounded memory.
//!
//! What exists is listed once, as `plan` does it; what is to be told of an output beyond that is looked at, output by output.

mod item;
mod judge;
mod letters;
mod request;
mod sample;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use euterpe_actors::accounting::{Forecaster, RunView};
use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{Selection, is_dropped};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use super::select::{ForceNames, IdsFrom};
use crate::mistake::find_job;
use crate::run::addressing::Addresses;
use crate::run::found::Found;
use crate::run::stream::Next;
use crate::run::survey::Survey;
use crate::run::walk::WalkedIds;
pub use item::{Entry, Item, ItemOutput, ItemState};
use judge::Judge;
use letters::Letters;
pub use request::InventoryRequest;
pub use sample::InventorySample;

/// How many entities are looked at at once: each look may take a bucket's time.
const AT_ONCE: usize = 32;
/// How many entities are told at once.
const TOGETHER: usize = 256;
/// How long the reader of ids is waited for before it is asked again.
const WAIT: Duration = Duration::from_secs(60);

/// The entities of a catalogue, some at a time.
pub struct Inventory<'s> {
    judge: Judge<'s>,
    selection: Selection,
    prefix: String,
    stream: WalkedIds,
    addresses: Addresses,
    dropped: HashSet<String>,
    left: VecDeque<EntityId>,
    is_read: bool,
    /// Names that are no entities, but for those that were dropped.
    pub bad_names: u64,
}

impl Session {
    /// Lists the catalogue, or `ids`, with the state of what jobs make of each entity. Writes nothing.
    ///
    /// # Errors
    /// [`Mistake`](crate::Mistake) for a job that is not there and ids that cannot be; what keeps stores and records from being
    /// read.
    pub async fn inventory(&self, request: &InventoryRequest, ids: IdsFrom) -> anyhow::Result<Inventory<'_>> {
        let nodes = &self.workspace.nodes;
        let jobs = self.jobs_by_name(&request.jobs)?;
        let selection = self.selection(None, false, None, &ForceNames::None, false)?;
        let mut ids = self.ids(&selection, ids)?;
        let run = self.workspace.next_run().await?;
        let Survey { presence, dates, walk } = self.survey_for(run, &mut ids, &selection).await?;
        let asked = (selection.force.clone(), selection.refresh.as_ref());
        let view = self.workspace.refreshing_view(run, asked, Some(presence)).await?;
        let judge = Judge {
            session: self,
            forecaster: Forecaster::new(RunView { dates, ..view }),
            letters: Letters::of(self).await?,
            is_meant: nodes.job_indices().map(|at| jobs.contains(&at)).collect(),
            request: request.clone(),
        };
        Ok(Inventory {
            judge,
            selection,
            prefix: request.prefix.clone(),
            stream: ids.walked(Some(walk)),
            addresses: Addresses::default(),
            dropped: self.workspace.state.dropped_names().await?,
            left: VecDeque::new(),
            is_read: false,
            bad_names: 0,
        })
    }

    /// The jobs of these names, or all where there is none.
    pub(super) fn jobs_by_name(&self, names: &[String]) -> anyhow::Result<Vec<JobIx>> {
        let nodes = &self.workspace.nodes;
        match names.is_empty() {
            true => Ok(nodes.job_indices().collect()),
            false => Ok(names.iter().map(|name| find_job(nodes, name)).collect::<Result<_, _>>()?),
        }
    }
}

impl Inventory<'_> {
    /// The next entities of which there is something to tell; none at the end.
    ///
    /// # Errors
    /// What keeps ids, stores and records from being read.
    pub async fn next(&mut self) -> anyhow::Result<Option<Vec<Entry>>> {
        loop {
            while self.left.is_empty() && !self.is_read {
                self.read()?;
            }
            let some: Vec<EntityId> = self.left.drain(..TOGETHER.min(self.left.len())).collect();
            if some.is_empty() {
                return Ok(None);
            }
            let (judge, selection) = (&self.judge, &self.selection);
            let entry = |entity: EntityId| async move {
                let items = judge.items(selection, &entity).await?;
                anyhow::Ok(Entry { entity, items })
            };
            let looks: Vec<_> = some.into_iter().map(entry).collect();
            let mut entries: Vec<Entry> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
            entries.retain(|entry| !entry.items.is_empty());
            if !entries.is_empty() {
                return Ok(Some(entries));
            }
        }
    }

    /// Reads some ids.
    fn read(&mut self) -> anyhow::Result<()> {
        let batch = match self.stream.next(WAIT) {
            Next::Batch(batch) => batch,
            Next::Later => return Ok(()),
            Next::Failed(error) => return Err(error),
            Next::End(_) => {
                self.is_read = true;
                return Ok(());
            }
        };
        let workspace = &self.judge.session.workspace;
        for found in batch {
            let (entity, written) = match found {
                Found::Addressed(found) => (found.entity, found.written),
                Found::Id(entity, written) => (entity, written),
                Found::File(entity, _) => (entity, None),
                Found::Name(entity, written) => {
                    workspace.state.note_name(&entity, &written);
                    continue;
                }
                Found::Bad(bad) => {
                    self.bad_names += u64::from(!is_dropped(&bad.name, &self.dropped));
                    continue;
                }
                Found::Passed(..) => continue, // named only on request, which is that of `plan`
            };
            if self.addresses.of(&workspace.nodes, &self.selection, &entity).is_err() {
                self.bad_names += 1;
                continue;
            }
            if let Some(written) = written {
                workspace.state.note_name(&entity, &written);
            }
            if entity.as_str().starts_with(&self.prefix) {
                self.left.push_back(entity);
            }
        }
        Ok(())
    }
}
