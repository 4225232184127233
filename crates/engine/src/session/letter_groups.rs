//! Dead letters by job and reason, counted by their keys: only those are read that are shown, and those whose output is there.

use std::collections::{BTreeMap, BTreeSet};

use euterpe_actors::ids::JobName;
use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{DeadLetter, FoundLetter, Holds, LetterFilter, LetterList, LetterOwner, Listed};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Session;
use super::letters::{Letter, Which, times};
use super::other_runs::OtherRuns;

/// How many letters of a group are tried to be read for its examples, for each that is wanted.
const READ_FOR_EACH: usize = 4;
/// How many letters whose output is there are looked at, to learn whether that makes them good.
const JUDGED: usize = 1_000;
/// How many of them at once: each look may take a bucket's time.
const AT_ONCE: usize = 16;

/// The letters of one job and reason.
#[derive(Debug)]
pub struct LetterGroup {
    /// How many there are, one for each entity.
    pub count: u64,
    /// When the first of them was written, in milliseconds after the Unix epoch.
    pub first: u64,
    /// When the last one was.
    pub last: u64,
    /// Some of them, each with how often its message came.
    pub examples: Vec<(DeadLetter, u64)>,
}

/// Dead letters by job and reason.
#[derive(Debug, Default)]
pub struct LetterGroups {
    /// The groups.
    pub groups: BTreeMap<(JobName, Reason), LetterGroup>,
    /// How many targets were made good since.
    pub made_good: u64,
    /// How many letters can be tried again.
    pub can_retry: u64,
    /// How many cannot.
    pub cannot_retry: u64,
    /// Of how many it was not looked whether they were made good since, for there are too many.
    pub unseen: u64,
}

/// A group that is being counted.
struct Counted<'l> {
    count: u64,
    first: u64,
    last: u64,
    /// Some letters of it, those of the first entities.
    some: Vec<Listed<'l>>,
}

impl Session {
    /// Counts the dead letters that are meant, by job and by the reason of the newest of each target, with some examples.
    ///
    /// # Errors
    /// As [`Session::letters`].
    pub async fn letter_groups(&self, which: &Which, examples: usize) -> anyhow::Result<LetterGroups> {
        let filters = self.filters(which).await?;
        let (mut others, mut lists) = (OtherRuns::of(self, which.run.is_some()), Vec::new());
        for filter in &filters {
            lists.push(self.workspace.state.list_letters(filter).await?);
        }
        let mut owners: BTreeMap<LetterOwner, u64> = BTreeMap::new();
        lists.iter().flat_map(LetterList::iter).for_each(|one| *owners.entry(one.owner()).or_default() += 1);
        let mut left_out = BTreeSet::new();
        for (owner, count) in owners {
            if others.has(owner, count).await? {
                left_out.insert(owner);
            }
        }
        others.tell().await?;
        let mut newest = LetterList::newest_of_targets(&lists, |one| !left_out.contains(&one.owner()));
        let meant = LetterFilter { entity: None, ..filters.first().cloned().unwrap_or_default() };
        let mut told = LetterGroups::default();
        let mut bad = Vec::new();
        self.judge(&meant, &mut newest, &mut told, &mut bad).await?;
        let mut groups: BTreeMap<(JobName, Reason), Counted<'_>> = BTreeMap::new();
        for one in newest {
            let again = self.can_retry(one.job(), one.holds() != Holds::Nothing);
            *if again { &mut told.can_retry } else { &mut told.cannot_retry } += 1;
            let millis = one.millis();
            let group = groups.entry((one.job().clone(), one.reason())).or_insert_with(|| Counted::none(millis));
            group.add(one, examples * READ_FOR_EACH);
        }
        for (group, counted) in groups {
            let counted = self.with_examples(&meant, counted, examples, &mut told).await?;
            told.groups.extend((counted.count > 0).then_some((group, counted)));
        }
        for letter in bad {
            self.add_read(letter, examples, &mut told);
        }
        Ok(told)
    }

