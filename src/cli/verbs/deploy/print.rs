//! `deploy print`: writes the manifests.

use std::path::Path;

use anyhow::{Context, bail};
use euterpe_actors::transform::Registry;
use euterpe_engine::Mistake;

use super::args::Args;
use super::manifests::{self, Manifest};
use super::site::Site;
use super::{code, groups, places, variables, yaml};
use crate::cli::Exit;
use crate::cli::args::show_problems;
use crate::cli::page::Output;
use crate::telemetry;

/// Writes the manifests.
///
/// # Errors
/// What of the graph cannot work on several machines, with its remedy; a file that cannot be read or written.
pub fn run(args: &Args, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let (plan, read) = match variables::load(&args.graph, registry, &args.variables, &args.secret_variables) {
        Ok(loaded) => loaded,
        Err(problems) => {
            show_problems(&problems, out)?;
            return Ok(Exit::GraphInvalid);
        }
    };
    let mut problems = Vec::new();
    if args.replicas > args.max_replicas && !args.without_keda {
        problems.push(format!("--replicas {} is more than --max-replicas {}", args.replicas, args.max_replicas));
    }
    let groups = groups::groups(&plan, &args.groups, &mut problems);
    let places = places::places(&plan, args.state.as_ref(), &args.volumes, &mut problems);
    let variables = variables::values(&args.variables, &args.secret_variables, &read, &mut problems);
    let code = if args.in_image.is_some() { Vec::new() } else { code::files(&plan, &mut problems) };
    if !problems.is_empty() {
        let name = plan.file.display();
        bail!(Mistake(format!("{name} cannot be served by pods as it is:\n  {}", problems.join("\n  "))));
    }
    for sentence in variables::missed(&plan, places.in_buckets, &args.variables, &args.secret_variables) {
        tracing::warn!("{sentence}");
    }
    let file = plan.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let site = Site { args, graph: plan.graph.clone(), file, code, places, variables };
    let manifests = manifests::all(&site, &groups);
    let needs = format!("needed in the namespace:\n  {}", site.needs().join("\n  "));
    match &args.output {
        Some(folder) => {
            write(folder, &manifests, out)?;
            telemetry::say(&needs);
        }
        None if out.json => manifests.iter().try_for_each(|manifest| out.fact(&manifest.object))?,
        None => {
            let documents = manifests.iter().map(|manifest| format!("---\n{}", yaml::document(&manifest.object)));
            let head = format!("graph {}, by `euterpe deploy print`; {needs}", plan.graph);
            let head: String = head.lines().map(|line| format!("# {line}\n")).collect();
            out.text(&format!("{head}{}", documents.collect::<String>()))?;
        }
    }
    Ok(Exit::Ok)
}

/// Writes a file for each manifest, and says which.
fn write(folder: &Path, manifests: &[Manifest], out: Output) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder {}", folder.display()))?;
    for manifest in manifests {
        let path = folder.join(format!("{}.yaml", manifest.file));
        std::fs::write(&path, yaml::document(&manifest.object))
            .with_context(|| format!("could not write {}", path.display()))?;
        match out.json {
            true => out.fact(&serde_json::json!({"file": path}))?,
            false => out.text(&path.display().to_string())?,
        }
    }
    Ok(())
}
