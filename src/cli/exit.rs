//! How the program ends.

use std::process::ExitCode;

/// How the program ends; the codes are part of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well: 0.
    Ok,
    /// It failed: 1.
    Failed,
    /// The command line makes no sense: 2.
    Usage,
    /// The graph file is not valid: 3.
    GraphInvalid,
    /// Finished, and some entities are dead letters: 4.
    DeadLetters,
    /// Stopped by a signal: 130.
    Interrupted,
}

impl Exit {
    /// The code that the operating system gets.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::GraphInvalid => 3,
            Exit::DeadLetters => 4,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}
