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
pub fn run(args: &Args, command: clap::Command, out: Output) -> anyhow::Result<Exit> {
    out.text(&script(args.shell, command))?;
    Ok(Exit::Ok)
}

fn script(shell: Shell, command: clap::Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut without_hidden(&command), "euterpe", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        // `*::` would hide from zsh all that was typed before the ids, so that no flag could be completed after the graph.
        Shell::Zsh => script.replace("\n'*::", "\n'*:"),
        _ => script,
    }
}

/// The command without the verbs that are for nodes only.
fn without_hidden(command: &clap::Command) -> clap::Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    clap::Command::new("euterpe")
        .version(env!("CARGO_PKG_VERSION"))
        .args(command.get_arguments().cloned())
        .subcommands(verbs)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn completions_name_no_hidden_verb_and_those_of_zsh_go_on_after_the_graph() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = script(shell, crate::cli::Command::command());
            assert!(
                script.contains("publish") && !script.contains("__isolated") && !script.contains("__reap"),
                "{shell}"
            );
            assert!(!script.contains("'*::"), "{shell}");
        }
        let zsh = script(Shell::Zsh, crate::cli::Command::command());
        assert!(zsh.contains("\n'*:"), "the ids are completed");
        assert!(zsh.contains(":_files"), "the graph file is completed");
    }
}
