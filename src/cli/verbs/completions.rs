//! `completions`: what a shell needs to complete this program's command line.

use clap_complete::Shell;

use crate::cli::Exit;
use crate::cli::page::Output;

/// Write a shell's completions, to be kept where the shell looks for them.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the completions of `command`.
///
/// # Errors
/// Where standard output cannot be written.
pub fn run(args: &Args, mut command: clap::Command, out: Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "euterpe", &mut script);
    out.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}
