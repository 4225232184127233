//! Candidates on disk: there may be more of them than memory should hold.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Lines, Seek, Write};

use anyhow::Context;
use euterpe_actors::ids::StoreName;
use serde::{Deserialize, Serialize};

/// An object that lies in a store to which the graph writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Candidate {
    /// The store.
    pub store: StoreName,
    /// Its path.
    pub path: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.store, self.path)
    }
}

/// Candidates in a file without a name.
pub(super) struct Spool(BufWriter<File>);

impl Spool {
    /// An empty one.
    ///
    /// # Errors
    /// No file in the folder for temporary files.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(BufWriter::new(tempfile::tempfile().context("no temporary file for what is to be looked at")?)))
    }

    /// Adds one. A path may hold a line feed; JSON writes it otherwise.
    ///
    /// # Errors
    /// A file that cannot be written to.
    pub fn push(&mut self, candidate: &Candidate) -> anyhow::Result<()> {
        let line = serde_json::to_string(candidate)?;
        writeln!(self.0, "{line}").context("could not write down what is to be looked at")
    }

    /// All of them, in their order.
    ///
    /// # Errors
    /// A file that cannot be written to or read.
    pub fn read(self) -> anyhow::Result<Spooled> {
        let mut file = self.0.into_inner().context("could not write down what is to be looked at")?;
        file.rewind()?;
        Ok(Spooled(BufReader::new(file).lines()))
    }
}

/// Candidates as they are read back.
pub(super) struct Spooled(Lines<BufReader<File>>);

impl Iterator for Spooled {
    type Item = anyhow::Result<Candidate>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.0.next()?;
        Some(line.map_err(anyhow::Error::from).and_then(|line| Ok(serde_json::from_str(&line)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_back_in_its_order_whatever_its_name_holds() {
        let mut spool = Spool::new().expect("a file");
        let store = StoreName::new("out").expect("a name");
        let all: Vec<Candidate> = ["a/b", "line\nfeed", "\"", "ü"]
            .map(|path| Candidate { store: store.clone(), path: path.to_owned() })
            .into();
        all.iter().for_each(|one| spool.push(one).expect("written"));
        let back: Vec<Candidate> = spool.read().expect("read").map(|one| one.expect("a candidate")).collect();
        assert_eq!(back, all);
    }
}
