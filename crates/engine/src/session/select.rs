//! What a run is asked to do, from the names of jobs and ids to their meaning.

use std::path::PathBuf;

use euterpe_actors::accounting::{forced, overflows};
use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::message::Force;
use euterpe_actors::refresh::Refresh;
use euterpe_actors::state::Selection;

use super::Session;
use crate::mistake::{Mistake, find_job};
use crate::run::addressing::{Addressed, Addresses};
use crate::run::found::written;
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

/// The jobs whose outputs are made anew that they made before they were changed, by name.
#[derive(Clone, Debug, Default)]
pub enum RefreshNames {
    /// What the graph file says.
    #[default]
    GraphFile,
    /// All.
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
    /// The ids of these names, as people and file systems write them.
    Written(Vec<String>),
    /// The lines of a file; with `true` those that start with `#` too.
    File(PathBuf, bool),
    /// The lines of standard input, likewise.
    Stdin(bool),
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
        let refresh = Some(self.workspace.nodes.refresh().clone());
        let mut selection = Selection { job, bottom_up, only, force: Force::None, ping, refresh };
        selection.force = match force {
            ForceNames::None => Force::None,
            ForceNames::All => Force::All,
            ForceNames::Reached => forced(&self.workspace.nodes, &selection),
            ForceNames::Named(names) => Force::Jobs(names.iter().map(|name| self.job(name)).collect::<Result<_, _>>()?),
        };
        if let Force::Jobs(jobs) = &selection.force
            && overflows(&self.workspace.nodes, jobs)
        {
            let jobs = jobs.len();
            return Err(Mistake(format!(
                "--force names {jobs} jobs, more than a message can carry; use --force=all, or name fewer with --force=JOB,…"
            )));
        }
        Ok(selection)
    }

    /// What a run makes anew although it is there; `exact` has it look at each output.
    ///
    /// # Errors
    /// A job that does not exist; more jobs than a message can carry.
    pub fn refresh(&self, names: &RefreshNames, exact: bool) -> Result<Refresh, Mistake> {
        let nodes = &self.workspace.nodes;
        let recipes = match names {
            RefreshNames::GraphFile if exact && nodes.refresh().is_never() => {
                let text = "the graph file says `refresh: never`, so there is nothing to look for; leave out --exact, or use --refresh \
                            to look for what changed in this run";
                return Err(Mistake(text.into()));
            }
            RefreshNames::GraphFile => return Ok(Refresh { exact, ..nodes.refresh().clone() }),
            RefreshNames::All => Force::All,
            RefreshNames::Named(names) => {
                let jobs: Vec<JobName> = names.iter().map(|name| self.job(name)).collect::<Result<_, _>>()?;
                if overflows(nodes, &jobs) {
                    let text = "--refresh names more jobs than a message can carry; use --refresh for all";
                    return Err(Mistake(text.into()));
                }
                Force::Jobs(jobs)
            }
        };
        Ok(Refresh { inputs: true, recipes, exact })
    }

    /// The ids of a run of `selection`.
    ///
    /// # Errors
    /// Ids that no job takes, and a graph without a source whose names could be listed.
    pub fn ids(&self, selection: &Selection, from: IdsFrom) -> Result<Ids, Mistake> {
        match from {
            IdsFrom::File(path, hashes) => Ok(Ids::File(path, hashes)),
            IdsFrom::Stdin(hashes) => Ok(Ids::Stdin(hashes)),
            IdsFrom::Named(entities) => self.these(selection, entities.into_iter().map(|entity| (entity, None))),
            IdsFrom::Written(names) => {
                let mut entities = Vec::with_capacity(names.len());
                for name in &names {
                    let entity = EntityId::of_name(name);
                    let entity = entity.map_err(|bad| Mistake(format!("`{}`: {bad}", name.escape_debug())))?;
                    let written = written(&entity, name);
                    entities.push((entity, written));
                }
                self.these(selection, entities)
            }
            IdsFrom::Sources => {
                let listings = listings(&self.workspace, selection);
                if listings.is_empty() {
                    let text = "this graph has no source whose names could be listed; give ids as arguments, or with \
                                --ids FILE";
                    return Err(Mistake(text.into()));
                }
                Ok(Ids::Listed(listings))
            }
        }
    }

    /// Entities with their addresses.
    fn these(
        &self,
        selection: &Selection,
        entities: impl IntoIterator<Item = (EntityId, Option<String>)>,
    ) -> Result<Ids, Mistake> {
        let addresses = Addresses::default();
        let addressed = |(entity, written): (EntityId, Option<String>)| match addresses.of(
            &self.workspace.nodes,
            selection,
            &entity,
        ) {
            Ok(to) => Ok(Addressed { entity, to, written }),
            Err(why) => Err(Mistake(format!("`{entity}`: {why}"))),
        };
        Ok(Ids::These(entities.into_iter().map(addressed).collect::<Result<_, _>>()?))
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
