//! Garbage collection: what dead processes left behind, and records of runs that nobody needs any more.

mod kinds;
mod records;
mod unreadable;

use std::time::Duration;

use super::Session;

/// A kind of what is left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GarbageKind {
    /// Private folders of processes that died.
    Scratch,
    /// Uploads in parts that nobody completes.
    Uploads,
    /// Temporary files of writers that died.
    TemporaryFiles,
    /// Claims of nodes that died.
    Claims,
    /// Records of runs that are long done.
    Records,
    /// Records that cannot be read.
    Unreadable,
}

impl GarbageKind {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch of dead processes",
            Self::Uploads => "unfinished uploads",
            Self::TemporaryFiles => "temporary files",
            Self::Claims => "claims of dead nodes",
            Self::Records => "records of runs",
            Self::Unreadable => "unreadable records",
        }
    }
}

/// What was found of one kind.
#[derive(Debug)]
pub struct Garbage {
    /// The kind.
    pub kind: GarbageKind,
    /// How many.
    pub count: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What could not be looked at or removed.
    pub problems: Vec<String>,
}

impl Garbage {
    fn none(kind: GarbageKind) -> Self {
        Self { kind, count: 0, bytes: 0, problems: Vec::new() }
    }

    fn add(&mut self, count: u64, bytes: u64) {
        self.count += count;
        self.bytes += bytes;
    }
}

impl Session {
    /// Removes what nobody has written to for `age`, and the records of runs that began `runs_age` ago where every entity is
    /// done or skipped; a dry run only finds it. Never touches outputs.
    ///
    /// Open the session to look: opening to write sweeps some of it before it can be counted. Hold
    /// [`Workspace::share`](crate::Workspace::share) meanwhile: a run in one process may be taking up the very run whose
    /// records would go.
    pub async fn gc(&self, age: Duration, runs_age: Duration, dry_run: bool) -> Vec<Garbage> {
        let workspace = &self.workspace;
        vec![
            kinds::scratch(workspace, age, dry_run),
            kinds::uploads(workspace, age, dry_run).await,
            kinds::temporary(workspace, age, dry_run).await,
            kinds::claims(workspace, age, dry_run).await,
            records::runs(self, runs_age, dry_run).await,
        ]
    }
}
