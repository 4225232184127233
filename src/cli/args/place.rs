//! The arguments of verbs about a graph's runs, and how they open it: for looking, or as the only one who writes.

use std::future::Future;

use super::GraphFile;
use crate::cli::Exit;
use crate::cli::page::{Output, words::for_shell};
use euterpe_actors::transform::Registry;
use euterpe_engine::{Access, Engine, Opening, Session};
use euterpe_graph_file::plan::Location;

/// A graph and what is known of its runs.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphFile,

    /// Where manifests and dead letters of graphs lie, by name: a folder or `s3://bucket/prefix`; by default `.euterpe`
    /// beside the graph file.
    #[arg(long, value_name = "PLACE", value_parser = Location::parse)]
    pub state: Option<Location>,
}

impl Place {
    /// Opens the graph for looking: nothing is made, nothing is locked.
    ///
    /// # Errors
    /// A store that is not there, a transform that cannot be opened.
    pub fn look(&self, registry: &Registry, out: Output) -> anyhow::Result<Result<Session, Exit>> {
        self.open(registry, out, None, Access::Look, 0)
    }

    /// Opens the graph for what `access` says, with so many workers and a cache of so many bytes.
    ///
    /// # Errors
    /// As [`Place::look`], and where another process has the state.
    pub fn open(
        &self,
        registry: &Registry,
        out: Output,
        workers: Option<u16>,
        access: Access,
        cache: u64,
    ) -> anyhow::Result<Result<Session, Exit>> {
        let opening = Opening {
            workers: workers.map(usize::from),
            state: self.state.clone(),
            access,
            cache,
            ..Opening::default()
        };
        match self.graph.load_or_show(registry, out)? {
            Ok(plan) => Ok(Ok(Engine::open(plan, registry, &opening)?)),
            Err(exit) => Ok(Err(exit)),
        }
    }

    /// The graph file and, where it was given, the state's place, as they are typed in a further command.
    pub fn typed(&self) -> String {
        let mut text = for_shell(&self.graph.graph.display().to_string());
        for (name, url) in &self.graph.stores {
            text += &format!(" --store {}", for_shell(&format!("{name}={url}")));
        }
        if let Some(state) = &self.state {
            text += &format!(" --state {}", for_shell(&state.text()));
        }
        text
    }
}

/// Does what waits for stores and actors.
pub fn wait_for<T>(what: impl Future<Output = T>) -> T {
    actix::System::new().block_on(what)
}
