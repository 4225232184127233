//! The options of `command`, and what is wrong with them.

use std::collections::BTreeMap;

use euterpe_actors::transform::{OpenContext, OptionProblem, Settings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::arguments::Arguments;

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
