//! A retry: what failed for good is tried again, with all who waited for it.
//!
//! A letter stays until everything that it stands for came to its end: then it is removed where its output is there, and
//! a further failure has written it anew in its place. So dying at any moment leaves the letter, and at worst work
//! that is already done is found done by the next retry.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use euterpe_actors::edges::parent_of;
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::memory::Presence;
use euterpe_actors::message::{Force, Target};
use euterpe_actors::outcome::Reason;
use euterpe_actors::standing::standing_skip;
use euterpe_actors::state::{LetterFilter, LetterList, LetterOwner, Listed, Manifest, Selection};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::letters::{AT_ONCE, Letter, by_target};
use super::{REMEMBERED, Session};
use crate::clock::salt;
use crate::run::follow::follow;
use crate::run::over::Over;
use crate::run::retrial::Retrial;
#[cfg(feature = "amqp")]
use crate::run::retry_ends::RetryEnds;
use crate::run::running::Running;
use crate::run::watch::Watch;

/// How a retry ended.
#[derive(Debug)]
pub struct Retried {
    /// How many jobs of entities were tried again.
    pub targets: usize,
    /// Letters that cannot be tried again.
    pub hopeless: Vec<Letter>,
    /// Of how many of them all letters are gone, since what they stood for is made.
    pub good: usize,
    /// Letters that are still there, or new.
    pub left: Vec<Letter>,
    /// Those of them, and of the jobs made good, whose inputs changed since their run made them: a retry goes on with what is there,
    /// and only a run makes that anew.
    pub out_of_date: Vec<Target>,
    /// Whether the retry was brought to its end, and not stopped.
    pub complete: bool,
}

/// Letters after a retry.
struct Sorted {
    /// Those that are gone.
    good: Vec<Letter>,
    /// Those that are still there.
    left: Vec<Letter>,
}

impl Session {
    /// Tries dead letters again, here or over a broker, and follows them to the end.
    ///
    /// # Errors
    /// [`Mistake`](crate::Mistake) for letters of another graph file; workers that cannot begin; what keeps the records from
    /// being kept.
    pub async fn retry(&self, letters: Vec<Letter>, over: Option<Over>, watch: &dyn Watch) -> anyhow::Result<Retried> {
        let (workspace, state) = (&self.workspace, &self.workspace.state);
        self.refuse_other_files(&letters).await?;
        if over.is_none() {
            workspace.prepare(|_| true).await?;
        }
        let (meant, hopeless): (Vec<Letter>, Vec<Letter>) =
            letters.into_iter().partition(|letter| letter.can_retry(workspace));
        let targets = by_target(&meant).len();
        if meant.is_empty() {
            let (left, out_of_date) = (Vec::new(), Vec::new());
            return Ok(Retried { targets, hopeless, good: 0, left, out_of_date, complete: true });
        }
        let origins: BTreeSet<LetterOwner> = meant.iter().map(|found| found.letter.owner()).collect();
        let before = self.letters_of(&origins).await?;
        // Of very many letters only their numbers are kept while the others are tried again.
        let mut known: Vec<u128> = before.iter().flat_map(LetterList::iter).map(|one| one.identity()).collect();
        known.sort_unstable();
        #[cfg(feature = "amqp")]
        let ends = match &over {
            Some(_) => RetryEnds::of(meant.iter().map(|found| (found.key.as_str(), &found.letter)), &before),
            None => RetryEnds::default(), // nobody asks for them
        };
        drop(before);
        #[cfg(feature = "amqp")]
        if let Some(over) = &over {
            let runs: BTreeSet<RunId> =
                meant.iter().filter_map(|found| Some(found.letter.message.as_ref()?.run)).collect();
            for run in runs {
                state.readmit(run, over.setup.digest).await?;
            }
        }
        let messages = meant.iter().filter_map(|found| found.letter.message.clone()).collect();
        // Not a run of its own: the messages keep theirs, and only borrow this one's workers.
        let manifest = Manifest {
            run: workspace.next_run().await?,
            graph: workspace.plan.graph.clone(),
            file: None,
            digest: workspace.nodes.digest,
            selection: Selection::default(),
            wave: salt(),
            resolved: serde_json::Value::Null,
            given: BTreeMap::new(),
        };
        let presence = Arc::new(Presence::up_to(REMEMBERED));
        let mut running = Running::new(workspace, manifest, presence, over.is_some());
        // What killed a process once may do so again.
        running.isolate = meant.iter().any(|found| found.letter.reason == Reason::KilledWorker);
        let retrial = Retrial {
            messages,
            #[cfg(feature = "amqp")]
            ends,
            by_nodes: over.is_some(),
        };
        let ended = follow(workspace, &running, over, None, retrial, watch).await?;
        state.reopen_run(running.run()).await?; // there is no such run, so it has no end record either
        let after = self.letters_of(&origins).await?;
        let Sorted { good, mut left } = self.settle(meant, ended.complete, &after).await?;
        let is_known = |one: &Listed<'_>| known.binary_search(&one.identity()).is_ok();
        for one in after.iter().flat_map(LetterList::iter).filter(|one| !is_known(one)) {
            let (key, older) = (one.key(), one.older());
            if let Some(letter) = state.letter(&key).await? {
                left.push(Letter { key, older, letter, made_good: false });
            }
        }
        let (mut gone, stay) = (by_target(&good), by_target(&left));
        gone.retain(|target, _| !stay.contains_key(target));
        let ends = gone.iter().chain(&stay);
        let looked_at = ends.map(|((job, entity), found)| (job, entity.as_str(), !found.made_good)).collect();
        let out_of_date = match self.out_of_date(looked_at).await {
            Ok(targets) => targets,
            // The retry itself is over, and how it ended is known.
            Err(error) => {
                tracing::warn!("cannot tell whether an input of what was tried again is out of date: {error:#}");
                Vec::new()
            }
        };
        let good = gone.len();
        Ok(Retried { targets, hopeless, good, left, out_of_date, complete: ended.complete })
    }

