//! The names that cannot be ids and that somebody dropped: met again in a source, or gone from it.

use std::collections::HashSet;

use euterpe_actors::state::is_dropped;

use super::passed::{Passed, PassedKind};
use super::sink::Sink;

/// The dropped names of a run: read when the first name comes that cannot be an id.
#[derive(Default)]
pub(super) struct DroppedNames {
    /// The sources that the run lists.
    sources: Vec<String>,
    known: Option<HashSet<String>>,
    met: HashSet<String>,
    count: u64,
}

impl DroppedNames {
    /// Those of a run that lists these sources.
    pub(super) fn in_sources(sources: Vec<String>) -> Self {
        Self { sources, ..Self::default() }
    }

    /// Whether a name was dropped; then it is counted.
    pub(super) async fn has(&mut self, sink: &Sink<'_>, name: &str) -> anyhow::Result<bool> {
        let known = match self.known.take() {
            Some(known) => known,
            None => sink.running.keep_record(async || sink.workspace.state.dropped_names().await).await?,
        };
        let has = is_dropped(name, &known);
        self.known = Some(known);
        if has {
            self.count += 1;
            self.met.insert(name.to_owned());
        }
        Ok(has)
    }

    /// Ends the drops of names that are gone from the sources, now that these were listed to their ends: a file that comes
    /// later is another one.
    pub(super) async fn end_those_gone(&self, sink: &Sink<'_>) -> anyhow::Result<()> {
        if self.sources.is_empty() {
            return Ok(());
        }
        let state = &sink.workspace.state;
        sink.running.keep_record(async || state.end_drops(&self.sources, &self.met).await).await?;
        Ok(())
    }

    /// Adds those that were met to what a listing passed over.
    pub(super) fn counted(&self, mut passed: Passed) -> Passed {
        (0..self.count).for_each(|_| passed.add(PassedKind::Dropped));
        passed
    }
}
