//! `command`: any program as a transform.
//!
//! ```yaml
//! use: command
//! with: {argv: [ffmpeg, -nostdin, -v, error, -i, "{input}", -ac, "1", "{output}"]}
//! ```
//!
//! There is no shell: each element of `argv` is one argument, whatever the id or a path may hold. Placeholders stand
//! anywhere in an element: `{input}` (the only input), `{input.NAME}`, `{output}` (the primary), `{output.NAME}` or
//! `{output.2}` (by name, or counted from 1), `{id}`, `{scratch}`; `{{` and `}}` are braces. Inputs and outputs are paths
//! of files; inputs are to be read only.
//!
//! The program runs in a private scratch folder, which is also its `TMPDIR`, with nothing on its standard input and with an
//! environment of `PATH`, `HOME`, `LANG` and what `env` adds. It has its own process group: five seconds before the job's
//! timeout (a quarter of a short one) the group gets SIGTERM, and at the timeout SIGKILL; nothing that it started outlives
//! it. An exit code other than 0, or an output that is not there, is a failure worth another try, with the last of what it
//! printed on standard error.
//!
//! An id may begin with `-`. An argument that would begin with such an id is refused unless `--` stands before it in
//! `argv`, so that an id never becomes an option: write `--title={id}`, or `--` first.

mod arguments;
mod run;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use euterpe_actors::transform::{Entry, InputRule, OpenContext, OptionProblem, Settings, Transform, TransformFactory};
use schemars::JsonSchema;
use serde::Deserialize;

use arguments::Arguments;

/// Where the program's standard output goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stdout {
    /// Its end goes to the log.
    #[default]
    Log,
    /// It is the primary output.
    Output,
}

/// The options of `command`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The program and its arguments, with placeholders: `{input}`, `{input.NAME}`, `{output}`, `{output.NAME}`, `{id}`,
    /// `{scratch}`. A program with a `/` in its name is relative to the graph file's folder; another is found in `PATH`.
    pub argv: Vec<String>,
    /// Variables of the environment beside PATH, HOME and LANG (default: none).
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// `log` (the default): the end of standard output goes to the log; `output`: it is the primary output.
    #[serde(default)]
    pub stdout: Stdout,
}

impl Settings for Command {
    fn check(&self, job: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = match Arguments::parse(&self.argv, job) {
            Err(problems) => problems,
            Ok(arguments) => {
                let primary = arguments.names_output(0);
                match (primary, self.stdout) {
                    (true, Stdout::Output) => vec![OptionProblem::new(
                        "stdout",
                        "the primary output is written twice: leave `{output}` out of argv, or `stdout: output`",
                    )],
                    (false, Stdout::Log) => vec![OptionProblem::new(
                        "argv",
                        "nothing writes the output: put `{output}` into argv, or set `stdout: output`",
                    )],
                    _ => Vec::new(),
                }
            }
        };
        for name in self.env.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                problems.push(OptionProblem::new(format!("env.{name}"), "a variable's name has neither `=` nor NUL"));
            }
        }
        problems
    }
}

/// How the registry knows it.
pub fn entry() -> Entry {
    Entry::new("command", "any program, with the paths of inputs and outputs in its arguments", open)
        .inputs(InputRule::Any)
        .several_outputs()
        .own_process()
}

fn open(settings: Command, job: &OpenContext) -> Result<TransformFactory, Vec<OptionProblem>> {
    let arguments = Arguments::parse(&settings.argv, job)?;
    let program = Arc::new(run::Program { arguments, env: settings.env, stdout: settings.stdout });
    Ok(Arc::new(move || Ok(Box::new(run::Runner(program.clone())) as Box<dyn Transform>)))
}
