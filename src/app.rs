//! The program: what a user's own binary starts, with transforms of its own.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{self, Exit};
use crate::config::Catalog;

/// The program and the transforms that it knows.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     euterpe::app::App::new().main()
/// }
/// ```
#[derive(Debug, Default)]
pub struct App {}

impl App {
    /// The program with the transforms that come with it.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the checks of a graph file need to know of the transforms.
    pub fn catalog(&self) -> impl Catalog + use<> {
        crate::assembly::catalog()
    }

    /// Reads the command line, does what it says, and tells how it went.
    pub fn main(self) -> ExitCode {
        let command = match cli::Command::try_parse() {
            Ok(command) => command,
            Err(error) => {
                let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
                // A closed pipe while printing help is nobody's fault.
                error.print().ok();
                return exit.into();
            }
        };
        match command.run(&self) {
            Ok(exit) => exit.into(),
            Err(error) => {
                eprintln!("error: {error:#}");
                Exit::Failed.into()
            }
        }
    }
}
