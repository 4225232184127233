//! Runs a program for one entity.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::{
    outcome::Fault,
    storage::Content,
    transform::{Input, Product, Transform, Work},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    arguments::{Arguments, Values},
    judge::{judge, with_last_line},
    options::Stdout,
};
use crate::file_names::{file_name, plain_extension, with_suffix};
use crate::supervised::{Ending, MemoryLimit, Process, Tail, TimeLimit, inherit, over_memory, overdue};

/// How long the pipes of a program that has ended are read: a process that has left its group may hold them open.
const DRAINING: Duration = Duration::from_secs(1);

/// A program, ready to be run for any entity.
pub(super) struct Program {
    pub(super) arguments: Arguments,
    pub(super) env: BTreeMap<String, String>,
    pub(super) stdout: Stdout,
    /// The memory that it may have resident with all that it started, in bytes.
    pub(super) memory: Option<u64>,
}

/// The transform of one worker.
pub(super) struct Runner(pub(super) Arc<Program>);

#[async_trait(?Send)]
impl Transform for Runner {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let program = &*self.0;
        let folder =
            work.scratch.path().and_then(std::path::absolute).map_err(|error| trouble("no scratch folder", &error))?;
        let inputs = lay_out(&work.inputs, &folder).await?;
        let suffixes = work.suffixes.iter().enumerate();
        let outputs: Vec<PathBuf> =
            suffixes.map(|(index, suffix)| folder.join(file_name("out", index, suffix))).collect();
        let values = Values { id: work.entity.as_str(), inputs: &inputs, outputs: &outputs, scratch: &folder };
        let argv = program.arguments.fill(&values)?;
        let name = argv[0].to_string_lossy().into_owned();

        let mut command = process::Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(&folder);
        command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(match program.stdout {
            Stdout::Log => Stdio::piped(),
            Stdout::Output => {
                fs::File::create(&outputs[0]).map_err(|error| trouble("could not create the output", &error))?.into()
            }
        });
        command.env_clear().env("TMPDIR", &folder);
        inherit(&mut command, ["PATH", "HOME", "LANG"]);
        command.envs(&program.env);

        let mut process = Process::spawn(&mut command).map_err(|error| could_not_start(&name, &error))?;
        let (stdout, stderr) = process.take_pipes();
        let (stdout, stderr) = (Captured::of(stdout), Captured::of(stderr));
        let ending = end(&mut process, TimeLimit::within(work.timeout), program.memory)
            .await
            .map_err(|error| trouble("could not wait for the program", &error))?;
        let (stdout, stderr) = (stdout.end().await, stderr.end().await);
        if !stdout.is_empty() {
            let stdout = String::from_utf8_lossy(&stdout);
            tracing::debug!(program = %name, entity = %work.entity, %stdout, "program ended");
        }
        match ending {
            Ending::Exited(status) => judge(&name, status, &outputs, program.stdout),
            Ending::OverMemory(taken) => Err(over_memory(&name, taken, program.memory.unwrap_or(0))),
            Ending::Overdue => Err(overdue(&name, work.timeout)),
            Ending::Unreadable(error) => Err(trouble("could not wait for the program", &error)),
        }
        .map_err(|fault| with_last_line(fault, &stderr).with_stderr(&stderr))?;
        Ok(Product(outputs.into_iter().map(Content::File).collect()))
    }
}

/// Waits until the program ends, or ends it at its limits. What it left running in its group is killed in any case; what has
/// left the group, unless the program ended well.
async fn end(process: &mut Process, limit: TimeLimit, memory: Option<u64>) -> io::Result<Ending> {
    let (pid, mut memory) = (process.pid(), MemoryLimit::of(memory));
    let ending = tokio::select! {
        biased;
        status = process.wait() => Ending::Exited(status?),
        () = sleep(limit.term_after) => Ending::Overdue,
        taken = memory.exceeded_by(pid) => Ending::OverMemory(taken),
    };
    match &ending {
        Ending::Exited(status) if status.success() => process.kill_group(),
        Ending::Overdue => {
            process.terminate(limit.grace).await;
            process.kill_all().await;
        }
        _ => process.kill_all().await,
    }
    Ok(ending)
}

/// The path of each input. What is in memory is written into the scratch folder first.
async fn lay_out(inputs: &[Input], folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut paths = Vec::with_capacity(inputs.len());
    for input in inputs {
        let failed = |error: io::Error| trouble(&format!("could not lay out the input `{}`", input.name), &error);
        paths.push(match &input.object.content {
            Content::File(path) => std::path::absolute(path).map_err(failed)?,
            Content::Bytes(bytes) => {
                let path = folder.join(with_suffix(format!("in-{}", input.name), plain_extension(&input.path)));
                tokio::fs::write(&path, bytes).await.map_err(failed)?;
                path
            }
        });
    }
    Ok(paths)
}

fn could_not_start(program: &str, error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::NotFound => {
            Fault::fatal(format!("there is no program `{program}`; install it, or correct the first element of argv"))
        }
        io::ErrorKind::PermissionDenied => Fault::fatal(format!(
            "`{program}` may not be run; make it executable, or correct the first element of argv"
        )),
        _ => trouble(&format!("could not start `{program}`"), error),
    }
}

fn trouble(action: &str, error: &io::Error) -> Fault {
    Fault::failed(format!("{action}: {error}"))
}

/// The last bytes of a pipe, which is read to its end beside the program.
struct Captured(Option<JoinHandle<Vec<u8>>>);

impl Captured {
    fn of<R: AsyncRead + Unpin + Send + 'static>(pipe: Option<R>) -> Self {
        Self(pipe.map(|pipe| tokio::spawn(last_of(pipe))))
    }

    async fn end(mut self) -> Vec<u8> {
        match &mut self.0 {
            Some(reader) => timeout(DRAINING, reader).await.ok().and_then(Result::ok).unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        if let Some(reader) = &self.0 {
            reader.abort();
        }
    }
}

async fn last_of<R: AsyncRead + Unpin>(mut pipe: R) -> Vec<u8> {
    let (mut tail, mut part) = (Tail::default(), vec![0; 16 << 10]);
    while let Ok(read @ 1..) = pipe.read(&mut part).await {
        tail.push(&part[..read]);
    }
    tail.bytes().to_vec()
}
