//! What a run is asked to do, from the names of jobs and ids to their meaning.

use std::path::PathBuf;

use euterpe_actors::accounting::reached;
use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::message::Force;
use euterpe_actors::state::Selection;

use super::Session;
use crate::mistake::{Mistake, find_job};
use crate::run::addressing::{Addressed, Addresses};
use crate::run::ids::Ids;
use crate::run::listings::listings;

/// The jobs to redo although their outputs exist, by name.
#[derive(Clone, Debug, Default)]
pub enum ForceNames {
    /// None.
    #[default]
    None,
    /// Those that the run reaches; bottom-up the one that is asked for.
    Reached,
    /// Those on the way, all of them.
    All,
    /// These.
    Named(Vec<String>),
}

/// Where the ids of a run come from, as a caller names them.
#[derive(Clone, Debug, Default)]
pub enum IdsFrom {
    /// The names in the sources of the graph.
    #[default]
    Sources,
    /// These ids.
    Named(Vec<EntityId>),
    /// The lines of a file.
    File(PathBuf),
    /// The lines of standard input.
    Stdin,
}

impl Session {
    /// What a run is asked to do: start at `job` (or where the graph starts), bottom-up or down, pass on to `only`, redo
    /// what `force` names, or just travel the graph (`ping`).
    ///
    /// # Errors
    /// A job that does not exist.
    pub fn selection(
        &self,
        job: Option<&str>,
        bottom_up: bool,
        only: Option<&[String]>,
        force: &ForceNames,
        ping: bool,
    ) -> Result<Selection, Mistake> {
        let job = job.map(|name| self.job(name)).transpose()?;
        let only = only.map(|names| names.iter().map(|name| self.job(name)).collect::<Result<_, _>>()).transpose()?;
        let mut selection = Selection { job, bottom_up, only, force: Force::None, ping };
        selection.force = match force {
            ForceNames::None => Force::None,
            ForceNames::All => Force::All,
            ForceNames::Reached => Force::Jobs(reached(&self.workspace.nodes, &selection)),
            ForceNames::Named(names) => Force::Jobs(names.iter().map(|name| self.job(name)).collect::<Result<_, _>>()?),
        };
        Ok(selection)
    }

    /// The ids of a run of `selection`.
    ///
    /// # Errors
    /// Ids that no job takes, and a graph without a source whose names could be listed.
    pub fn ids(&self, selection: &Selection, from: IdsFrom) -> Result<Ids, Mistake> {
        let plan = &self.workspace.nodes;
        match from {
            IdsFrom::File(path) => Ok(Ids::File(path)),
            IdsFrom::Stdin => Ok(Ids::Stdin),
            IdsFrom::Named(entities) => {
                let addresses = Addresses::default();
                let addressed = |entity: EntityId| match addresses.of(plan, selection, &entity) {
                    Ok(to) => Ok(Addressed { entity, to }),
                    Err(why) => Err(Mistake(format!("`{entity}`: {why}"))),
                };
                Ok(Ids::These(entities.into_iter().map(addressed).collect::<Result<_, _>>()?))
            }
            IdsFrom::Sources => {
                let job = selection.job.as_ref().and_then(|job| plan.find(job.as_str()));
                let listings = listings(&self.workspace, job);
                if listings.is_empty() {
                    let text = "this graph has no source whose names could be listed; give ids as arguments, or with \
                                --ids FILE";
                    return Err(Mistake(text.into()));
                }
                Ok(Ids::Listed(listings))
            }
        }
    }

    /// The name of a job.
    ///
    /// # Errors
    /// A mistake that names the likeliest job, where there is none of that name.
    pub fn job(&self, name: &str) -> Result<JobName, Mistake> {
        let plan = &self.workspace.nodes;
        Ok(plan.job(find_job(plan, name)?).name.clone())
    }
}
