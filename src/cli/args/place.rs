//! The arguments of verbs about a graph's runs, and how they open it: for looking, or as the only one who writes.

use std::cell::OnceCell;
use std::future::Future;

use super::GraphFile;
use crate::cli::Exit;
use crate::cli::page::{Output, words::for_shell};
use crate::telemetry;
use anyhow::anyhow;
use euterpe_actors::blocking_threads;
use euterpe_actors::node_trouble::remedy;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Engine, Opening, Session};
use euterpe_graph_file::plan::Location;

/// A graph and what is known of its runs.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// The graph.
    #[command(flatten)]
    pub graph: GraphFile,

    /// Where manifests and dead letters of graphs lie, by name: a folder or `s3://bucket/prefix`; by default `.euterpe`
    /// beside the graph file.
    #[arg(long, value_name = "PLACE", env = "EUTERPE_STATE", value_parser = Location::parse)]
    pub state: Option<Location>,

    /// The stores of the run that is meant, where this command does not give them.
    #[arg(skip)]
    pub remembered: OnceCell<Vec<(String, String)>>,
}

impl Place {
    /// Opens the graph for looking: nothing is made, nothing is locked.
    ///
    /// # Errors
    /// A store that is not there, a transform that cannot be opened.
    pub fn look(&self, registry: &Registry, out: Output) -> anyhow::Result<Result<Session, Exit>> {
        self.open(registry, out, Opening::default())
    }

    /// Opens the graph as `opening` says, its state aside.
    ///
    /// # Errors
    /// As [`Place::look`], and where another process has the state.
    pub fn open(&self, registry: &Registry, out: Output, opening: Opening) -> anyhow::Result<Result<Session, Exit>> {
        match self.graph.load_or_show(registry, out)? {
            Ok(plan) => Ok(Ok(Engine::open(plan, registry, &self.opening(opening))?)),
            Err(exit) => Ok(Err(exit)),
        }
    }

    /// Opens the graph with the stores of a run, or of the newest one where none is named: those that it was given by --store
    /// or a variable hold here too, unless this command gives others in either way.
    ///
    /// # Errors
    /// As [`Place::open`], and a state that cannot be read.
    pub fn open_as_in(
        &self,
        run: Option<&str>,
        registry: &Registry,
        out: Output,
        opening: Opening,
    ) -> anyhow::Result<Result<Session, Exit>> {
        let plan = match self.graph.load_or_show(registry, out)? {
            Ok(plan) => plan,
            Err(exit) => return Ok(Err(exit)),
        };
        let opening = self.opening(opening);
        let Some((run, given)) = wait_for(Engine::given_stores(&plan, &opening, run))? else {
            return Ok(Ok(Engine::open(plan, registry, &opening)?));
        };
        // What this command gives, by a flag or a variable, goes before what the run was given.
        let is_open = |name: &str| plan.stores.iter().any(|store| store.name.as_str() == name && !store.is_given());
        let stores: Vec<(String, String)> = given.into_iter().filter(|(name, _)| is_open(name)).collect();
        if stores.is_empty() {
            return Ok(Ok(Engine::open(plan, registry, &opening)?));
        }
        telemetry::say(&format!("as run {run}:{}", flags(&stores)));
        let all = self.graph.stores.iter().chain(&stores).cloned().collect();
        let graph = GraphFile { stores: all, ..self.graph.clone() };
        self.remembered.get_or_init(|| stores);
        match graph.load_or_show(registry, out)? {
            Ok(plan) => Ok(Ok(Engine::open(plan, registry, &opening)?)),
            Err(exit) => Ok(Err(exit)),
        }
    }

    fn opening(&self, opening: Opening) -> Opening {
        Opening { state: self.state.clone(), ..opening }
    }

    /// The graph file with the stores of the run that is meant.
    #[cfg(feature = "ui")]
    pub fn as_opened(&self) -> GraphFile {
        let remembered = self.remembered.get().map_or(&[][..], Vec::as_slice);
        let stores = self.graph.stores.iter().chain(remembered).cloned().collect();
        GraphFile { stores, ..self.graph.clone() }
    }

    /// The same as the words of a further command, with the state's place where it was given.
    #[cfg(feature = "ui")]
    pub fn words(&self) -> Vec<String> {
        let GraphFile { graph, stores } = self.as_opened();
        let mut words = vec![graph.display().to_string()];
        words.extend(stores.into_iter().flat_map(|(name, url)| ["--store".to_owned(), format!("{name}={url}")]));
        words.extend(self.state.iter().flat_map(|state| ["--state".to_owned(), state.text()]));
        words
    }

    /// The graph file and, where it was given, the state's place, as they are typed in a further command.
    pub fn typed(&self) -> String {
        let mut text = for_shell(&self.graph.graph.display().to_string());
        text += &flags(&self.graph.stores);
        text += &flags(self.remembered.get().map_or(&[], Vec::as_slice));
        if let Some(state) = &self.state {
            text += &format!(" --state {}", for_shell(&state.text()));
        }
        text
    }
}

/// Stores as flags.
fn flags(stores: &[(String, String)]) -> String {
    stores.iter().map(|(name, url)| format!(" --store {}", for_shell(&format!("{name}={url}")))).collect()
}

/// Does what waits for stores and actors.
///
/// # Errors
/// Where this process may start no thread; else those of `what`.
pub fn wait_for<T, E>(what: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
where
    anyhow::Error: From<E>,
{
    let runtime = blocking_threads::runtime().map_err(|error| match remedy(&error) {
        Some(remedy) => anyhow!("{error}; {remedy}"),
        None => anyhow!("no threads to work on: {error}"),
    })?;
    Ok(actix::System::with_tokio_rt(|| runtime).block_on(what)?)
}
