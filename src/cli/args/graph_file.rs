//! The arguments that name a graph file, and its loading with the page of problems.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Once;

use crate::cli::Exit;
use crate::cli::page::Output;
use crate::telemetry;
use euterpe_actors::transform::Registry;
use euterpe_graph_file::{Plan, Problems, Surroundings, idle_variables};

/// A graph file on the command line.
#[derive(Clone, Debug, clap::Args)]
pub struct GraphFile {
    /// The graph file.
    #[arg(value_name = "GRAPH.yaml", value_hint = clap::ValueHint::FilePath)]
    pub graph: PathBuf,

    /// Put a store elsewhere: a folder, relative to where you are, or a URL. May be given several times.
    #[arg(long = "store", value_name = "NAME=URL", value_parser = store)]
    pub stores: Vec<(String, String)>,
}

fn store(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() => Ok((name.to_owned(), at_home(url))),
        _ => Err("write NAME=URL, such as music=~/Music".into()),
    }
}

/// Not every shell reads `~` behind an equals sign.
fn at_home(url: &str) -> String {
    match (url.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(below), Ok(home)) => format!("{}/{below}", home.trim_end_matches('/')),
        _ => url.to_owned(),
    }
}

impl GraphFile {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self, registry: &Registry) -> Result<Plan, Problems> {
        let env = |name: &str| std::env::var(name).ok();
        euterpe_graph_file::load(&self.graph, Surroundings { registry, env: &env, stores: &self.stores })
    }

    /// Reads and checks the file; where it is not valid, shows the page of problems and says how to end.
    ///
    /// # Errors
    /// The exit to take, where the file is not valid.
    pub fn load_or_show(&self, registry: &Registry, out: Output) -> anyhow::Result<Result<Plan, Exit>> {
        match self.load(registry) {
            Ok(plan) => {
                warn_of_idle_variables(&plan);
                Ok(Ok(plan))
            }
            Err(problems) => {
                show_problems(&problems, out)?;
                Ok(Err(Exit::GraphInvalid))
            }
        }
    }
}

/// Says once which variables would put a store elsewhere that the graph does not have.
fn warn_of_idle_variables(plan: &Plan) {
    static SAID: Once = Once::new();
    let is_set = |(_, value): &(OsString, OsString)| !value.to_string_lossy().trim().is_empty();
    let set = std::env::vars_os().filter(is_set).map(|(name, _)| name.to_string_lossy().into_owned());
    SAID.call_once(|| idle_variables(plan, set).iter().for_each(|sentence| tracing::warn!("{sentence}")));
}

/// Shows what is wrong with a graph file.
///
/// # Errors
/// Where standard output cannot be written.
pub fn show_problems(problems: &Problems, out: Output) -> anyhow::Result<()> {
    if out.json {
        out.fact(problems)?;
    } else {
        telemetry::say(&problems.to_string());
    }
    Ok(())
}
