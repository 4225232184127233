//! The program: what a user's own binary starts, with transforms of its own.

use std::borrow::Cow;
use std::process::ExitCode;

use euterpe_actors::transform::TransformFactory;

use crate::cli::{self, Exit};
use crate::telemetry;
use euterpe_actors::transform::{Entry, Registry};
use euterpe_engine::builtin;
use euterpe_processes::{enable_reaper, survive_large_files};

/// The program and the transforms that it knows.
///
/// ```no_run
/// use euterpe::app::App;
/// use euterpe_actors::transform::{Product, inline};
///
/// fn main() -> std::process::ExitCode {
///     let shout = inline(|work| Ok(Product::bytes(work.entity.as_str().to_uppercase())));
///     App::new().transform("shout", shout).main()
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
        Self { registry: builtin::registry() }
    }

    /// Adds a transform without options, which a graph file runs by `use: NAME`. One of the same name is replaced.
    pub fn transform(self, name: impl Into<Cow<'static, str>>, factory: TransformFactory) -> Self {
        self.register(Entry::native(name, factory))
    }

    /// Adds a transform with options, inputs and outputs of its own. One of the same name is replaced.
    pub fn register(mut self, entry: Entry) -> Self {
        self.registry.register(entry);
        self
    }

    /// The transforms that a graph file may name.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Reads the command line, does what it says, and tells how it went.
    pub fn main(self) -> ExitCode {
        #[cfg(feature = "faults")]
        let this = {
            euterpe_engine::faults::install();
            self.register(builtin::faulty::entry())
        };
        #[cfg(not(feature = "faults"))]
        let this = self;
        let command = match cli::Command::read() {
            Ok(command) => command,
            Err(error) => {
                let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
                // A closed pipe while printing help is nobody's fault.
                error.print().ok();
                return exit.into();
            }
        };
        telemetry::start(command.verbose, command.log_format());
        enable_reaper();
        survive_large_files();
        match command.run(&this.registry) {
            Ok(exit) => exit.into(),
            Err(error) => {
                telemetry::say_error(&sentence(&error));
                let exit = if error.is::<euterpe_engine::Mistake>() { Exit::Usage } else { Exit::Failed };
                exit.into()
            }
        }
    }
}

/// An error with its causes, but for those whose words it has already.
fn sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| match () {
        () if said.is_empty() => cause,
        () if said.contains(&cause) => said,
        () => format!("{said}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn an_error_says_each_cause_once() {
        let error = anyhow!("no room").context("could not store `a`: no room").context("could not keep the record");
        assert_eq!(sentence(&error), "could not keep the record: could not store `a`: no room");
    }
}
