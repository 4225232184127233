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
use euterpe_actors::storage::{Content as Bytes, StorageErrorKind};

use super::checks;
use crate::cli::place::wait_for;
use crate::cli::run::{Following, REMEMBERED, follow_quietly};
use euterpe_actors::transform::Registry;
use euterpe_engine::assembly::{Access, Opened, Opening, now};
use euterpe_engine::run::{Ids, Intake};
use euterpe_graph_file::cases::{Checks, Content, Target, TestCase};
use euterpe_graph_file::plan::{Location, Plan};

/// What became of a target.
pub(super) enum Found {
    /// It is there.
    There(Bytes),
    /// It is not; what else went wrong may say why.
    Nothing(Vec<String>),
    /// There is a dead letter: reason, sentence, the last that was printed.
    Dead(String, String, String),
    /// It was declined, with this reason.
    Skipped(String),
}

/// Runs a test; what does not hold comes back in sentences.
///
/// # Errors
/// What keeps the graph from being opened or the test from being set up.
pub(super) fn run(case: &TestCase, plan: &Plan, kept: &Path, registry: &Registry) -> anyhow::Result<Vec<String>> {
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
    let opening = Opening { jobs: None, state, kept: Some(kept.to_owned()), access: Access::Hold, cache: 0 };
    let opened = Opened::open(own, registry, &opening)?;
    let codec = registry.samples();
    lay_out(case, &opened, &plan.folder)?;
    wait_for(async {
        for job in &case.jobs {
            make(case, &opened, *job).await?;
        }
        let mut wrong = Vec::new();
        for (target, expected) in &case.expect {
            let name = name_of(&opened, target);
            let found = look(case, &opened, target).await?;
            wrong.extend(
                checks::wrong(expected, &found, &plan.folder, codec.as_deref())?
                    .into_iter()
                    .map(|wrong| format!("{name} {wrong}")),
            );
        }
        if case.expect.is_empty() {
            let target = Target::Output(case.jobs[0], 0);
            let (name, found) = (name_of(&opened, &target), look(case, &opened, &target).await?);
            let wrongs = checks::wrong(&Checks::default(), &found, &plan.folder, codec.as_deref())?;
            wrong.extend(wrongs.into_iter().map(|wrong| format!("{name} {wrong}")));
        }
        Ok(wrong)
    })
}

/// Puts what is given where it would lie.
fn lay_out(case: &TestCase, opened: &Opened, folder: &Path) -> anyhow::Result<()> {
    for (target, content) in &case.given {
        let path = path_of(case, opened, target)?;
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

fn place(case: &TestCase, opened: &Opened, target: &Target) -> anyhow::Result<(StoreName, String)> {
    match target {
        Target::Object(store, key) => Ok((store.clone(), key.clone())),
        Target::Output(job, output) => {
            let job = opened.nodes.job(*job);
            let parts = job.form.split(&case.entity).ok_or_else(|| {
                anyhow!("{}: `{}` does not have the form `{}` of job `{}`", case.name, case.entity, job.form, job.name)
            })?;
            let key = job.outputs[*output].key_of(&parts);
            Ok((key.store, key.path.to_string()))
        }
    }
}

fn path_of(case: &TestCase, opened: &Opened, target: &Target) -> anyhow::Result<PathBuf> {
    let (store, key) = place(case, opened, target)?;
    let location = opened.plan.store(&store).map(|store| &store.location);
    let Some(Location::Folder { path, .. }) = location else { return Err(anyhow!("no store named `{store}`")) };
    if Path::new(&key).components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
        return Err(anyhow!("{}: `{store}:{key}` is no key of an object", case.name));
    }
    Ok(path.join(key))
}

/// Makes one job's output for the entity, and whatever is missing for it.
async fn make(case: &TestCase, opened: &Opened, job: JobIx) -> anyhow::Result<()> {
    let name = opened.nodes.job(job).name.clone();
    let selection = Selection { job: Some(name), bottom_up: true, ..Selection::default() };
    let manifest = opened.manifest(opened.next_run().await?, selection);
    opened.state.begin_run(&manifest).await.context("could not write the manifest of the run")?;
    let presence = Arc::new(Presence::up_to(REMEMBERED));
    let way = Following { manifest, presence, max_dead: None, isolate: false, over: None };
    let intake = Intake { ids: Ids::These(vec![case.entity.to_string()]), limit: None, clock: now };
    follow_quietly(opened, way, intake).await
}

async fn look(case: &TestCase, opened: &Opened, target: &Target) -> anyhow::Result<Found> {
    let (store, key) = place(case, opened, target)?;
    match opened.stores.get(&store).open(&key).await {
        Ok(object) => return Ok(Found::There(object.content)),
        Err(error) if error.kind == StorageErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let Target::Output(job, _) = target else { return Ok(Found::Nothing(Vec::new())) };
    let job = opened.nodes.job(*job);
    let letters = opened.state.letters(&LetterFilter::default()).await?;
    let (of_it, others): (Vec<_>, Vec<_>) = letters
        .into_iter()
        .map(|(_, letter)| letter)
        .partition(|letter| letter.job == job.name && letter.entity == case.entity.as_str());
    if let Some(letter) = of_it.into_iter().next() {
        return Ok(Found::Dead(letter.reason.name().to_owned(), letter.text, letter.stderr));
    }
    let target = JobTarget { job: job.name.clone(), entity: case.entity.clone() };
    let skip = opened.state.skip_of(&target, job.settings).await?;
    let note = |letter: DeadLetter| format!("{} of {} failed: {}", letter.job, letter.entity, letter.text);
    Ok(match skip {
        Some(skip) => Found::Skipped(skip.text),
        None => Found::Nothing(others.into_iter().map(note).collect()),
    })
}

fn name_of(opened: &Opened, target: &Target) -> String {
    match target {
        Target::Object(store, key) => format!("{store}:{key}"),
        Target::Output(job, 0) => opened.nodes.job(*job).name.to_string(),
        Target::Output(job, output) => {
            let job = &opened.plan.jobs[job.0];
            format!("{}.{}", job.name, job.output_names[*output])
        }
    }
}
