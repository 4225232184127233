//! What the sources of a graph hold, as one number: whether it is another than before, and what somebody may still be writing.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use euterpe_actors::ids::{EntityId, StoreName, normal_form};
use euterpe_actors::storage::{Dates, Page};

use super::held_back::{HeldBack, is_young};
use super::listing::{Listing, Meaning};

/// What the sources of a graph held when they were listed. Its size does not depend on their number.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    digest: u64,
    count: u64,
    young_files: u64,
    young: Arc<HashSet<EntityId>>,
}

impl Arrivals {
    /// Lists sources. A file counts once it was not touched for the time that `settle` gives for its store.
    ///
    /// # Errors
    /// A store that cannot be listed.
    pub(crate) async fn of(
        listings: &[Listing],
        settle: impl Fn(&StoreName) -> Option<Duration>,
    ) -> anyhow::Result<Self> {
        let (mut digest, mut count, mut young_files, mut young) = (0_u64, 0, 0, HashSet::new());
        for listing in listings {
            let (settle, now) = (settle(&listing.store), SystemTime::now());
            for prefix in listing.prefixes() {
                let mut each = |page: &Page| {
                    for listed in page.iter() {
                        let normal = normal_form(listed.path);
                        let Meaning::Entity(name, _) = listing.meaning(&listed, &normal) else { continue };
                        let Ok(id) = EntityId::of_name(name) else { continue };
                        if settle.is_some_and(|settle| is_young(listed.dates, settle, now)) {
                            young.insert(id);
                            young_files += 1;
                            continue;
                        }
                        let mut hasher = DefaultHasher::new();
                        let Dates { written, arrived } = listed.dates;
                        (listing.store.as_str(), listed.path, written, arrived).hash(&mut hasher);
                        digest = digest.wrapping_add(hasher.finish()); // in whatever order they are listed
                        count += 1;
                    }
                    true
                };
                let listed = listing.storage.list_dated(&prefix, &mut each).await;
                listed.with_context(|| format!("could not list {}", listing.storage.place()))?;
            }
        }
        Ok(Self { digest, count, young_files, young: Arc::new(young) })
    }

    /// Whether the sources are the same as then: none came, went, or was written to.
    pub fn is_same(&self, former: &Self) -> bool {
        (self.digest, self.count) == (former.digest, former.count)
    }

    /// How many files there are, with those that somebody may still be writing.
    pub fn files(&self) -> u64 {
        self.count + self.young_files
    }

    /// Of how many entities somebody may still be writing a file.
    pub fn being_written(&self) -> usize {
        self.young.len()
    }

    /// What a run is to leave to a later one, in a store in which files must not have been touched for `settle`.
    pub(crate) fn held_back(&self, settle: Option<Duration>) -> HeldBack {
        HeldBack::new(self.young.clone(), settle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_young_when_all_was_listed_stays_out_of_the_run_that_follows() {
        let id = |text: &str| EntityId::new(text).expect("an id");
        let arrivals = Arrivals { young: Arc::new([id("t-1")].into()), ..Arrivals::default() };
        let old = Dates { written: 1, arrived: 1 };
        let held_back = arrivals.held_back(None);
        assert!(held_back.holds(&id("t-1"), old) && !held_back.holds(&id("t-2"), old));
        assert_eq!(arrivals.being_written(), 1);
    }
}
