//! Reads the command line and the variables beside it: what is typed goes before what a variable says.

use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command as Clap, CommandFactory, FromArgMatches};

use super::Command;

/// The flag that names a broker, and the one that names a file with the same: by their ids.
const BROKER: &str = "broker";
const BROKER_FILE: &str = "broker_file";

impl Command {
    /// The command line of this process.
    ///
    /// # Errors
    /// What is wrong with it, or the help that was asked for.
    pub fn read() -> Result<Self, clap::Error> {
        let command = without_empty_variables(Self::command());
        let mut matches = command.clone().try_get_matches()?;
        if names_a_broker_twice(&matches) {
            matches = without_variable(command, BROKER).try_get_matches()?;
        }
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut Self::command()))
    }
}

/// The command without the variables that are set to nothing: they are as good as unset.
fn without_empty_variables(command: Clap) -> Clap {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.to_string_lossy().trim().is_empty());
    let command = command.mut_args(|arg| match arg.get_env().is_some_and(is_empty) {
        true => arg.env(None::<&'static str>),
        false => arg,
    });
    command.mut_subcommands(without_empty_variables)
}

/// The command, in which no variable speaks for the flag `id`.
fn without_variable(command: Clap, id: &str) -> Clap {
    let command = command.mut_args(|arg| match arg.get_id() == id {
        true => arg.env(None::<&'static str>),
        false => arg,
    });
    command.mut_subcommands(|below| without_variable(below, id))
}

/// Whether a file with the broker's URL was typed while a variable holds another URL. `--broker` goes before `--broker-file`,
/// but that variable does not.
fn names_a_broker_twice(matches: &ArgMatches) -> bool {
    let source = |id: &str| matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id));
    let here =
        source(BROKER_FILE) == Some(ValueSource::CommandLine) && source(BROKER) == Some(ValueSource::EnvVariable);
    here || matches.subcommand().is_some_and(|(_, below)| names_a_broker_twice(below))
}
