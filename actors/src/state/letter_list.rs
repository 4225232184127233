//! Many dead letters in little memory, by what their keys say: about fifty bytes for each.

use super::dead_letter::LetterOwner;
use super::letter_key::{Holds, LetterKey, entity_of, letter_number, target_number};
use crate::ids::JobName;
use crate::outcome::Reason;

/// Dead letters that were listed, in the order of run, job and entity. Of letters that are one, the newest is meant.
#[derive(Debug, Default)]
pub struct LetterList {
    /// The names of all entities, one behind the other.
    names: String,
    places: Vec<(LetterOwner, JobName)>,
    lines: Vec<Line>,
    /// The keys of letters that their own names do not tell.
    keys: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    name: u32,
    length: u8,
    reason: Reason,
    holds: Holds,
    place: u32,
    key: u32,
    digest: u64,
    millis: u64,
}

/// The number of a key that is told by what it says.
const TOLD: u32 = u32::MAX;

impl LetterList {
    /// Adds a letter; `key` where it lies under another key than what is said of it tells. Whether there was room for it.
    pub(super) fn push(&mut self, said: LetterKey<'_>, key: Option<String>) -> Option<()> {
        let place = self.place(said.owner, said.job)?;
        let name = u32::try_from(self.names.len()).ok()?;
        let length = u8::try_from(said.name.len()).ok()?;
        let LetterKey { digest, millis, holds, reason, .. } = said;
        let key = match key {
            None => TOLD,
            Some(key) => {
                self.keys.push(key);
                u32::try_from(self.keys.len() - 1).ok()?
            }
        };
        self.names.push_str(said.name);
        self.lines.push(Line { name, length, reason, holds, place, key, digest, millis });
        Some(())
    }

    /// The number of a run and job. Listings bring the letters of one behind the other.
    fn place(&mut self, owner: &str, job: &str) -> Option<u32> {
        let owner: LetterOwner = owner.parse().ok()?;
        let is_it = |place: &(LetterOwner, JobName)| place.0 == owner && place.1.as_str() == job;
        let known = match self.lines.last().map(|line| line.place) {
            Some(last) if is_it(&self.places[last as usize]) => Some(last as usize),
            _ => self.places.iter().position(is_it),
        };
        let at = match known {
            Some(at) => at,
            None => {
                self.places.push((owner, JobName::new(job).ok()?));
                self.places.len() - 1
            }
        };
        u32::try_from(at).ok()
    }

    /// Brings all into order, after the last was added.
    pub(super) fn sorted(mut self) -> Self {
        let mut order: Vec<u32> = (0..self.places.len() as u32).collect();
        order.sort_unstable_by_key(|at| &self.places[*at as usize]);
        let mut rank = vec![0; order.len()];
        order.iter().enumerate().for_each(|(new, old)| rank[*old as usize] = new as u32);
        self.places.sort_unstable();
        self.lines.iter_mut().for_each(|line| line.place = rank[line.place as usize]);
        let names = &self.names;
        let name = |line: &Line| &names[line.name as usize..line.name as usize + usize::from(line.length)];
        self.lines.sort_unstable_by(|one, other| {
            let place = one.place.cmp(&other.place).then_with(|| name(one).cmp(name(other)));
            place
                .then(one.digest.cmp(&other.digest))
                // What a former version wrote is older than what this one wrote of the same, whatever the clocks said.
                .then_with(|| (one.key == TOLD).cmp(&(other.key == TOLD)))
                .then_with(|| (one.millis, one.reason, one.holds).cmp(&(other.millis, other.reason, other.holds)))
        });
        self
    }

    /// The letters.
    pub fn iter(&self) -> impl Iterator<Item = Listed<'_>> {
        let newest = |at: &usize| self.lines.get(at + 1).is_none_or(|next| !self.are_one(&self.lines[*at], next));
        (0..self.lines.len()).filter(newest).map(|at| Listed { list: self, at })
    }

    /// The newest letter of each target in some lists, in the order of job and entity, of those that are meant.
    pub fn newest_of_targets<'l>(lists: &'l [Self], is_meant: impl Fn(&Listed<'l>) -> bool) -> Vec<Listed<'l>> {
        let mut letters: Vec<Listed<'l>> = lists.iter().flat_map(Self::iter).filter(is_meant).collect();
        letters.sort_unstable_by(|one, other| (one.job(), one.name()).cmp(&(other.job(), other.name())));
        letters.dedup_by(|next, kept| {
            let same = (next.job(), next.name()) == (kept.job(), kept.name());
            if same && next.millis() > kept.millis() {
                *kept = *next;
            }
            same
        });
        letters
    }

    /// How many letters there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn name(&self, line: &Line) -> &str {
        &self.names[line.name as usize..line.name as usize + usize::from(line.length)]
    }

    fn are_one(&self, one: &Line, other: &Line) -> bool {
        (one.place, one.digest) == (other.place, other.digest) && self.name(one) == self.name(other)
    }

    fn key(&self, line: &Line) -> String {
        if line.key != TOLD {
            return self.keys[line.key as usize].clone();
        }
        let (owner, job) = &self.places[line.place as usize];
        let Line { digest, millis, holds, reason, .. } = *line;
        LetterKey { owner: &owner.to_string(), job: job.as_str(), name: self.name(line), digest, millis, holds, reason }
            .to_string()
    }
}

