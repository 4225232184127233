//! `create`: a graph with a Python transform and its test, to begin with, and a compose file for a cluster that serves it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cli::Exit;
use crate::cli::page::{Output, words::for_shell};

/// The files, by their paths in the new folder.
const FILES: [(&str, &str); 11] = [
    (COMPOSE, include_str!("../../../../docker-compose.yml")),
    ("README.md", include_str!("README.md")),
    ("graph.yaml", include_str!("graph.yaml")),
    ("transforms/mood.py", include_str!("transforms/mood.py")),
    ("transforms/test_mood.py", include_str!("transforms/test_mood.py")),
    (".gitignore", include_str!(".gitignore")),
    ("observability/alerts.yaml", include_str!("../../../../config/observability/alerts.yaml")),
    ("observability/cluster.yaml", include_str!("../../../../config/observability/cluster.yaml")),
    ("observability/dashboard.json", include_str!("../../../../config/observability/dashboard.json")),
    (
        "observability/grafana/dashboards/euterpe.yaml",
        include_str!("../../../../config/observability/grafana/dashboards/euterpe.yaml"),
    ),
    (
        "observability/grafana/datasources/prometheus.yaml",
        include_str!("../../../../config/observability/grafana/datasources/prometheus.yaml"),
    ),
];

/// The compose file, which is that of the sources but for its defaults.
const COMPOSE: &str = "docker-compose.yml";
/// Those defaults: in the sources, and in the new folder.
const DEFAULTS: [(&str, &str); 6] = [
    ("-./config/observability}", "-./observability}"),
    ("-./config}", "-.}"),
    ("/graph/quickstart.yaml", "/graph/graph.yaml"),
    ("EUTERPE_IMAGE:-euterpe}", "EUTERPE_IMAGE:-euterpe-python}"),
    ("EUTERPE_TARGET:-runtime}", "EUTERPE_TARGET:-runtime-python}"),
    ("docs/cluster.md tells more.", "README.md tells more."),
];

/// Make a folder with a graph, a Python transform and its test, and a compose file, that works as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder; made if it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Only say which files would be written.
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Writes the files, unless one of them is there already.
///
/// # Errors
/// A file that is there, or one that cannot be written.
pub fn run(args: &Args, out: Output) -> anyhow::Result<Exit> {
    let paths: Vec<PathBuf> = FILES.iter().map(|(name, _)| args.folder.join(name)).collect();
    let there: Vec<String> = paths.iter().filter(|path| path.exists()).map(|path| path.display().to_string()).collect();
    if !there.is_empty() {
        bail!(
            "{} there already; nothing was written. Name another folder",
            match there.as_slice() {
                [one] => format!("{one} is"),
                several => format!("{} are", several.join(", ")),
            }
        );
    }
    for (path, (_, text)) in paths.iter().zip(FILES) {
        if !args.dry_run {
            let folder = path.parent().unwrap_or(Path::new("."));
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, content(path, text)));
            written.with_context(|| format!("could not write {}", path.display()))?;
        }
        match out.json {
            true => out.fact(&serde_json::json!({"file": path, "written": !args.dry_run}))?,
            false => out.text(&path.display().to_string())?,
        }
    }
    if !args.dry_run && !out.json {
        let folder = for_shell(&args.folder.display().to_string());
        out.text(&format!("next: cd {folder} && euterpe test graph.yaml && euterpe run graph.yaml t-1 t-2 t-3"))?;
    }
    Ok(Exit::Ok)
}

/// What a file begins with.
fn content(path: &Path, text: &str) -> String {
    let defaults = if path.ends_with(COMPOSE) { DEFAULTS.as_slice() } else { &[] };
    defaults.iter().fold(text.to_owned(), |text, (ours, theirs)| text.replace(ours, theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compose_file_serves_the_graph_of_the_new_folder() {
        let (name, ours) = FILES.into_iter().find(|(name, _)| *name == COMPOSE).expect("it is written");
        let theirs = content(Path::new(name), ours);
        for (ours_has, theirs_has) in DEFAULTS {
            assert!(ours.contains(ours_has) && !theirs.contains(ours_has), "{ours_has}");
            assert!(theirs.contains(theirs_has), "{theirs_has}");
        }
    }
}
