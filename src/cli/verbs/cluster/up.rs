//! `up`: brings up a local cluster whose nodes serve a graph file.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use euterpe_actors::transform::Registry;
use euterpe_engine::Mistake;
use euterpe_graph_file::{Plan, units};

use super::Which;
use super::compose::Compose;
use super::grace::{MARGIN, grace, seconds};
use super::image::missing_image;
use super::set::Set;
use crate::cli::Exit;
use crate::cli::args::GraphFile;
use crate::cli::page::{Output, words::for_shell};
use crate::telemetry;

/// The variables that say for how long a node finishes its work, and for how long Compose waits for that.
const GRACE: &str = "EUTERPE_GRACE";
const STOP_GRACE: &str = "EUTERPE_STOP_GRACE";

/// Bring up a local cluster with Docker Compose: RabbitMQ, an object store, and nodes that serve a graph file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The graph file; by default the one that the compose file names.
    #[arg(value_name = "GRAPH.yaml")]
    graph: Option<PathBuf>,
    #[command(flatten)]
    which: Which,

    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: u16,

    /// Also Prometheus and Grafana, which watch the nodes.
    #[arg(long)]
    observability: bool,

    /// The folder of the store `music`, if it is not below the folder of the graph file.
    #[arg(long, value_name = "DIR", requires = "graph")]
    music: Option<PathBuf>,
}

/// Brings it up.
///
/// # Errors
/// Where there is no Compose or no compose file, or a folder that is not there.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let mut compose = Compose::find(args.which.file.as_deref(), args.graph.as_deref())?;
    if args.observability {
        compose = compose.observed();
    }
    // Where no source can be listed, a run wants ids.
    let mut ids = "";
    if let Some(graph) = &args.graph {
        let file = GraphFile { graph: graph.clone(), stores: Vec::new() };
        let plan = match file.load_or_show(registry, out)? {
            Ok(plan) => plan,
            Err(exit) => return Ok(exit),
        };
        compose.variables = variables(&plan, graph, args.music.as_deref(), &compose.set)?;
        if plan.listable().is_empty() {
            ids = " ID...";
        }
    }
    let scale = format!("node={}", args.nodes);
    let ended = compose.call(&["up", "--detach", "--scale", &scale], args.which.dry_run, out)?;
    if ended == Exit::Failed
        && let Some(remedy) = missing_image(&compose.file, &compose.set)
    {
        telemetry::say(&remedy);
    }
    if ended == Exit::Ok && !args.which.dry_run {
        let environment = compose.typed(&["run", "--rm", "-T", "environment"]);
        let graph =
            args.graph.as_ref().map_or("GRAPH.yaml".to_owned(), |graph| for_shell(&graph.display().to_string()));
        telemetry::say(&format!(
            "it is up; for a run from this machine:\n  eval \"$({environment})\"\n  euterpe run {graph}{ids}"
        ));
        if args.observability {
            let port = |variable, usual| compose.set.get(variable).unwrap_or(usual).to_owned();
            telemetry::say(&format!(
                "the dashboard is at http://127.0.0.1:{}, Prometheus at http://127.0.0.1:{}",
                port("EUTERPE_GRAFANA_PORT", "3000"),
                port("EUTERPE_PROMETHEUS_PORT", "9090"),
            ));
        }
    }
    Ok(ended)
}

/// What the compose file is told for a graph file: absolute paths, which are the same in the containers. What was typed goes
/// before what the person has set; what is only worked out does not.
pub(super) fn variables(
    plan: &Plan,
    graph: &Path,
    music: Option<&Path>,
    set: &Set,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let name = graph.file_name().unwrap_or_default();
    let mut variables = vec![
        ("EUTERPE_FOLDER", plan.folder.display().to_string()),
        ("EUTERPE_GRAPH", plan.folder.join(name).display().to_string()),
    ];
    let longest = grace(&plan.jobs);
    let named = set.get(GRACE);
    if named.is_none() {
        variables.push((GRACE, format!("{}s", seconds(longest))));
    }
    if set.get(STOP_GRACE).is_none() {
        let longest = named.and_then(units::duration).unwrap_or(longest);
        variables.push((STOP_GRACE, format!("{}s", seconds(longest + MARGIN))));
    }
    if let Some(music) = music {
        let folder = music.canonicalize().with_context(|| format!("there is no folder {}", music.display()))?;
        if !folder.is_dir() {
            bail!(Mistake(format!("{} is no folder; --music names the folder of the store `music`", music.display())));
        }
        if folder != plan.folder {
            variables.push(("EUTERPE_MUSIC", folder.display().to_string()));
        }
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;

    #[test]
    fn a_node_has_as_long_as_the_longest_job_and_compose_a_little_longer() {
        let folder = tempfile::tempdir().expect("a folder");
        let graph = folder.path().join("g.yaml");
        let text = "version: 1\ngraph: g\nstores: {d: ./d}\ndefaults: {timeout: 10m}\njobs:\n  \
                    a: {use: synth.track, out: \"d:{id}.wav\"}\n";
        std::fs::write(&graph, text).expect("written");
        let app = App::new();
        let plan = GraphFile { graph: graph.clone(), stores: Vec::new() }.load(app.registry());
        let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let told = variables(&plan, &graph, Some(folder.path()), &Set::default()).expect("told");
        let of = |name: &str| told.iter().find(|(told, _)| *told == name).map(|(_, value)| value.as_str());
        assert_eq!((of("EUTERPE_GRACE"), of("EUTERPE_STOP_GRACE")), (Some("600s"), Some("610s")));
        assert!(of("EUTERPE_GRAPH").is_some_and(|path| path.starts_with('/') && path.ends_with("/g.yaml")), "{told:?}");
        assert_eq!(of("EUTERPE_MUSIC"), None, "the folder of the graph file is there already");
        let no_folder = variables(&plan, &graph, Some(&graph), &Set::default()).expect_err("a file").to_string();
        assert!(no_folder.contains("g.yaml is no folder; --music names the folder"), "{no_folder}");
        let set = Set::of("EUTERPE_GRACE=20m\nEUTERPE_GRAPH=/other.yaml\n", []);
        let told = variables(&plan, &graph, None, &set).expect("told");
        let of = |name: &str| told.iter().find(|(told, _)| *told == name).map(|(_, value)| value.as_str());
        assert_eq!((of("EUTERPE_GRACE"), of("EUTERPE_STOP_GRACE")), (None, Some("1210s")), "what is set in .env stays");
        assert!(of("EUTERPE_GRAPH").is_some_and(|path| path.ends_with("/g.yaml")), "what is typed goes before it");
        let set = Set::of("EUTERPE_STOP_GRACE=1h\n", []);
        let told = variables(&plan, &graph, None, &set).expect("told");
        assert!(!told.iter().any(|(name, _)| *name == STOP_GRACE), "{told:?}");
    }
}
