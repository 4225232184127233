//! What is typed after `run`, and what it means for a graph.

use std::path::PathBuf;

use euterpe_actors::accounting::{origins, reached};
use euterpe_actors::ids::EntityId;
use euterpe_actors::message::Force;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::Selection;

use crate::cli::GraphFile;
use crate::cli::broker::BrokerArgs;
use crate::cli::cache::CacheArgs;
use euterpe_engine::assembly::Opened;
use euterpe_engine::run::{Ids, feed::why_not};
use euterpe_graph_file::plan::Location;

/// Run a graph: make every output that is missing, once, and account for every entity.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphFile,
    /// The entities and jobs.
    #[command(flatten)]
    pub select: Select,
    /// The machine.
    #[command(flatten)]
    pub machine: Machine,

    /// The broker.
    #[command(flatten)]
    pub broker: BrokerArgs,

    /// Stop when so many entities have become dead letters.
    #[arg(long, value_name = "N")]
    pub max_dead: Option<u64>,

    /// Only say what would be done, like `plan`.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// Which entities and jobs are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Select {
    /// Ids of entities; without any, and without --ids, the names in the graph's source store.
    #[arg(value_name = "ID")]
    pub entities: Vec<String>,

    /// Read ids from a file, one a line; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "entities")]
    pub ids: Option<PathBuf>,

    /// Start at this job instead of the jobs that start the graph.
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,

    /// Make that job's output, and first whatever it needs; run nothing else.
    #[arg(long, requires = "job")]
    pub bottom_up: bool,

    /// Pass entities on to these jobs only.
    #[arg(long, value_name = "JOB,…", value_delimiter = ',')]
    pub only: Option<Vec<String>>,

    /// Redo jobs although their outputs exist: those that the run reaches, or the ones named, or `all` on the way.
    #[arg(long, value_name = "JOB,…", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "")]
    pub force: Option<Vec<String>>,

    /// Travel the graph without doing work, to see the way.
    #[arg(long, conflicts_with_all = ["bottom_up", "force"])]
    pub ping: bool,

    /// At most so many entities that are not finished yet.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
}

/// What of this machine is used.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Machine {
    /// Workers over all pools; by default as many as the machine has cores.
    #[arg(short = 'j', long = "jobs", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,

    /// Where manifests and dead letters of graphs lie, by name: a folder or `s3://bucket/prefix`; by default `.euterpe`
    /// beside the graph file.
    #[arg(long, value_name = "PLACE", value_parser = Location::parse)]
    pub state: Option<Location>,

    /// What of its disk is used for objects of buckets.
    #[command(flatten)]
    pub cache: CacheArgs,
}

/// A mistake in what was typed, with its remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Mistake(pub String);

impl Select {
    /// What the run is asked to do.
    ///
    /// # Errors
    /// A job that does not exist.
    pub fn selection(&self, plan: &NodePlan) -> Result<Selection, Mistake> {
        let job = self.job.as_deref().map(|name| find(plan, name)).transpose()?.map(|at| plan.job(at).name.clone());
        let only = match &self.only {
            None => None,
            Some(names) => Some(
                names
                    .iter()
                    .map(|name| Ok(plan.job(find(plan, name)?).name.clone()))
                    .collect::<Result<Vec<_>, Mistake>>()?,
            ),
        };
        let mut selection = Selection { job, bottom_up: self.bottom_up, only, force: Force::None, ping: self.ping };
        selection.force = self.forced(plan, &selection)?;
        Ok(selection)
    }

    fn forced(&self, plan: &NodePlan, selection: &Selection) -> Result<Force, Mistake> {
        let Some(names) = &self.force else { return Ok(Force::None) };
        match names.as_slice() {
            [] => Ok(Force::None),
            [all] if all == "all" => Ok(Force::All),
            [bare] if bare.is_empty() => Ok(Force::Jobs(reached(plan, selection))),
            names => {
                let named = names.iter().map(|name| Ok(plan.job(find(plan, name)?).name.clone()));
                Ok(Force::Jobs(named.collect::<Result<_, Mistake>>()?))
            }
        }
    }

    /// Where the ids come from.
    ///
    /// # Errors
    /// Ids that no job takes, and a graph without a source whose names could be listed.
    pub fn source(&self, opened: &Opened, selection: &Selection) -> Result<Ids, Mistake> {
        match &self.ids {
            Some(path) if path.as_os_str() == "-" => return Ok(Ids::Stdin),
            Some(path) => return Ok(Ids::File(path.clone())),
            None => {}
        }
        if !self.entities.is_empty() {
            for text in &self.entities {
                let plan = &opened.nodes;
                let entity = EntityId::new(text).map_err(|bad| Mistake(format!("`{}`: {bad}", text.escape_debug())))?;
                if let Some(why) = why_not(plan, &origins(plan, selection, &entity), &entity) {
                    return Err(Mistake(format!("`{entity}`: {why}")));
                }
            }
            return Ok(Ids::These(self.entities.clone()));
        }
        let job = selection.job.as_ref().and_then(|job| opened.nodes.find(job.as_str()));
        let listings = opened.listings(job);
        if listings.is_empty() {
            let text =
                "this graph has no source whose names could be listed; give ids as arguments, or with --ids FILE";
            return Err(Mistake(text.into()));
        }
        Ok(Ids::Listed(listings))
    }
}

/// The job of a name, or a mistake that names the likeliest one.
///
/// # Errors
/// Where there is none.
pub fn find(plan: &NodePlan, name: &str) -> Result<JobIx, Mistake> {
    if let Some(at) = plan.find(name) {
        return Ok(at);
    }
    let names: Vec<&str> = plan.jobs.iter().map(|job| job.name.as_str()).collect();
    let near = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= 2 => format!("did you mean `{known}`?"),
        _ => format!("the jobs are {}", names.join(", ")),
    };
    Err(Mistake(format!("no job named `{name}`; {hint}")))
}
