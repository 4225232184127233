//! Dead letters that are left out: those of runs with other stores or of another graph file, unless such a run is named.

use std::collections::BTreeMap;

use euterpe_actors::ids::RunId;
use euterpe_actors::state::LetterOwner;

use super::Session;

/// Tells the letters of other runs, and counts them.
pub(super) struct OtherRuns<'s> {
    session: &'s Session,
    /// Whether a run is named: then its letters are meant, whatever it had.
    is_named: bool,
    known: BTreeMap<RunId, bool>,
    left_out: BTreeMap<RunId, u64>,
}

impl<'s> OtherRuns<'s> {
    /// None left out so far.
    pub fn of(session: &'s Session, is_named: bool) -> Self {
        Self { session, is_named, known: BTreeMap::new(), left_out: BTreeMap::new() }
    }

    /// Whether letters of `owner` are left out; if so, counts them.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn has(&mut self, owner: LetterOwner, letters: u64) -> anyhow::Result<bool> {
        let run = match owner {
            LetterOwner::Run(run) if !self.is_named => run,
            LetterOwner::Run(_) | LetterOwner::Inbox => return Ok(false),
        };
        let is_other = match self.known.get(&run) {
            Some(known) => *known,
            None => *self.known.entry(run).or_insert(self.session.is_other(run).await?),
        };
        if is_other && letters > 0 {
            *self.left_out.entry(run).or_default() += letters;
        }
        Ok(is_other)
    }

    /// Says what was left out.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn tell(self) -> anyhow::Result<()> {
        for (run, count) in self.left_out {
            let had = if self.session.is_of_other_file(run).await? { "another graph file" } else { "other stores" };
            tracing::warn!(
                "the dead letters of run {run} are left out ({count}): it had {had}; --run {run} means them"
            );
        }
        Ok(())
    }
}
