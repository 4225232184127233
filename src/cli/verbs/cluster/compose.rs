//! Calls of Docker Compose for one cluster, as they are typed and as they are made.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::file::compose_file;
use super::program::Program;
use super::project::{has_containers, project};
use super::set::Set;
use crate::cli::Exit;
use crate::cli::page::{Output, words::for_shell};
use crate::telemetry;

/// The profile of the services that watch the cluster.
const OBSERVABILITY: &str = "observability";

/// Calls of Compose for one cluster.
#[derive(Debug)]
pub struct Compose {
    /// How it is called.
    pub program: Program,
    /// The compose file.
    pub file: PathBuf,
    /// What Compose calls the cluster, where nobody has named it.
    project: Option<String>,
    /// The profiles whose services are meant, too.
    profiles: Vec<String>,
    /// What the person has set.
    pub set: Set,
    /// What the compose file is told.
    pub variables: Vec<(&'static str, String)>,
}

impl Compose {
    /// For a file, or the one that belongs to a graph file.
    ///
    /// # Errors
    /// Where there is no such file, or no Compose.
    pub fn find(file: Option<&Path>, graph: Option<&Path>) -> anyhow::Result<Self> {
        let file = compose_file(file, Path::new(""), graph)?;
        let set = Set::beside(&file);
        let program = Program::find()?;
        let project = project(&file, &set, has_containers);
        Ok(Self { program, file, project, profiles: Vec::new(), set, variables: Vec::new() })
    }

    /// Means the services that watch the cluster, too. The profiles that the person has set stay: what is typed would
    /// otherwise replace them.
    pub fn observed(mut self) -> Self {
        let set = self.set.get("COMPOSE_PROFILES").unwrap_or_default();
        let all = set.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != OBSERVABILITY);
        self.profiles = all.chain([OBSERVABILITY]).map(str::to_owned).collect();
        self
    }

    /// The words of a call.
    fn words<'w>(&'w self, file: &'w str, words: &[&'w str]) -> Vec<&'w str> {
        let mut all = [self.program.words(), &["-f", file]].concat();
        if let Some(project) = &self.project {
            all.extend(["-p", project]);
        }
        all.extend(self.profiles.iter().flat_map(|profile| ["--profile", profile.as_str()]));
        all.extend(words);
        all
    }

    /// The call with these words, as a person types it, behind what the compose file is told.
    pub fn typed(&self, words: &[&str]) -> String {
        let file = self.file.display().to_string();
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={}", for_shell(value)));
        let call = self.words(&file, words).into_iter().map(for_shell);
        variables.chain(call).collect::<Vec<_>>().join(" ")
    }

    /// Prints the call and makes it, unless it is only to be printed.
    ///
    /// # Errors
    /// Where Compose cannot be started.
    pub fn call(&self, words: &[&str], dry_run: bool, out: Output) -> anyhow::Result<Exit> {
        let typed = self.typed(words);
        if dry_run {
            match out.json {
                true => out.fact(&serde_json::json!({"command": typed}))?,
                false => out.text(&typed)?,
            }
            return Ok(Exit::Ok);
        }
        telemetry::say(&typed);
        let file = self.file.to_string_lossy();
        let call = self.words(&file, words);
        let [first, rest @ ..] = &call[..] else { return Ok(Exit::Failed) };
        let mut command = Command::new(first);
        command.args(rest).envs(self.variables.iter().map(|(name, value)| (name, value)));
        let status = command.status().with_context(|| format!("could not start `{first}`"))?;
        Ok(if status.success() { Exit::Ok } else { Exit::Failed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_printed_as_it_can_be_typed() {
        let mut compose = Compose {
            program: Program::Plugin,
            file: "a b/c.yml".into(),
            project: None,
            profiles: Vec::new(),
            set: Set::of("COMPOSE_PROFILES=mine, observability", []),
            variables: vec![("A", "x y".into())],
        };
        assert_eq!(
            compose.typed(&["up", "--scale", "node=3"]),
            "A='x y' docker compose -f 'a b/c.yml' up --scale node=3"
        );
        compose.project = Some("ab-1".into());
        assert_eq!(compose.typed(&["ps"]), "A='x y' docker compose -f 'a b/c.yml' -p ab-1 ps");
        let observed = "A='x y' docker compose -f 'a b/c.yml' -p ab-1 --profile mine --profile observability ps";
        assert_eq!(compose.observed().typed(&["ps"]), observed, "what is set is not lost");
    }
}
