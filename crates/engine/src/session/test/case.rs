//! One test of a graph file: its stores become scratch folders, what is given is laid into them, and the jobs that it
//! speaks of are made bottom-up for its entity.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use euterpe_actors::ids::StoreName;
use euterpe_actors::memory::Presence;
use euterpe_actors::message::Target as JobTarget;
use euterpe_actors::plan::JobIx;
use euterpe_actors::state::{DeadLetter, LetterFilter, Selection};
use euterpe_actors::storage::StorageErrorKind;

use euterpe_actors::transform::Registry;
use euterpe_graph_file::cases::{Checks, Content, Target, TestCase};
use euterpe_graph_file::plan::{Location, Plan};

use super::checks;
use super::found::Found;
use crate::mistake::Mistake;
use crate::run::addressing::{Addressed, Addresses};
use crate::run::follow::follow;
use crate::run::ids::Ids;
use crate::run::intake::Intake;
use crate::run::running::Running;
use crate::run::survey::REMEMBERED;
use crate::run::watch::Unwatched;
use crate::workspace::{Access, Opening, Workspace};

/// Runs a test of `plan` in scratch folders; environments of Python transforms lie in `kept`. What does not hold comes back
/// in sentences.
///
/// # Errors
/// What keeps the graph from being opened or the test from being set up.
pub async fn run_case(case: &TestCase, plan: &Plan, kept: &Path, registry: &Registry) -> anyhow::Result<Vec<String>> {
    let scratch = tempfile::tempdir().context("no scratch folder")?;
    let mut own = plan.clone();
    for store in &mut own.stores {
        let path = scratch.path().join("stores").join(store.name.as_str());
        fs::create_dir_all(&path).context("no scratch folder")?;
        store.location = Location::Folder { path, fsync: false };
    }
    for job in &mut own.jobs {
        job.retry.retries = 0; // what fails is told at once
    }
    let state = Some(Location::Folder { path: scratch.path().join("state"), fsync: false });
    let opening =
        Opening { workers: None, state, kept: Some(kept.to_owned()), access: Access::Hold, ..Opening::default() };
    let workspace = Workspace::open(own, registry, &opening)?;
    let codec = registry.samples();
    lay_out(case, &workspace, &plan.folder)?;
    for job in &case.jobs {
        make(case, &workspace, *job).await?;
    }
    let primary = [(Target::Output(case.jobs[0], 0), Checks::default())];
    let expected = if case.expect.is_empty() { &primary[..] } else { &case.expect[..] };
    let mut wrong = Vec::new();
    for (target, expected) in expected {
        let (name, found) = (name_of(&workspace, target), look(case, &workspace, target).await?);
        let wrongs = checks::wrong(expected, &found, &plan.folder, codec.as_deref())?;
        wrong.extend(wrongs.into_iter().map(|wrong| format!("{name} {wrong}")));
    }
    Ok(wrong)
}

/// Puts what is given where it would lie.
fn lay_out(case: &TestCase, workspace: &Workspace, folder: &Path) -> anyhow::Result<()> {
    for (target, content) in &case.given {
        let path = path_of(case, workspace, target)?;
        let bytes = match content {
            Content::Json(value) => serde_json::to_vec(value)?,
            Content::Text(text) => text.clone().into_bytes(),
            Content::File(file) => {
                let file = folder.join(file);
                fs::read(&file).with_context(|| format!("{}: could not read {}", case.name, file.display()))?
            }
        };
        let below = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(below).and_then(|()| fs::write(&path, bytes)).context("could not lay out what is given")?;
    }
    Ok(())
}

fn place(case: &TestCase, workspace: &Workspace, target: &Target) -> anyhow::Result<(StoreName, String)> {
    match target {
        Target::Object(store, key) => Ok((store.clone(), key.clone())),
        Target::Output(job, output) => {
            let job = workspace.nodes.job(*job);
            let parts = job.form.split(&case.entity).ok_or_else(|| {
                anyhow!("{}: `{}` does not have the form `{}` of job `{}`", case.name, case.entity, job.form, job.name)
            })?;
            let key = job.outputs[*output].key_of(&parts);
            Ok((key.store, key.path.to_string()))
        }
    }
}

fn path_of(case: &TestCase, workspace: &Workspace, target: &Target) -> anyhow::Result<PathBuf> {
    let (store, key) = place(case, workspace, target)?;
    let location = workspace.plan.store(&store).map(|store| &store.location);
    let Some(Location::Folder { path, .. }) = location else { return Err(anyhow!("no store named `{store}`")) };
    if Path::new(&key).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return Err(anyhow!("{}: `{store}:{key}` is no key of an object", case.name));
    }
    Ok(path.join(key))
}

/// Makes one job's output for the entity, and whatever is missing for it.
async fn make(case: &TestCase, workspace: &Workspace, job: JobIx) -> anyhow::Result<()> {
    let name = workspace.nodes.job(job).name.clone();
    let selection = Selection { job: Some(name), bottom_up: true, ..Selection::default() };
    let to = Addresses::default().of(&workspace.nodes, &selection, &case.entity).map_err(Mistake)?;
    let ids = Ids::These(vec![Addressed { entity: case.entity.clone(), to, written: None }]);
    let manifest = workspace.manifest(workspace.next_run().await?, selection);
    workspace.state.begin_run(&manifest).await.context("could not write the manifest of the run")?;
    let running = Running::new(workspace, manifest, Arc::new(Presence::up_to(REMEMBERED)), false);
    follow(workspace, &running, None, None, Intake { ids, limit: None }, &Unwatched).await?;
    Ok(())
}

async fn look(case: &TestCase, workspace: &Workspace, target: &Target) -> anyhow::Result<Found> {
    let (store, key) = place(case, workspace, target)?;
    match workspace.stores.get(&store).open(&key).await {
        Ok(object) => return Ok(Found::There(object.content)),
        Err(error) if error.kind == StorageErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let Target::Output(job, _) = target else { return Ok(Found::Nothing(Vec::new())) };
    let job = workspace.nodes.job(*job);
    let letters = workspace.state.letters(&LetterFilter::default()).await?;
    let (of_it, others): (Vec<_>, Vec<_>) = letters
        .into_iter()
        .map(|(_, letter)| letter)
        .partition(|letter| letter.job == job.name && letter.entity == case.entity.as_str());
    if let Some(letter) = of_it.into_iter().next() {
        return Ok(Found::Dead(letter.reason.name().to_owned(), letter.text, letter.stderr));
    }
    let target = JobTarget { job: job.name.clone(), entity: case.entity.clone() };
    let skip = workspace.state.skip_of(&target, job.settings).await?;
    let note = |letter: DeadLetter| format!("{} of {} failed: {}", letter.job, letter.entity, letter.text);
    Ok(match skip {
        Some(skip) => Found::Skipped(skip.text),
        None => Found::Nothing(others.into_iter().map(note).collect()),
    })
}

fn name_of(workspace: &Workspace, target: &Target) -> String {
    match target {
        Target::Object(store, key) => format!("{store}:{key}"),
        Target::Output(job, 0) => workspace.nodes.job(*job).name.to_string(),
        Target::Output(job, output) => {
            let job = &workspace.plan.jobs[job.0];
            format!("{}.{}", job.name, job.output_names[*output])
        }
    }
}
