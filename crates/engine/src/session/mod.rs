//! A graph opened for work, and a method for everything that can be done with it.

mod account;
mod arrivals;
mod copies;
mod cost;
mod explain;
mod export;
mod forecast;
mod gc;
mod given;
mod input_file;
mod inventory;
#[cfg(feature = "amqp")]
mod letter_counts;
mod letter_groups;
mod letter_page;
mod letters;
mod log_file;
#[cfg(feature = "amqp")]
mod logs;
mod made_since;
#[cfg(feature = "amqp")]
mod node;
mod other_file;
mod other_runs;
mod output_file;
mod prune;
#[cfg(feature = "amqp")]
mod publish;
mod recorded;
mod resume;
mod retry;
mod run;
mod runs;
mod sample;
mod select;
mod similar;
#[cfg(feature = "amqp")]
mod status;
mod story;
mod test;
mod verify;

use anyhow::Context;
use euterpe_actors::ids::RunId;
use euterpe_actors::memory::ListedDates;
use euterpe_actors::state::{RecipeHistories, Selection};
use euterpe_actors::storage::StorageErrorKind;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::Plan;

pub use account::{Account, Hashes, Standings};
pub use cost::{Cost, JobCost, Mean, Requests};
pub use export::ExportRequest;
pub use forecast::{Forecast, Group, Row};
pub use gc::{Garbage, GarbageKind};
pub use given::GivenStores;
pub use inventory::{Entry, Inventory, InventoryRequest, InventorySample, Item, ItemOutput, ItemState};
pub use letter_groups::{LetterGroup, LetterGroups};
pub use letters::{Letter, Which, by_target, times};
pub use log_file::RunLog;
#[cfg(feature = "amqp")]
pub use logs::LogView;
#[cfg(feature = "amqp")]
pub use node::NodeRequest;
pub use output_file::OutputFile;
pub use prune::{LeftAlone, PruneFound, PruneRequest, Pruned, WhyPruned};
#[cfg(feature = "amqp")]
pub use publish::{PublishRequest, Published};
pub use resume::Resumed;
pub use retry::Retried;
pub use run::{RunEnded, RunRequest};
pub use runs::{RunRecord, asked, is_inbox};
pub use select::{ForceNames, IdsFrom, RefreshNames};
#[cfg(feature = "amqp")]
pub use status::{JobStatus, Status, StatusView};
pub use story::{Decision, Story, StoryInput, StoryLetter, StoryOutput};
pub use test::run_case;
#[cfg(feature = "python")]
pub use test::{PythonTests, python_tests};
pub use verify::Finding;

use crate::mistake::find_job;
use crate::run::former::histories;
use crate::run::ids::Ids;
use crate::run::survey::{REMEMBERED, Survey, dated};
use crate::workspace::{Opening, Workspace};

/// Opens graphs.
#[derive(Clone, Copy, Debug)]
pub struct Engine;

impl Engine {
    /// Opens the graph that `plan` describes, with the transforms of `registry`.
    ///
    /// # Errors
    /// A store that is not there, a state that another process has, a transform that cannot be opened.
    pub fn open(plan: Plan, registry: &Registry, opening: &Opening) -> anyhow::Result<Session> {
        Ok(Session { workspace: Workspace::open(plan, registry, opening)? })
    }
}

/// A graph opened for work. Its methods are the verbs of the program.
pub struct Session {
    workspace: Workspace,
}

impl Session {
    /// What was opened: stores, state, jobs.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Lists what exists, as of `run`, with what tells which of it may be out of date, for a run over `ids`.
    async fn survey_for(&self, run: RunId, ids: &mut Ids, selection: &Selection) -> anyhow::Result<Survey> {
        let (recipes, _) = histories(&self.workspace).await?;
        dated(&self.workspace, run, ids, &recipes, selection.refresh.as_ref()).await
    }

    /// The same for a run that is about to begin: it notes the recipes of its jobs.
    async fn survey_noted(&self, run: RunId, ids: &mut Ids, selection: &Selection) -> anyhow::Result<Survey> {
        let recipes = self.note_recipes().await?;
        dated(&self.workspace, run, ids, &recipes, selection.refresh.as_ref()).await
    }

    /// Notes what the jobs do from now on.
    async fn note_recipes(&self) -> anyhow::Result<RecipeHistories> {
        let (recipes, is_new) = histories(&self.workspace).await?;
        if is_new {
            self.keep_recipes(&recipes).await?;
        }
        Ok(recipes)
    }

    async fn keep_recipes(&self, recipes: &RecipeHistories) -> anyhow::Result<()> {
        match self.workspace.state.keep_recipes(recipes).await {
            // It was named when it was passed over, and stops no run.
            Err(error) if error.kind == StorageErrorKind::Unreadable => Ok(()),
            kept => kept.context("could not note what the jobs do"),
        }
    }

    /// Keeps what was found to be good in spite of what came after it, so that the next run need not look at it again.
    async fn keep_confirmed(&self, dates: Option<&ListedDates>) {
        let Some(record) = dates.and_then(ListedDates::confirmed_record) else { return };
        if let Err(error) = self.workspace.state.keep_confirmed(record).await {
            tracing::warn!(
                "could not note which outputs are known to be good, and the next run looks at them again: {error}"
            );
        }
    }

    /// Declares good what jobs made before they were changed: from now on it counts as made by what they do today.
    ///
    /// # Errors
    /// [`Mistake`](crate::mistake::Mistake) for a job that the graph does not have; what keeps the records from being read or written.
    pub async fn accept(&self, jobs: &[String]) -> anyhow::Result<()> {
        let (mut recipes, _) = histories(&self.workspace).await?;
        for job in jobs {
            let at = find_job(&self.workspace.nodes, job)?;
            recipes.entry(self.workspace.nodes.job(at).name.clone()).or_default().accept();
        }
        match self.workspace.state.keep_recipes(&recipes).await {
            Err(error) if error.kind == StorageErrorKind::Unreadable => {
                let remedy = "put it back from a backup; or remove it by `euterpe gc GRAPH --unreadable`: then nobody knows any \
                              more which job was changed, and whatever is there counts as made by what its job does now";
                Err(error)
                    .context(format!("nothing was accepted; the record of what the jobs did cannot be read ({remedy})"))
            }
            kept => kept.context("could not note what is accepted"),
        }
    }
}
