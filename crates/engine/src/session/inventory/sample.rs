//! A random sample of what is listed, of a given size: the same for the same seed, in whatever order it is listed.

use std::collections::BTreeMap;

use euterpe_actors::ids::EntityId;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::item::Entry;

/// Some of the entities that were offered, each as likely as any other: those whose ids have the least numbers by a hash with the
/// seed ("bottom-k sampling", Cohen and Kaplan, 2007).
#[derive(Debug)]
pub struct InventorySample {
    most: usize,
    seed: u64,
    chosen: BTreeMap<(u64, EntityId), Entry>,
}

impl InventorySample {
    /// An empty one, of at most so many entities.
    pub fn of(most: usize, seed: u64) -> Self {
        Self { most, seed, chosen: BTreeMap::new() }
    }

    /// Chooses an entity, or does not.
    pub fn offer(&mut self, entry: Entry) {
        let number = xxh3_64_with_seed(entry.entity.as_str().as_bytes(), self.seed);
        let is_less = self.chosen.last_key_value().is_none_or(|((last, _), _)| number <= *last);
        if self.chosen.len() < self.most || (is_less && self.most > 0) {
            self.chosen.insert((number, entry.entity.clone()), entry);
        }
        if self.chosen.len() > self.most {
            self.chosen.pop_last();
        }
    }

    /// Those that were chosen, in the order of their ids.
    pub fn entries(self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.chosen.into_values().collect();
        entries.sort_by(|one, other| one.entity.cmp(&other.entity));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: u64, most: usize, order: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut sample = InventorySample::of(most, seed);
        order.for_each(|n| {
            let entity = EntityId::new(&n.to_string()).expect("an id");
            sample.offer(Entry { entity, items: Vec::new() });
        });
        sample.entries().iter().map(|entry| entry.entity.as_str().parse().expect("a number")).collect()
    }

    #[test]
    fn a_seed_gives_one_sample_in_whatever_order_and_another_seed_another_one() {
        let one = sample(7, 100, 0..10_000);
        assert_eq!(one, sample(7, 100, (0..10_000).rev()));
        assert_ne!(one, sample(8, 100, 0..10_000));
        let low = one.iter().filter(|n| **n < 5_000).count();
        assert!(one.len() == 100 && (25..75).contains(&low), "{low} of {} are of the first half", one.len());
        assert_eq!((sample(7, 5, 0..3).len(), sample(7, 0, 0..3).len()), (3, 0));
    }
}
