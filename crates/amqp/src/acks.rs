//! Decides which tags are acknowledged together: never one that is not settled.

use std::collections::BTreeSet;

/// The deliveries of one channel that are not acknowledged yet.
#[derive(Debug, Default)]
pub struct Acks {
    /// Delivered and not acknowledged yet; holds the settled ones too.
    open: BTreeSet<u64>,
    /// Settled, and not acknowledged yet.
    settled: BTreeSet<u64>,
}

/// One acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The tag.
    pub tag: u64,
    /// Whether it holds for all earlier tags as well.
    pub multiple: bool,
}

impl Acks {
    /// Adds a delivery.
    pub fn delivered(&mut self, tag: u64) {
        self.open.insert(tag);
    }

    /// Takes note that a delivery is settled.
    pub fn settle(&mut self, tag: u64) {
        if self.open.contains(&tag) {
            self.settled.insert(tag);
        }
    }

    /// Removes a delivery that goes back to its queue.
    pub fn give_back(&mut self, tag: u64) {
        self.open.remove(&tag);
        self.settled.remove(&tag);
    }

    /// How many deliveries are not acknowledged yet.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many deliveries are settled and not acknowledged yet.
    pub fn unsent(&self) -> usize {
        self.settled.len()
    }

    /// Takes out the acknowledgements of all that is settled. The oldest settled tags, up to the first unsettled one, share
    /// one; each of the others has its own.
    pub fn take(&mut self) -> Vec<Ack> {
        let together = self.open.iter().take_while(|tag| self.settled.contains(tag)).count();
        let mut acks = Vec::new();
        if let Some(last) = together.checked_sub(1).and_then(|at| self.open.iter().nth(at).copied()) {
            acks.push(Ack { tag: last, multiple: together > 1 });
        }
        let alone = self.settled.iter().skip(together);
        acks.extend(alone.map(|tag| Ack { tag: *tag, multiple: false }));
        for tag in std::mem::take(&mut self.settled) {
            self.open.remove(&tag);
        }
        acks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_lies_before_an_unsettled_one_is_acknowledged_together_and_the_rest_alone() {
        let mut acks = Acks::default();
        (1..=6).for_each(|tag| acks.delivered(tag));
        [2, 1, 3, 5].into_iter().for_each(|tag| acks.settle(tag));
        let ack = |tag, multiple| Ack { tag, multiple };
        assert_eq!(acks.take(), [ack(3, true), ack(5, false)]);
        assert_eq!(acks.take(), []);
        acks.settle(4);
        assert_eq!(acks.take(), [ack(4, false)]);
        assert_eq!(acks.open(), 1);
    }

    proptest! {
        #[test]
        fn the_broker_never_hears_of_a_tag_that_is_not_settled(steps in proptest::collection::vec((0u8..4, 1u64..40), 0..200)) {
            let mut acks = Acks::default();
            let (mut next, mut unsettled, mut settled, mut acked) = (1u64, BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            for (what, pick) in steps {
                let some = unsettled.iter().nth(pick as usize % unsettled.len().max(1)).copied();
                match (what, some) {
                    (0, _) => { acks.delivered(next); unsettled.insert(next); next += 1; }
                    (1, Some(tag)) => { acks.settle(tag); unsettled.remove(&tag); settled.insert(tag); }
                    (2, Some(tag)) => { acks.give_back(tag); unsettled.remove(&tag); }
                    _ => {
                        for ack in acks.take() {
                            let lowest = if ack.multiple { 0 } else { ack.tag };
                            prop_assert!(!unsettled.iter().any(|tag| (lowest..=ack.tag).contains(tag)));
                            acked.extend(settled.iter().filter(|tag| (lowest..=ack.tag).contains(*tag)));
                        }
                        prop_assert_eq!(&acked, &settled);
                    }
                }
            }
        }
    }
}
