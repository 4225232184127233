//! Pruning: outputs that no job and no entity accounts for any more are listed, and removed when asked.
//!
//! ```text
//! sources   lists the sources: which outputs are accounted for, so that they need no look
//! places    lists what lies in the stores that the graph writes to; the rest becomes candidates
//! judge     looks at each candidate: its stamp, the records of its run, the sources of its entity
//! ```

mod judge;
mod places;
mod recorded;
mod report;
mod request;
mod sources;
mod spool;
mod verdict;

use anyhow::{Context, bail};
use futures::stream::{self, StreamExt};

use super::Session;
use crate::clock::now;
use judge::Judge;
use places::Places;
pub use report::{PruneFound, Pruned};
pub use request::PruneRequest;
use spool::Spool;
use verdict::Verdict;
pub use verdict::{LeftAlone, WhyPruned};

/// How many objects are looked at, or removed, at once: each may take a bucket's time.
const AT_ONCE: usize = 32;

impl Session {
    /// Finds, and removes where it is asked to, outputs of jobs that the graph has no more or that write elsewhere now, and of
    /// entities whose sources are gone. Never touches a source, what no run of this graph is known to have made, nor what was
    /// written since this began.
    ///
    /// Open the session to hold the state where something is removed: a run that goes on may be about to need it.
    ///
    /// # Errors
    /// A source that is empty or cannot be listed, and most outputs without a source, unless they are said to be right; what
    /// keeps the stores or the records from being listed. Then nothing was removed.
    pub async fn prune(&self, request: &PruneRequest) -> anyhow::Result<Pruned> {
        let began = now();
        let accounted = sources::accounted(&self.workspace, request.sources_are_right).await?;
        let places = Places::of(&self.workspace);
        let mut pruned = Pruned::default();
        let mut candidates = Spool::new()?;
        pruned.kept = places.list(&self.workspace, &accounted, &mut candidates).await?;
        drop(accounted);
        let judge = Judge::new(self, request, &places, began);
        let mut found = Spool::new()?;
        let asked = &judge;
        let mut judged = stream::iter(candidates.read()?)
            .map(|candidate| async move {
                let candidate = candidate?;
                let verdict = asked.verdict(&candidate).await;
                anyhow::Ok((candidate, verdict))
            })
            .buffered(AT_ONCE);
        while let Some(one) = judged.next().await {
            let (candidate, verdict) = one?;
            if let Ok(Verdict::Prune(..)) = &verdict {
                found.push(&candidate)?;
            }
            pruned.add(&candidate, verdict);
        }
        drop(judged);
        if request.delete && !request.sources_are_right && pruned.is_most() {
            bail!(
                "{} outputs have no source any more, and {} have one: if a disk is not mounted, or a folder was moved, mount it or \
                 put it back; if the catalogue has become so much smaller, say so by --sources-are-right. Nothing was removed",
                pruned.without_entity(),
                pruned.kept,
            );
        }
        if request.delete {
            self.remove_found(&judge, found, &mut pruned).await?;
        }
        Ok(pruned)
    }

    /// Removes what was found, if it is still to be pruned: a source may have come back.
    async fn remove_found(&self, judge: &Judge<'_>, found: Spool, pruned: &mut Pruned) -> anyhow::Result<()> {
        let mut removed = stream::iter(found.read()?)
            .map(|candidate| async move {
                let candidate = candidate?;
                let removed = match judge.verdict(&candidate).await {
                    Ok(Verdict::Prune(..)) => {
                        let storage = self.workspace.stores.get(&candidate.store);
                        storage.remove(&candidate.path).await.map(|()| true)
                    }
                    Ok(_) => Ok(false),
                    Err(error) => Err(error),
                };
                anyhow::Ok(removed.with_context(|| candidate.to_string()))
            })
            .buffered(AT_ONCE);
        while let Some(one) = removed.next().await {
            match one? {
                Ok(true) => pruned.removed += 1,
                Ok(false) => pruned.came_back += 1,
                Err(error) => pruned.problems.push(format!("{error:#}")),
            }
        }
        Ok(())
    }
}
