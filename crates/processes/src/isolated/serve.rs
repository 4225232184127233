//! What the child does: opens its transform through the registry, then does one piece of work after another.

use std::{fs::File, io, panic::AssertUnwindSafe, path::PathBuf};

use anyhow::{Context, bail};
use euterpe_actors::outcome::{Fault, FaultKind};
use euterpe_actors::storage::{Content, KeepAlive, Object, ObjectInfo};
use euterpe_actors::transform::blocking::panic_text;
use euterpe_actors::transform::{Input, Product, Scratch, Transform, TransformFactory, Work};
use futures::FutureExt;
use rustix::process::{Resource, Rlimit, Signal, getppid, setrlimit};

use super::frames::{self, Answer, Order, Recipe};
use euterpe_actors::transform::Registry;

/// Serves the node whose process is `parent` until it hangs up or dies.
///
/// What the transform prints goes to standard error: the pipes to the node are moved out of its way first.
///
/// # Errors
/// Where the node is gone already, or does not speak as it should.
pub fn serve(registry: &Registry, parent: u32) -> anyhow::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()) != Some(parent) {
        bail!("the node that started this process is gone");
    }
    let mut orders = File::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?);
    let mut answers = File::from(rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;

    let Some(recipe) = frames::read::<Recipe>(&mut orders).context("no recipe")? else { return Ok(()) };
    limit(recipe.memory)?;
    let factory = match open(registry, &recipe) {
        Ok(factory) => factory,
        Err(fault) => return Ok(frames::write(&mut answers, &Answer::Fault(fault))?),
    };
    frames::write(&mut answers, &Answer::Ready)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    let mut transform: Option<Box<dyn Transform>> = None;
    while let Some(order) = frames::read::<Order>(&mut orders).context("no order")? {
        let answer = match local.block_on(&runtime, one(&mut transform, &factory, order)) {
            Ok(files) => Answer::Made(files),
            Err(fault) => Answer::Fault(fault),
        };
        frames::write(&mut answers, &answer)?;
    }
    Ok(())
}

/// No core files, and no more memory than the job may have beyond what this process takes already.
fn limit(memory: Option<u64>) -> anyhow::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    if let Some(memory) = memory {
        let statm = std::fs::read_to_string("/proc/self/statm").context("could not read /proc/self/statm")?;
        let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
        let most = memory.saturating_add(pages * rustix::param::page_size() as u64);
        setrlimit(Resource::As, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

fn open(registry: &Registry, recipe: &Recipe) -> Result<TransformFactory, Fault> {
    let name = &recipe.transform;
    let entry = registry.find(name).ok_or_else(|| Fault::fatal(format!("no transform named `{name}`")))?;
    entry.open(&recipe.with, &recipe.context).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Fault::fatal(format!("`{name}` cannot be opened: {}", problems.join("; ")))
    })
}

/// One piece of work: the files that it made, the primary first.
async fn one(
    held: &mut Option<Box<dyn Transform>>,
    factory: &TransformFactory,
    order: Order,
) -> Result<Vec<PathBuf>, Fault> {
    let mut transform = match held.take() {
        Some(transform) => transform,
        None => factory()?,
    };
    let (folder, suffixes) = (order.scratch.clone(), order.suffixes.clone());
    let applied = AssertUnwindSafe(transform.apply(work(order))).catch_unwind().await;
    let result = applied
        .map_err(|panic| Fault::new(FaultKind::Panicked, format!("the transform panicked: {}", panic_text(&*panic))))?; // and the transform is dropped, to be built anew
    *held = Some(transform);
    let Product(contents) = result?;
    let mut files = Vec::with_capacity(contents.len());
    for (number, content) in contents.into_iter().enumerate() {
        files.push(match content {
            Content::File(file) => std::path::absolute(file).map_err(|error| left(&error))?,
            Content::Bytes(bytes) => {
                let suffix = suffixes.get(number).map_or("", String::as_str);
                let file = folder.join(format!("product-{number}")).with_extension(suffix);
                std::fs::write(&file, bytes).map_err(|error| left(&error))?;
                file
            }
        });
    }
    Ok(files)
}

fn left(error: &io::Error) -> Fault {
    Fault::failed(format!("could not leave a product in the scratch folder: {error}"))
}

fn work(order: Order) -> Work {
    let input = |input: frames::OrderInput| Input {
        name: input.name,
        path: input.path.into(),
        object: Object {
            info: ObjectInfo { size: input.size, stamp: None, modified: None },
            content: Content::File(input.file),
            keep_alive: KeepAlive::default(), // whoever sent the order keeps it
        },
    };
    Work {
        entity: order.entity,
        inputs: order.inputs.into_iter().map(input).collect(),
        suffixes: order.suffixes.into(),
        scratch: Scratch::lent(order.scratch),
        attempt: order.attempt,
        timeout: order.timeout,
        isolate: true,
    }
}
