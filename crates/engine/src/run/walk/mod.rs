//! The catalogue walk: what listings show of a catalogue of any size, in bounded memory.
//!
//! ```text
//! listings ──▶ what exists, and when it came ──▶ memory, up to a bound; beyond it a scratch file, in parts
//! ids      ──▶ as they come; once something was put off, into the same parts
//! at the end of the ids: part by part what exists is shown, and the ids of that part are given
//! ```
//!
//! A part holds some entities with all that the listings showed of them: a listed key tells by its template whose it is. So an
//! entity is decided on while everything about it is known, and never all of the catalogue is. What a key does not tell is not
//! known, and is looked at one by one: absence is never concluded.

mod bounds;
mod facts;
mod known_ids;
mod owners;
mod part_ids;
mod parts;
mod put_off;
mod spool;
#[cfg(test)]
mod tests;
mod walked_ids;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use euterpe_actors::ids::{RunId, StoreName, normal_form};
use euterpe_actors::memory::{Fingerprint, ListedDates, Presence};
use euterpe_actors::plan::NodePlan;
use euterpe_actors::storage::{Dates, Page};

pub use bounds::{Bounds, USUAL};
use facts::{Fact, Facts};
pub use known_ids::KnownIds;
use owners::Owners;
use part_ids::PartIds;
pub use parts::Parts;
pub use put_off::{FoundFile, PutOff};
use spool::Spool;
pub use walked_ids::WalkedIds;

/// In how many parts a catalogue is gone through that does not fit into memory. Of a billion objects one has four million, each
/// of which takes 20 bytes while the part is shown.
const PARTS: usize = 256;

/// What the listings of a run show.
#[derive(Debug)]
pub struct Walk {
    owners: Owners,
    presence: Arc<Presence>,
    dates: Option<Arc<ListedDates>>,
    run: RunId,
    bounds: Bounds,
    scratch: Option<PathBuf>,
    /// What is in memory so far and is to be known only while its part is shown, if it comes to that.
    for_others: Mutex<Vec<(u64, Fingerprint, Dates)>>,
    spools: Mutex<Option<Spools>>,
    goes_by_parts: AtomicBool,
    failed: Mutex<Option<anyhow::Error>>,
}

/// What does not fit into memory.
#[derive(Debug)]
struct Spools {
    facts: Facts,
    ids: Spool,
}

impl Spools {
    fn add_output(&mut self, part: usize, written: Fact, print: Fingerprint, dates: Dates) -> anyhow::Result<()> {
        self.facts.add(part, written, print, dates.written)?;
        match ListedDates::late(dates) {
            Some(arrived) => self.facts.add(part, Fact::Arrived, print, arrived),
            None => Ok(()),
        }
    }
}

impl Walk {
    /// For a run, which learns by `presence` and `dates` what is there. Beyond the bounds it goes by parts, with a scratch file in
    /// the folder `scratch`.
    pub fn bounded(
        plan: &NodePlan,
        presence: Arc<Presence>,
        dates: Option<Arc<ListedDates>>,
        run: RunId,
        bounds: Bounds,
        scratch: PathBuf,
    ) -> Self {
        Self { bounds, scratch: Some(scratch), ..Self::in_memory(plan, presence, dates, run) }
    }

    /// For who goes through no catalogue: what `presence` and `dates` have no room for is looked at one by one.
    pub fn in_memory(plan: &NodePlan, presence: Arc<Presence>, dates: Option<Arc<ListedDates>>, run: RunId) -> Self {
        Self {
            owners: Owners::of(plan),
            presence,
            dates,
            run,
            bounds: Bounds::default(),
            scratch: None,
            for_others: Mutex::default(),
            spools: Mutex::default(),
            goes_by_parts: AtomicBool::new(false),
            failed: Mutex::default(),
        }
    }

    /// Whether times are learned.
    pub fn is_dated(&self) -> bool {
        self.dates.is_some()
    }

    /// Takes a page of a listing of outputs; whether to go on.
    pub fn learn_outputs(&self, store: &StoreName, page: &Page) -> bool {
        let mut objects = page.iter().filter(|listed| listed.problem.is_none()).peekable();
        let room = match &self.scratch {
            None => usize::MAX,
            Some(_) => self.bounds.outputs.saturating_sub(self.presence.len()),
        };
        if room > 0 {
            let outputs = objects.by_ref().take(room).map(|listed| {
                let print = Fingerprint::of(store.as_str(), listed.path);
                self.presence.learn_fingerprint(print, self.run);
                if let Some(tag) = self.scratch.as_ref().and_then(|_| self.owners.for_others(store, listed.path)) {
                    self.for_others().push((tag, print, listed.dates));
                }
                (print, listed.dates)
            });
            match &self.dates {
                Some(dates) => dates.learn_outputs(outputs),
                None => outputs.for_each(drop),
            }
        }
        if objects.peek().is_none() {
            return true;
        }
        self.with_spools(|spools| {
            for listed in objects {
                let print = Fingerprint::of(store.as_str(), listed.path);
                for (tag, for_others) in self.owners.of_output(store, listed.path) {
                    let written = if for_others { Fact::WrittenForOthers } else { Fact::Written };
                    spools.add_output(part_of(tag), written, print, listed.dates)?;
                }
            }
            Ok(())
        })
    }

