//! Runs a program for one entity and judges what became of it.

use std::{
    collections::BTreeMap,
    env, fs, io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use euterpe_actors::{
    outcome::{Fault, FaultKind},
    storage::Content,
    transform::{Input, Product, Transform, Work},
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    Stdout,
    arguments::{Arguments, Values},
};
use crate::children::{Deadline, Ended, Group, Mark, tethered};

/// How much of what a program prints is kept.
const TAIL: usize = 4096;

/// A program, ready to be run for any entity.
pub(super) struct Program {
    pub(super) arguments: Arguments,
    pub(super) env: BTreeMap<String, String>,
    pub(super) stdout: Stdout,
}

/// The transform of one worker.
pub(super) struct Runner(pub(super) Arc<Program>);

#[async_trait(?Send)]
impl Transform for Runner {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let folder =
            work.scratch.path().and_then(std::path::absolute).map_err(|error| trouble("no scratch folder", &error))?;
        let inputs = lay_out(&work.inputs, &folder).await?;
        let outputs: Vec<PathBuf> =
            work.suffixes.iter().enumerate().map(|(n, suffix)| folder.join(name_of(n, suffix))).collect();
        let values = Values { id: work.entity.as_str(), inputs: &inputs, outputs: &outputs, scratch: &folder };
        let argv = self.0.arguments.fill(&values)?;
        let program = argv[0].to_string_lossy().into_owned();

        let mut command = tokio::process::Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(&folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(match self.0.stdout {
            Stdout::Log => Stdio::piped(),
            Stdout::Output => {
                fs::File::create(&outputs[0]).map_err(|error| trouble("could not create the output", &error))?.into()
            }
        });
        command.env_clear().env("TMPDIR", &folder);
        for name in ["PATH", "HOME", "LANG"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(&self.0.env);

        let mark = Mark::on(&mut command);
        tethered(&mut command);
        let mut child = command.spawn().map_err(|error| unstartable(&program, &error))?;
        let printed = Tail::of(child.stdout.take());
        let complained = Tail::of(child.stderr.take());
        let mut group = Group::of(child, mark);
        let ended = group
            .end(Deadline::within(work.timeout))
            .await
            .map_err(|error| trouble("could not wait for the program", &error))?;
        let (printed, complained) = (printed.end().await, complained.end().await);
        if !printed.is_empty() {
            tracing::debug!(%program, entity = %work.entity, stdout = %String::from_utf8_lossy(&printed), "program ended");
        }
        judge(&program, &ended, work.timeout, &outputs, self.0.stdout)
            .map_err(|fault| with_last_line(fault, &complained).with_stderr(&complained))?;
        Ok(Product(outputs.into_iter().map(Content::File).collect()))
    }
}

/// The path of each input; what is in memory is written into the scratch folder first.
async fn lay_out(inputs: &[Input], folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut paths = Vec::with_capacity(inputs.len());
    for input in inputs {
        let failed = |error: io::Error| trouble(&format!("could not lay out the input `{}`", input.name), &error);
        paths.push(match &input.object.content {
            Content::File(path) => std::path::absolute(path).map_err(failed)?,
            Content::Bytes(bytes) => {
                let extension = Path::new(&*input.path).extension().and_then(|extension| extension.to_str());
                let plain = extension.filter(|extension| extension.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                let path =
                    folder.join(format!("in-{}{}", input.name, plain.map(|e| format!(".{e}")).unwrap_or_default()));
                tokio::fs::write(&path, bytes).await.map_err(failed)?;
                path
            }
        });
    }
    Ok(paths)
}

fn name_of(index: usize, suffix: &str) -> String {
    if suffix.is_empty() { format!("out-{}", index + 1) } else { format!("out-{}.{suffix}", index + 1) }
}

fn judge(program: &str, ended: &Ended, limit: Duration, outputs: &[PathBuf], stdout: Stdout) -> Result<(), Fault> {
    if ended.overdue {
        let text = format!("`{program}` ran longer than its timeout of {limit:?} and was ended");
        return Err(Fault::new(FaultKind::Timeout, text));
    }
    if let Some(signal) = ended.status.signal() {
        return Err(Fault::new(FaultKind::Killed, format!("`{program}` was killed by signal {signal}")));
    }
    let code = ended.status.code().unwrap_or(-1);
    if code != 0 {
        return Err(Fault::failed(format!("`{program}` ended with exit code {code}")));
    }
    for (index, output) in outputs.iter().enumerate() {
        let which = if outputs.len() == 1 { "its output".to_owned() } else { format!("its output {}", index + 1) };
        match fs::symlink_metadata(output) {
            Ok(found) if !found.is_file() => {
                return Err(Fault::failed(format!("`{program}` made {which} something else than a plain file")));
            }
            Ok(found) if index == 0 && stdout == Stdout::Output && found.len() == 0 => {
                return Err(Fault::failed(format!(
                    "`{program}` ended with exit code 0 but printed nothing as {which}"
                )));
            }
            Ok(_) => {}
            Err(_) => {
                return Err(Fault::failed(format!("`{program}` ended with exit code 0 but did not write {which}")));
            }
        }
    }
    Ok(())
}

fn with_last_line(mut fault: Fault, stderr: &[u8]) -> Fault {
    let text = String::from_utf8_lossy(stderr);
    if let Some(line) = text.lines().rev().map(str::trim).find(|line| !line.is_empty()) {
        fault.text = format!("{}: {}", fault.text, line.chars().take(300).collect::<String>());
    }
    fault
}

fn unstartable(program: &str, error: &io::Error) -> Fault {
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

fn trouble(what: &str, error: &io::Error) -> Fault {
    Fault::failed(format!("{what}: {error}"))
}

/// Reads a pipe to its end beside the program and keeps the last of it.
struct Tail(Option<tokio::task::JoinHandle<Vec<u8>>>);

impl Tail {
    fn of<R: AsyncRead + Unpin + Send + 'static>(pipe: Option<R>) -> Self {
        Self(pipe.map(|pipe| tokio::spawn(last_of(pipe))))
    }

    async fn end(mut self) -> Vec<u8> {
        let Some(mut reader) = self.0.take() else { return Vec::new() };
        match Group::drained(&mut reader).await {
            Some(Ok(tail)) => tail,
            Some(Err(_)) | None => {
                reader.abort();
                Vec::new()
            }
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        if let Some(reader) = &self.0 {
            reader.abort();
        }
    }
}

async fn last_of<R: AsyncRead + Unpin>(mut pipe: R) -> Vec<u8> {
    let mut tail = Vec::with_capacity(4 * TAIL);
    let mut part = vec![0; 16 << 10];
    while let Ok(read) = pipe.read(&mut part).await {
        if read == 0 {
            break;
        }
        tail.extend_from_slice(&part[..read]);
        if tail.len() > 2 * TAIL {
            tail.drain(..tail.len() - TAIL);
        }
    }
    tail.drain(..tail.len().saturating_sub(TAIL));
    tail
}
