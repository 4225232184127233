//! The child's side: it opens its transform through the registry, then answers one request after the other.

use std::{fs::File, io, os::unix::net::UnixStream, panic::AssertUnwindSafe, path::PathBuf};

use anyhow::{Context, bail};
use euterpe_actors::blocking_threads;
use euterpe_actors::outcome::{Fault, FaultKind};
use euterpe_actors::storage::{Content, KeepAlive, Object, ObjectInfo};
use euterpe_actors::transform::blocking::panic_text;
use euterpe_actors::transform::{Input, Product, Registry, Scratch, Transform, TransformFactory, Work};
use futures::FutureExt;
use rustix::process::{Resource, Rlimit, getppid, setrlimit};
use serde::de::DeserializeOwned;

use super::protocol::{LONGEST, Reply, Request, RequestInput, TransformSpec};
use crate::supervised::{Frames, encode};

/// Serves the node whose process is `parent` until it hangs up or dies.
///
/// # Errors
/// The node is gone already, or what it sends cannot be read.
pub fn serve_isolated(registry: &Registry, parent: u32) -> anyhow::Result<()> {
    if getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()) != Some(parent) {
        bail!("the node that started this process is gone");
    }
    // The socket is moved away first, so that a transform that reads standard input finds nothing there.
    let socket = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let runtime = blocking_threads::runtime()?;
    tokio::task::LocalSet::new().block_on(&runtime, answer_all(registry, socket))
}

async fn answer_all(registry: &Registry, socket: UnixStream) -> anyhow::Result<()> {
    let mut frames = Frames::over(socket, LONGEST)?;
    let Some(spec) = receive::<TransformSpec>(&mut frames).await.context("no transform")? else { return Ok(()) };
    limit(spec.memory)?;
    let factory = match open(registry, &spec) {
        Ok(factory) => factory,
        Err(fault) => return send(&mut frames, Reply::Fault(fault)).await,
    };
    send(&mut frames, Reply::Ready).await?;
    let mut transform: Option<Box<dyn Transform>> = None;
    while let Some(request) = receive::<Request>(&mut frames).await.context("no request")? {
        let reply = match answer(&mut transform, &factory, request).await {
            Ok(files) => Reply::Done(files),
            Err(fault) => Reply::Fault(fault),
        };
        send(&mut frames, reply).await?;
    }
    Ok(())
}

async fn receive<T: DeserializeOwned>(frames: &mut Frames) -> anyhow::Result<Option<T>> {
    match frames.next().await? {
        Some(frame) => Ok(Some(serde_json::from_slice(&frame.json)?)),
        None => Ok(None),
    }
}

async fn send(frames: &mut Frames, reply: Reply) -> anyhow::Result<()> {
    Ok(frames.send(&encode(&reply, &[], LONGEST)?).await?)
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

fn open(registry: &Registry, spec: &TransformSpec) -> Result<TransformFactory, Fault> {
    let name = &spec.transform;
    let entry = registry.find(name).ok_or_else(|| Fault::fatal(format!("no transform named `{name}`")))?;
    entry.open(&spec.with, &spec.context).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Fault::fatal(format!("`{name}` cannot be opened: {}", problems.join("; ")))
    })
}

/// The files that the transform made for one request, the primary first. `held` is the transform between requests; one that
/// panicked is dropped, and the next request builds another.
async fn answer(
    held: &mut Option<Box<dyn Transform>>,
    factory: &TransformFactory,
    request: Request,
) -> Result<Vec<PathBuf>, Fault> {
    let mut transform = match held.take() {
        Some(transform) => transform,
        None => factory()?,
    };
    let (folder, suffixes) = (request.scratch.clone(), request.suffixes.clone());
    let applied = AssertUnwindSafe(transform.apply(work(request))).catch_unwind().await;
    let result = applied
        .map_err(|panic| Fault::new(FaultKind::Panicked, format!("the transform panicked: {}", panic_text(&*panic))))?;
    *held = Some(transform);
    let Product(contents) = result?;
    let mut files = Vec::with_capacity(contents.len());
    for (number, content) in contents.into_iter().enumerate() {
        files.push(match content {
            Content::File(file) => std::path::absolute(file).map_err(|error| unwritten(&error))?,
            Content::Bytes(bytes) => {
                let suffix = suffixes.get(number).map_or("", String::as_str);
                let file = folder.join(format!("product-{number}")).with_extension(suffix);
                std::fs::write(&file, bytes).map_err(|error| unwritten(&error))?;
                file
            }
        });
    }
    Ok(files)
}

fn unwritten(error: &io::Error) -> Fault {
    Fault::of_io("could not leave a product in the scratch folder", error)
}

fn work(request: Request) -> Work {
    let input = |input: RequestInput| Input {
        name: input.name,
        path: input.path.into(),
        object: Object {
            info: ObjectInfo::of_size(input.size),
            content: Content::File(input.file),
            keep_alive: KeepAlive::default(), // the node holds the object
        },
    };
    Work {
        entity: request.entity,
        inputs: request.inputs.into_iter().map(input).collect(),
        suffixes: request.suffixes.into(),
        scratch: Scratch::lent(request.scratch),
        attempt: request.attempt,
        timeout: request.timeout,
        isolate: true,
    }
}
