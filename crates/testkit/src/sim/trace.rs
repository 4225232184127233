//! What happened in a simulation, in order, as one number that two equal runs share.

use std::fmt;

use xxhash_rust::xxh3::Xxh3;

/// The events of one simulation, hashed as they happen.
pub(super) struct Trace {
    hash: Xxh3,
    line: String,
    verbose: bool,
}

impl Trace {
    /// An empty trace; `verbose` prints each event as well.
    pub(super) fn new(verbose: bool) -> Self {
        Self { hash: Xxh3::new(), line: String::new(), verbose }
    }

    /// Takes note of an event.
    pub(super) fn note(&mut self, event: fmt::Arguments<'_>) {
        self.line.clear();
        // Writing to a string cannot fail.
        fmt::write(&mut self.line, event).expect("a string takes all");
        self.line.push('\n');
        self.hash.update(self.line.as_bytes());
        if self.verbose {
            print!("{}", self.line);
        }
    }

    /// The hash of all events so far.
    pub(super) fn digest(&self) -> u64 {
        self.hash.digest()
    }
}