    /// Takes those out of the letters whose output is there: they are made good, or each is told by what it says.
    async fn judge(
        &self,
        meant: &LetterFilter,
        newest: &mut Vec<Listed<'_>>,
        told: &mut LetterGroups,
        bad: &mut Vec<DeadLetter>,
    ) -> anyhow::Result<()> {
        let seen = self.outputs_of(newest).await?;
        let (looked_at, others) = seen.there.split_at(seen.there.len().min(JUDGED));
        told.unseen = seen.unseen + others.len() as u64;
        let letters = looked_at.iter().map(|place| {
            let one = newest[*place];
            let (job, told, key) = (one.job().clone(), one.entity(), one.key());
            async move {
                let entity = match told {
                    Some(entity) => Some(entity),
                    None => self.workspace.state.letter(&key).await?.map(|letter| letter.entity),
                };
                let Some(entity) = entity else { return Ok((*place, Vec::new())) };
                anyhow::Ok((*place, self.letters_of_target(meant, &job, entity).await?))
            }
        });
        let letters: Vec<_> = letters.collect();
        let mut letters = stream::iter(letters).buffered(AT_ONCE);
        let mut taken_out = vec![false; newest.len()];
        while let Some((place, letters)) = letters.try_next().await? {
            let Some(last) = letters.iter().max_by_key(|found| found.letter.millis) else { continue };
            if !last.made_good {
                continue;
            }
            taken_out[place] = true;
            match letters.iter().filter(|found| !found.made_good).max_by_key(|found| found.letter.millis) {
                Some(another) => bad.push(another.letter.clone()),
                None => told.made_good += 1,
            }
        }
        drop(letters);
        let mut taken_out = taken_out.into_iter();
        newest.retain(|_| !taken_out.next().unwrap_or(false));
        Ok(())
    }

    /// The letters that are meant of one target.
    async fn letters_of_target(
        &self,
        meant: &LetterFilter,
        job: &JobName,
        entity: String,
    ) -> anyhow::Result<Vec<Letter>> {
        let filter = LetterFilter { job: Some(job.clone()), entity: Some(entity), ..meant.clone() };
        let (mut letters, mut others) = (Vec::new(), OtherRuns::of(self, meant.run.is_some()));
        for FoundLetter { key, older, letter } in self.workspace.state.find_letters(&filter).await? {
            if !others.has(letter.owner(), 0).await? {
                let made_good = self.is_made_good(&letter).await?;
                letters.push(Letter { key, older, letter, made_good });
            }
        }
        Ok(letters)
    }

    /// How many targets have dead letters of a run, by job and by the reason of the newest.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn dead_by_reason(&self, owner: LetterOwner) -> anyhow::Result<BTreeMap<(JobName, Reason), u64>> {
        let filter = LetterFilter { run: Some(owner), ..LetterFilter::default() };
        let list = [self.workspace.state.list_letters(&filter).await?];
        let mut counts = BTreeMap::new();
        for one in LetterList::newest_of_targets(&list, |_| true) {
            *counts.entry((one.job().clone(), one.reason())).or_default() += 1;
        }
        Ok(counts)
    }

    fn can_retry(&self, job: &JobName, has_message: bool) -> bool {
        has_message && self.workspace.nodes.find(job.as_str()).is_some()
    }

    /// Reads the examples of a group. What cannot be read is none of it.
    async fn with_examples(
        &self,
        meant: &LetterFilter,
        counted: Counted<'_>,
        wanted: usize,
        told: &mut LetterGroups,
    ) -> anyhow::Result<LetterGroup> {
        let Counted { mut count, first, last, some } = counted;
        let mut examples = Vec::new();
        for one in some {
            if examples.len() == wanted {
                break;
            }
            let Some(letter) = self.workspace.state.letter(&one.key()).await? else {
                count -= 1;
                let again = self.can_retry(one.job(), one.holds() != Holds::Nothing);
                *if again { &mut told.can_retry } else { &mut told.cannot_retry } -= 1;
                continue;
            };
            let mut came = 1;
            if letter.is_unreadable() {
                let all = self.letters_of_target(meant, &letter.job, letter.entity.clone()).await?;
                came = times(&letter, &all);
            }
            examples.push((letter, came));
        }
        Ok(LetterGroup { count, first, last, examples })
    }

    /// Adds a letter that was read.
    fn add_read(&self, letter: DeadLetter, examples: usize, told: &mut LetterGroups) {
        let again = self.can_retry(&letter.job, letter.message.is_some());
        *if again { &mut told.can_retry } else { &mut told.cannot_retry } += 1;
        let none = LetterGroup { count: 0, first: letter.millis, last: letter.millis, examples: Vec::new() };
        let group = told.groups.entry((letter.job.clone(), letter.reason)).or_insert(none);
        group.count += 1;
        (group.first, group.last) = (group.first.min(letter.millis), group.last.max(letter.millis));
        if group.examples.len() < examples {
            group.examples.push((letter, 1));
        }
    }
}

impl<'l> Counted<'l> {
    fn none(millis: u64) -> Self {
        Self { count: 0, first: millis, last: millis, some: Vec::new() }
    }

    fn add(&mut self, one: Listed<'l>, most: usize) {
        self.count += 1;
        (self.first, self.last) = (self.first.min(one.millis()), self.last.max(one.millis()));
        let at = self.some.partition_point(|other| other.name() <= one.name());
        if at < most {
            self.some.insert(at, one);
            self.some.truncate(most);
        }
    }
}