    /// Those of some jobs of entities of which something that they are made from is out of date, or, of those that were not
    /// tried since they were good already, they themselves. What was tried was made from what is there.
    async fn out_of_date(&self, targets: Vec<(&JobName, &str, bool)>) -> anyhow::Result<Vec<Target>> {
        let nodes = &self.workspace.nodes;
        let view = &self.workspace.refreshing_view(RunId::NEVER, (Force::None, None), None).await?;
        let look = |(job, entity, was_tried): (&JobName, &str, bool)| {
            let target = nodes.find(job.as_str()).zip(EntityId::new(entity).ok());
            async move {
                let Some((at, entity)) = target else { return anyhow::Ok(None) };
                let job = nodes.job(at);
                let Some(parts) = job.form.split(&entity) else { return Ok(None) };
                let parents = job.inputs.iter().filter_map(|input| parent_of(nodes, input, &entity, &parts)?.ok());
                let mut made_from: Vec<_> = parents.map(|parent| (parent.at, parent.target.entity)).collect();
                if !was_tried {
                    made_from.push((at, entity.clone()));
                }
                for (at, made_for) in made_from {
                    if view.out_of_date(at, &made_for).await?.is_some() {
                        return Ok(Some(Target { job: job.name.clone(), entity }));
                    }
                }
                Ok(None)
            }
        };
        let looks: Vec<_> = targets.into_iter().map(look).collect();
        stream::iter(looks).buffered(AT_ONCE).try_filter_map(|found| async move { Ok(found) }).try_collect().await
    }

    /// Removes the letters whose targets came to another end, as they lie there by now.
    async fn settle(&self, meant: Vec<Letter>, complete: bool, after: &[LetterList]) -> anyhow::Result<Sorted> {
        let state = &self.workspace.state;
        let numbers: HashSet<u128> = meant.iter().map(|found| found.letter.identity()).collect();
        let now = after
            .iter()
            .flat_map(LetterList::iter)
            .map(|one| (one.identity(), one))
            .filter(|(number, _)| numbers.contains(number));
        let now: HashMap<u128, Listed<'_>> = now.collect();
        let (mut good, mut left) = (Vec::new(), Vec::new());
        for mut found in meant {
            let lies = now.get(&found.letter.identity());
            if complete && self.is_settled(&found).await? {
                if let Some(lies) = lies {
                    state.remove_letter(&lies.key(), &lies.older()).await?;
                }
                good.push(found);
                continue;
            }
            // It failed again, perhaps for another reason.
            if let Some(lies) = lies.filter(|lies| lies.key() != found.key) {
                (found.key, found.older) = (lies.key(), lies.older());
                found.letter = state.letter(&found.key).await?.unwrap_or(found.letter);
            }
            left.push(found);
        }
        Ok(Sorted { good, left })
    }

    /// What letters there are of some runs.
    async fn letters_of(&self, origins: &BTreeSet<LetterOwner>) -> anyhow::Result<Vec<LetterList>> {
        let mut lists = Vec::new();
        for origin in origins {
            let of_it = LetterFilter { run: Some(*origin), ..LetterFilter::default() };
            lists.push(self.workspace.state.list_letters(&of_it).await?);
        }
        Ok(lists)
    }

    /// Whether a letter's target came to another end: its output is there, or the transform declined it.
    async fn is_settled(&self, found: &Letter) -> anyhow::Result<bool> {
        if self.is_made_good(&found.letter).await? {
            return Ok(true);
        }
        let nodes = &self.workspace.nodes;
        let (Some(at), Ok(entity)) = (nodes.find(found.letter.job.as_str()), EntityId::new(&found.letter.entity))
        else {
            return Ok(false);
        };
        let (stores, state) = (&self.workspace.stores, &self.workspace.state);
        Ok(standing_skip(nodes, stores, state, at, &entity).await?.is_some())
    }
}