    /// Takes when a source came; whether to go on.
    pub fn learn_source(&self, store: &StoreName, path: &str, came: Dates) -> bool {
        let Some(dates) = &self.dates else { return true };
        if self.scratch.is_none() || dates.learned().1 < self.bounds.sources {
            dates.learn_source(store, path, came);
            return true;
        }
        let path = normal_form(path);
        if self.owners.is_shared(store, &path) {
            dates.learn_source(store, &path, came);
        }
        let (prints, arrived) = dates.source_prints(store, &path, came);
        self.with_spools(|spools| {
            let mut last = None;
            for part in self.owners.of_source(store, &path).map(part_of) {
                if last.replace(part) == Some(part) {
                    continue; // several jobs have it under one key
                }
                for print in prints.into_iter().flatten() {
                    spools.facts.add(part, Fact::Source, print, arrived)?;
                }
            }
            Ok(())
        })
    }

    /// Whether so many ids may be remembered, each by a fingerprint, to tell which come again. If not, the catalogue is gone
    /// through part by part from now on: within a part it is known which ids come again.
    pub fn has_room_for_ids(&self, ids: usize) -> bool {
        if self.scratch.is_none() || ids < self.bounds.ids {
            return true;
        }
        self.with_spools(|_| Ok(()));
        false
    }

    /// Whether ids are put off until the part that they are in.
    pub fn goes_by_parts(&self) -> bool {
        self.goes_by_parts.load(Ordering::Acquire)
    }

    /// Forgets the ids that were put off, for who goes through the catalogue anew.
    ///
    /// # Errors
    /// A disk that takes no file.
    pub fn begin_again(&self) -> anyhow::Result<()> {
        if self.goes_by_parts() {
            self.with_spools(|spools| spools.ids.clear());
        }
        self.check()
    }

    /// Puts ids off.
    ///
    /// # Errors
    /// A disk that takes no more.
    pub fn put_off(&self, ids: impl Iterator<Item = PutOff>) -> anyhow::Result<()> {
        self.with_spools(|spools| {
            let mut record = Vec::new();
            for id in ids {
                record.clear();
                id.write(&mut record);
                spools.ids.put(part_of(owners::tag(id.entity.as_str())), &[&record])?;
            }
            Ok(())
        });
        self.check()
    }

    /// Why what did not fit into memory could not be put off.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> anyhow::Result<()> {
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The ranges of parts that are shown together, in order; each fits into memory, if one part does.
    pub fn parts(&self) -> Vec<Range<usize>> {
        let spools = self.spools();
        let Some(spools) = &*spools else { return Vec::new() };
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut facts = 0;
        for part in 0..PARTS {
            facts += spools.facts.len(part);
            match ranges.last_mut() {
                Some(range) if facts <= self.bounds.part => range.end = part + 1,
                _ => {
                    facts = spools.facts.len(part);
                    ranges.push(part..part + 1);
                }
            }
        }
        ranges
    }

    /// Shows what exists of some parts, in place of those that were shown before.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn show(&self, parts: Range<usize>) -> anyhow::Result<()> {
        let spools = self.spools();
        let Some(spools) = &*spools else { return Ok(()) };
        // What was shown goes first, so that never two are in memory.
        self.presence.show_part(Arc::default(), self.run);
        if let Some(dates) = &self.dates {
            dates.show_part(&Default::default());
        }
        let (there, listed) = spools.facts.read(parts)?;
        self.presence.show_part(there, self.run);
        if let Some(dates) = &self.dates {
            dates.show_part(&listed);
        }
        Ok(())
    }

    /// The ids that were put off into a part.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn ids_of(&self, part: usize) -> anyhow::Result<PartIds> {
        let mut bytes = Vec::new();
        if let Some(spools) = &*self.spools() {
            spools.ids.read(part, |some| {
                bytes.extend_from_slice(some);
                Ok(())
            })?;
        }
        Ok(PartIds::new(bytes))
    }

    fn for_others(&self) -> MutexGuard<'_, Vec<(u64, Fingerprint, Dates)>> {
        self.for_others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spools(&self) -> MutexGuard<'_, Option<Spools>> {
        self.spools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with what was put off; whether that went well.
    fn with_spools(&self, what: impl FnOnce(&mut Spools) -> anyhow::Result<()>) -> bool {
        let mut spools = self.spools();
        let done = self.opened(&mut spools).and_then(what);
        let went_well = done.is_ok();
        if let Err(error) = done {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
        went_well
    }

    fn opened<'s>(&self, spools: &'s mut Option<Spools>) -> anyhow::Result<&'s mut Spools> {
        let opened = match spools.take() {
            Some(spools) => spools,
            None => {
                let folder = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
                tracing::info!("the catalogue does not fit into --memory, and is gone through in parts");
                if let Some(dates) = &self.dates {
                    dates.go_by_parts(self.owners.elsewhere());
                }
                self.goes_by_parts.store(true, Ordering::Release);
                let mut spools = Spools { facts: Facts::create(&folder, PARTS)?, ids: Spool::create(&folder, PARTS)? };
                let moved = std::mem::take(&mut *self.for_others());
                for (tag, print, dates) in moved {
                    spools.add_output(part_of(tag), Fact::WrittenForOthers, print, dates)?;
                    self.presence.forget_fingerprint(print);
                    if let Some(dates) = &self.dates {
                        dates.forget_fingerprint(print);
                    }
                }
                spools
            }
        };
        Ok(spools.insert(opened))
    }
}

fn part_of(tag: u64) -> usize {
    (tag % PARTS as u64) as usize
}
