//! Some entities of each job, chosen by a hash of their ids: whoever asks twice is told the same.

use std::collections::BTreeMap;

use euterpe_actors::accounting::{Expected, Fate};
use euterpe_actors::ids::EntityId;
use xxhash_rust::xxh3::xxh3_64;

/// How many are chosen at the most.
const MOST: usize = 64;

/// Of each job some entities, as far as a plan met them.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// All that it has, or would make.
    pub all: Sample,
    /// Those whose outputs are there.
    pub made: Sample,
}

impl Samples {
    /// Chooses an entity for which the job has an output, or would make one, or does not.
    pub fn offer(&mut self, expected: &Expected) {
        let entity = &expected.target.entity;
        self.all.offer(entity);
        if expected.fate == Fate::Have || expected.out_of_date.is_some() {
            self.made.offer(entity);
        }
    }
}

/// Some of the entities that were offered, each as likely as any other.
#[derive(Debug, Default)]
pub(super) struct Sample {
    chosen: BTreeMap<u64, EntityId>,
}

impl Sample {
    /// Chooses an entity, or does not.
    pub fn offer(&mut self, entity: &EntityId) {
        let number = xxh3_64(entity.as_str().as_bytes());
        let is_full = self.chosen.len() == MOST;
        if is_full && self.chosen.last_key_value().is_some_and(|(last, _)| *last <= number) {
            return;
        }
        self.chosen.entry(number).or_insert_with(|| entity.clone());
        if self.chosen.len() > MOST {
            self.chosen.pop_last();
        }
    }

    /// Those that were chosen.
    pub fn entities(&self) -> impl Iterator<Item = &EntityId> {
        self.chosen.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_of_very_many_are_chosen_from_everywhere_and_always_the_same() {
        let choose = |order: &mut dyn Iterator<Item = u32>| {
            let mut sample = Sample::default();
            order.for_each(|n| sample.offer(&EntityId::new(&n.to_string()).expect("an id")));
            sample.entities().map(|id| id.as_str().parse().expect("a number")).collect::<Vec<u32>>()
        };
        let chosen = choose(&mut (0..10_000));
        assert_eq!(chosen.len(), MOST);
        assert_eq!(chosen, choose(&mut (0..10_000).rev().chain(0..10_000)));
        let low = chosen.iter().filter(|n| **n < 5_000).count();
        assert!((16..48).contains(&low), "{low} of {MOST} are of the first half");
        assert_eq!(choose(&mut (0..5)).len(), 5);
    }
}
