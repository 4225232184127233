//! The program that is called: Docker Compose, in the version that this machine has.

use std::process::{Command, Stdio};

use anyhow::bail;

/// How Compose is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `docker compose`, version 2.
    Plugin,
    /// `docker-compose`: mostly version 1.29, which many distributions have.
    Alone,
}

impl Program {
    /// The words that it is called by.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Program::Plugin => &["docker", "compose"],
            Program::Alone => &["docker-compose"],
        }
    }

    /// The one that this machine has.
    ///
    /// # Errors
    /// Where it has none.
    pub fn find() -> anyhow::Result<Self> {
        Self::that(|program| {
            let [first, rest @ ..] = program.words() else { return false };
            let mut command = Command::new(first);
            command.args(rest).arg("version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        })
    }

    /// The first one that works.
    fn that(works: impl Fn(Self) -> bool) -> anyhow::Result<Self> {
        match [Program::Plugin, Program::Alone].into_iter().find(|program| works(*program)) {
            Some(program) => Ok(program),
            None => bail!(
                "this machine has no Docker Compose: neither `docker compose` nor `docker-compose` works; install Docker with \
                 its Compose plugin (https://docs.docker.com/compose/install), or the packages docker.io and docker-compose of \
                 Debian and Ubuntu"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use euterpe_engine::Mistake;

    use super::*;

    #[test]
    fn where_there_is_no_compose_it_is_said_what_to_install_and_nothing_that_was_typed_is_blamed() {
        let missing = Program::that(|_| false).expect_err("there is none");
        assert!(missing.to_string().contains("install Docker with its Compose plugin"), "{missing}");
        assert!(!missing.is::<Mistake>(), "the command line is right");
        assert_eq!(Program::that(|program| program == Program::Alone).expect("one works"), Program::Alone);
    }
}