/// One of the letters.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'l> {
    list: &'l LetterList,
    at: usize,
}

impl<'l> Listed<'l> {
    fn line(&self) -> &'l Line {
        &self.list.lines[self.at]
    }

    /// The name of its entity: the entity itself where it is short and plain.
    pub fn name(&self) -> &'l str {
        self.list.name(self.line())
    }

    /// Whose it is.
    pub fn owner(&self) -> LetterOwner {
        self.list.places[self.line().place as usize].0
    }

    /// The job that gave up.
    pub fn job(&self) -> &'l JobName {
        &self.list.places[self.line().place as usize].1
    }

    /// The entity; none where its name is long, and only the letter itself tells it.
    pub fn entity(&self) -> Option<String> {
        entity_of(self.name())
    }

    /// Why it was given up.
    pub fn reason(&self) -> Reason {
        self.line().reason
    }

    /// When, in milliseconds after the Unix epoch by the clock of the node; later where that clock was behind that of a node
    /// that gave up before.
    pub fn millis(&self) -> u64 {
        self.line().millis
    }

    /// What it holds.
    pub fn holds(&self) -> Holds {
        self.line().holds
    }

    /// The key under which it lies.
    pub fn key(&self) -> String {
        self.list.key(self.line())
    }

    /// The keys of those that it replaced and that are still there, the oldest first: whoever removes it removes them before.
    pub fn older(&self) -> Vec<String> {
        let before = self.list.lines[..self.at].iter().rev();
        let mut older: Vec<String> =
            before.take_while(|line| self.list.are_one(line, self.line())).map(|line| self.list.key(line)).collect();
        older.reverse();
        older
    }

    /// A number for the job and the entity: the same for all letters of one target.
    pub fn target(&self) -> u128 {
        target_number(self.job().as_str(), self.name())
    }

    /// Whether another letter is of the same run, job and entity.
    pub fn is_beside(&self, other: &Listed<'_>) -> bool {
        (self.owner(), self.job()) == (other.owner(), other.job()) && self.name() == other.name()
    }

    /// A number for the letter: the same for all letters that are one.
    pub fn identity(&self) -> u128 {
        let (owner, name) = (self.owner().to_string(), self.name());
        letter_number(&owner, self.job().as_str(), name, self.line().digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_letters_that_are_one_the_newest_is_meant_and_names_the_others() {
        let mut list = LetterList::default();
        let said = |name, digest, millis, reason| LetterKey {
            owner: "inbox",
            job: "b",
            name,
            digest,
            millis,
            holds: Holds::Message,
            reason,
        };
        for (name, digest, millis, reason) in [
            ("t-2", 1, 5, Reason::Failed),
            ("t-1", 1, 9, Reason::Timeout),
            ("t-1", 1, 8, Reason::Failed),
            ("t-1", 2, 7, Reason::Fatal),
        ] {
            list.push(said(name, digest, millis, reason), None).expect("room");
        }
        list.push(said("t-1", 1, 99, Reason::Failed), Some("dead/inbox/b/t-1/01.json".into())).expect("room");
        let list = list.sorted();
        let told: Vec<_> =
            list.iter().map(|one| (one.entity().expect("short"), one.reason(), one.older().len())).collect();
        assert_eq!(
            told,
            [("t-1".into(), Reason::Timeout, 2), ("t-1".into(), Reason::Fatal, 0), ("t-2".into(), Reason::Failed, 0)]
        );
        let first = list.iter().next().expect("one");
        assert_eq!(first.older()[0], "dead/inbox/b/t-1/01.json");
        assert_eq!(first.key(), said("t-1", 1, 9, Reason::Timeout).to_string());
        assert_eq!(list.len(), 3);
    }
}
