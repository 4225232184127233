//! `command`: any program as a transform.
//!
//! ```yaml
//! use: command
//! with: {argv: [ffmpeg, -nostdin, -v, error, -i, "{input}", -ac, "1", "{output}"]}
//! ```
//!
//! There is no shell: each element of `argv` is one argument, whatever the id or a path may hold. Placeholders may stand
//! anywhere in an element: `{input}` (the only input), `{input.NAME}`, `{output}` (the primary), `{output.NAME}` or
//! `{output.2}` (by name, or counted from 1), `{id}`, `{scratch}`; `{{` and `}}` are braces. Inputs and outputs are paths
//! of files; inputs are to be read only.
//!
//! The program runs in a private scratch folder, which is also its `TMPDIR`, with nothing on its standard input and with an
//! environment of `PATH`, `HOME`, `LANG` and what `env` adds. It has its own process group: five seconds before the job's
//! timeout (a quarter of a short one) the group gets SIGTERM, and at the timeout SIGKILL; nothing that it started outlives
//! it. An exit code other than 0, or an output that is not there, is a failure worth another try; the fault carries the last
//! 4 KiB of standard error.
//!
//! An id may begin with `-`. An argument that would begin with such an id is refused unless `--` stands before it in
//! `argv`, so that an id never becomes an option: write `--title={id}`, or `--` first.

mod arguments;
#[cfg(test)]
mod changes;
mod judge;
mod options;
mod run;
mod start;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use euterpe_actors::transform::{self, Entry, InputRule, OpenContext, OptionProblem, Transform, TransformFactory};
use serde_json::Value;

use crate::code_digest::CodeDigest;
use crate::job_code::JobCode;
use arguments::Arguments;
use options::Command;
use run::{Program, Runner};
use start::Sought;

/// The name by which a graph file uses it: `use: command`.
pub const COMMAND: &str = "command";

/// How many characters of a command stand in a sentence.
const LONGEST_NAME: usize = 60;

/// The registry's entry for `command`.
pub(crate) fn entry() -> Entry {
    Entry::new(COMMAND, "any program, with the paths of inputs and outputs in its arguments", open)
        .inputs(InputRule::Any)
        .needs_all_inputs()
        .several_outputs()
        .own_process()
}

fn open(options: Command, job: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
    let program = program(options, job)?;
    Ok(factory(&program))
}

/// The transform of a job that runs `use: command` with the options `with`, and its code: the files that `argv` names.
///
/// # Errors
/// Every problem with the options.
pub fn command_transform(
    with: &Value,
    job: &OpenContext,
) -> Result<(TransformFactory, Arc<JobCode>), Vec<OptionProblem>> {
    let program = program(transform::read(with, job)?, job)?;
    Ok((factory(&program), program.code.clone()))
}

fn factory(program: &Arc<Program>) -> TransformFactory {
    let program = program.clone();
    Arc::new(move || Ok(Box::new(Runner(program.clone())) as Box<dyn Transform>))
}

fn program(options: Command, job: &OpenContext) -> Result<Arc<Program>, Vec<OptionProblem>> {
    let arguments = Arguments::parse(&options.argv, job)?;
    let sought = Sought::new(&options, &job.folder);
    let Command { argv, env, stdout } = options;
    let (name, folder) = (short(&argv.join(" ")), job.folder.clone());
    let code = JobCode::new(name.into(), move || {
        let mut files = CodeDigest::from(&folder);
        files.add(&argv);
        files.code()
    });
    Ok(Arc::new(Program { arguments, env, stdout, memory: job.memory, sought, code }))
}

/// A command for a sentence: the beginning of a long one, for it may hold a script.
fn short(command: &str) -> String {
    match command.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_owned(),
    }
}
