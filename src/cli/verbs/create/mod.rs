//! `create`: a graph with a Python transform and its test, to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cli::Exit;
use crate::cli::page::{Output, words::for_shell};

/// The files, by their paths in the new folder.
const FILES: [(&str, &str); 5] = [
    ("README.md", include_str!("README.md")),
    ("graph.yaml", include_str!("graph.yaml")),
    ("transforms/mood.py", include_str!("transforms/mood.py")),
    ("transforms/test_mood.py", include_str!("transforms/test_mood.py")),
    (".gitignore", include_str!(".gitignore")),
];

/// Make a folder with a graph, a Python transform and its test, that works as it is.
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
            let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
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
