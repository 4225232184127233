//! Which entities and jobs are meant, and what of this machine is used: as typed, and what it means for a graph.

use std::path::PathBuf;

use euterpe_actors::ids::EntityId;
use euterpe_actors::state::Selection;
use euterpe_engine::{Access, ForceNames, Ids, IdsFrom, Mistake, Opening, Session};
use euterpe_graph_file::plan::Location;

use super::CacheArgs;

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

impl Machine {
    /// How to open a graph for these flags.
    pub fn opening(&self, access: Access) -> Opening {
        let (workers, state) = (self.jobs.map(usize::from), self.state.clone());
        Opening { workers, state, access, cache: self.cache.bytes, ..Opening::default() }
    }
}

impl Select {
    /// What is asked for, by the graph's jobs and ids.
    ///
    /// # Errors
    /// Jobs and ids that do not exist or fit, and a graph without a source whose names could be listed.
    pub fn resolve(&self, session: &Session) -> Result<(Selection, Ids), Mistake> {
        let only = self.only.as_deref();
        let selection = session.selection(self.job.as_deref(), self.bottom_up, only, &self.forced(), self.ping)?;
        let ids = session.ids(&selection, self.ids_from()?)?;
        Ok((selection, ids))
    }

    fn forced(&self) -> ForceNames {
        match self.force.as_deref() {
            None | Some([]) => ForceNames::None,
            Some([all]) if all == "all" => ForceNames::All,
            Some([bare]) if bare.is_empty() => ForceNames::Reached,
            Some(names) => ForceNames::Named(names.to_vec()),
        }
    }

    fn ids_from(&self) -> Result<IdsFrom, Mistake> {
        match &self.ids {
            Some(path) if path.as_os_str() == "-" => Ok(IdsFrom::Stdin),
            Some(path) => Ok(IdsFrom::File(path.clone())),
            None if self.entities.is_empty() => Ok(IdsFrom::Sources),
            None => {
                let parse = |text: &String| {
                    EntityId::new(text).map_err(|bad| Mistake(format!("`{}`: {bad}", text.escape_debug())))
                };
                Ok(IdsFrom::Named(self.entities.iter().map(parse).collect::<Result<_, _>>()?))
            }
        }
    }
}
