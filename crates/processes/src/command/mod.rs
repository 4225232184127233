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
mod judge;
mod options;
mod run;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use euterpe_actors::transform::{Entry, InputRule, OpenContext, OptionProblem, Transform, TransformFactory};

use arguments::Arguments;
use options::Command;
use run::{Program, Runner};

/// The registry's entry for `command`.
pub(crate) fn entry() -> Entry {
    Entry::new("command", "any program, with the paths of inputs and outputs in its arguments", open)
        .inputs(InputRule::Any)
        .needs_all_inputs()
        .several_outputs()
        .own_process()
}

fn open(options: Command, job: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
    let arguments = Arguments::parse(&options.argv, job)?;
    let program = Arc::new(Program { arguments, env: options.env, stdout: options.stdout, memory: job.memory });
    Ok(Arc::new(move || Ok(Box::new(Runner(program.clone())) as Box<dyn Transform>)))
}
