//! Where facts go: standard output, as text or as JSON; a reader that went away is no failure.

use std::io::{self, Write};

use serde::Serialize;

/// How a verb prints facts.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Whether as JSON.
    pub json: bool,
}

impl Output {
    /// Prints `text`, and a line end where it has none.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn text(self, text: &str) -> io::Result<()> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        forgive_closed_pipe(write!(io::stdout().lock(), "{text}{end}"))
    }

    /// Prints whole lines; whether anybody reads them.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn lines(self, lines: &str) -> io::Result<bool> {
        match io::stdout().lock().write_all(lines.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            other => other.map(|()| true),
        }
    }

    /// Prints `fact` as one line of JSON.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub fn fact(self, fact: &impl Serialize) -> io::Result<()> {
        let line = serde_json::to_string(fact).map_err(io::Error::other)?;
        self.text(&line)
    }
}

fn forgive_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
