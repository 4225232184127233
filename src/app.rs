//! The program: what a user's own binary starts, with transforms of its own.

use std::process::ExitCode;

use clap::Parser;
use euterpe_actors::transform::TransformFactory;

use crate::cli::{self, Exit};
use crate::config::Catalog;
use crate::transform::registry::{Entry, Registry};

/// The program and the transforms that it knows.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     euterpe::app::App::new().main()
/// }
/// ```
#[derive(Debug)]
pub struct App {
    registry: Registry,
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// The program with the transforms that come with it.
    pub fn new() -> Self {
        Self { registry: Registry::with_builtins() }
    }

    /// Adds a transform of the user's own binary under the name that `use:` gives it.
    pub fn transform(mut self, name: &str, factory: TransformFactory) -> Self {
        self.registry.register(Entry::native(name.to_owned(), factory));
        self
    }

    /// The transforms that graph files can name.
    pub fn registry(&self) -> &Registry {
        &self.registry
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
        crate::telemetry::start();
        match command.run(&self) {
            Ok(exit) => exit.into(),
            Err(error) => {
                eprintln!("error: {error:#}");
                let exit = if error.is::<cli::run::Mistake>() { Exit::Usage } else { Exit::Failed };
                exit.into()
            }
        }
    }
}
