//! Runs a program for one entity.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::{
    disk_room::full_disk_told_in_passing,
    outcome::Fault,
    storage::Content,
    transform::{Input, Product, Transform, Work},
};
use tokio::{process, time::Instant};

use super::{
    arguments::{Arguments, Values},
    judge::{judge, with_last_line},
    options::Stdout,
    start::Sought,
};
use crate::file_names::{file_name, plain_extension, with_suffix};
use crate::job_code::JobCode;
use crate::supervised::{MemoryLimit, Output, Process, TimeLimit, WaitError, inherit, over_memory, overdue, watch};

/// A program, ready to be run for any entity.
pub(super) struct Program {
    pub(super) arguments: Arguments,
    pub(super) env: BTreeMap<String, String>,
    pub(super) stdout: Stdout,
    /// The memory that it may have resident with all that it started, in bytes.
    pub(super) memory: Option<u64>,
    pub(super) sought: Sought,
    pub(super) code: Arc<JobCode>,
}

/// The transform of one worker.
pub(super) struct Runner(pub(super) Arc<Program>);

#[async_trait(?Send)]
impl Transform for Runner {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let program = &*self.0;
        program.code.still_holds().await?;
        let folder = work.scratch.folder()?;
        let inputs = lay_out(&work.inputs, &folder).await?;
        let suffixes = work.suffixes.iter().enumerate();
        let outputs: Vec<PathBuf> =
            suffixes.map(|(index, suffix)| folder.join(file_name("out", index, suffix))).collect();
        let values = Values { id: work.entity.as_str(), inputs: &inputs, outputs: &outputs, scratch: &folder };
        let argv = program.arguments.fill(&values)?;
        let name = argv[0].to_string_lossy().into_owned();
        let Ended { status, mut stdout, mut stderr } =
            program.run(&name, &argv, &folder, &outputs, work.timeout).await?;
        // A script may be read while it runs.
        let held = program.code.still_holds().await;
        if !stdout.tail().is_empty() {
            for line in String::from_utf8_lossy(stdout.tail()).lines() {
                tracing::info!(program = %name, entity = %work.entity, "{line}");
            }
        }
        let stderr = stderr.tail();
        let judged = match status {
            Ok(status) => judge(&name, status, &outputs, program.stdout),
            Err(WaitError::Overdue) => Err(overdue(&name, work.timeout)),
            Err(WaitError::OverMemory(excess)) => Err(over_memory(&name, excess)),
            Err(WaitError::Unreadable(error)) => Err(trouble("could not wait for the program", &error)),
        };
        judged
            .map_err(|fault| with_last_line(fault, stderr))
            .and_then(|()| full_disk_told_in_passing(&name, stderr, &folder).map_or(Ok(()), Err))
            .map_err(|fault| held.err().unwrap_or(fault).with_stderr(stderr))?;
        Ok(Product(outputs.into_iter().map(Content::File).collect()))
    }
}

/// A program that has ended, by itself or because it had to.
struct Ended {
    status: Result<ExitStatus, WaitError>,
    stdout: Output,
    stderr: Output,
}

impl Program {
    /// Runs the program `name` with `argv` in `folder` until it ends or reaches a limit.
    ///
    /// # Errors
    /// It cannot be started, or its output cannot be created.
    async fn run(
        &self,
        name: &str,
        argv: &[OsString],
        folder: &Path,
        outputs: &[PathBuf],
        timeout: Duration,
    ) -> Result<Ended, Fault> {
        let unstartable = |error: io::Error| trouble(&format!("could not start `{name}`"), &error);
        let (mut stdout, stdout_pipe) = Output::pipe(None).map_err(unstartable)?;
        let (mut stderr, stderr_pipe) = Output::pipe(None).map_err(unstartable)?;
        let mut command = process::Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(folder);
        command.stdin(Stdio::null()).stderr(stderr_pipe).stdout(match self.stdout {
            Stdout::Log => Stdio::from(stdout_pipe),
            Stdout::Output => {
                fs::File::create(&outputs[0]).map_err(|error| trouble("could not create the output", &error))?.into()
            }
        });
        command.env_clear().env("TMPDIR", folder);
        inherit(&mut command, ["PATH", "HOME", "LANG"]);
        command.envs(&self.env);

        let limit = TimeLimit::within(timeout);
        let (until, mut memory) = (Instant::now() + limit.term_after, MemoryLimit::of(self.memory));
        let started = match Process::spawn(&mut command) {
            Err(error) if self.sought.is_back_after(&error) => Process::spawn(&mut command),
            started => started,
        };
        let mut process = started.map_err(|error| self.sought.could_not_start(name, folder, &error))?;
        let pid = process.pid();
        let exit = watch(Some(until), &mut memory, pid, stdout.reading(stderr.reading(process.wait()))).await;
        let status = match exit.and_then(|exit| exit.map_err(WaitError::Unreadable)) {
            Ok(status) => {
                // A search costs a look at every process of the machine: a program that ended well is trusted to have
                // left nothing outside of its group.
                if status.success() {
                    process.kill_group()
                } else {
                    process.kill_all().await
                }
                Ok(status)
            }
            Err(error) => stdout.reading(stderr.reading(process.end(error, limit.grace))).await,
        };
        Ok(Ended { status, stdout, stderr })
    }
}

/// The path of each input. Bytes in memory are written into the scratch folder first.
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

fn trouble(action: &str, error: &io::Error) -> Fault {
    Fault::of_io(action, error)
}
