//! The faults of a simulation, and those that are armed at the moment.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::Instant;

use euterpe_actors::ids::StoreName;

/// Something that goes wrong once, at a moment that the seed chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InjectedFault {
    /// A node dies: what it does from then on has no effect. It may start again.
    Crash,
    /// A node is told to end: it finishes or drops its messages in hand, ends, and may start again.
    Drain,
    /// The broker takes a node for dead and takes back what it has in hand; the node goes on.
    Zombie,
    /// The next few deliveries come twice.
    Duplicates,
    /// The next publish is taken, all or in part, and not confirmed.
    LostConfirm,
    /// The next publish is refused.
    RefusedPublish,
    /// The next call of a store fails without effect.
    Refusal,
    /// The next call of a store takes effect and is answered with an error.
    LostAnswer,
    /// A store is out for a while.
    Outage,
    /// The next calls take up to forty seconds.
    Stalls,
    /// Somebody deletes an output.
    Deletion,
    /// Somebody replaces a source.
    Replacement,
}

impl InjectedFault {
    /// Those that strike where nothing changes.
    pub(super) const ALL: [InjectedFault; 11] = Self::and(InjectedFault::Deletion);

    /// Those that strike where sources and jobs change.
    pub(super) const AMID_CHANGES: [InjectedFault; 11] = Self::and(InjectedFault::Replacement);

    /// Those of nodes, broker and stores, and one more.
    const fn and(last: InjectedFault) -> [InjectedFault; 11] {
        [
            InjectedFault::Crash,
            InjectedFault::Drain,
            InjectedFault::Zombie,
            InjectedFault::Duplicates,
            InjectedFault::LostConfirm,
            InjectedFault::RefusedPublish,
            InjectedFault::Refusal,
            InjectedFault::LostAnswer,
            InjectedFault::Outage,
            InjectedFault::Stalls,
            last,
        ]
    }
}

/// Faults that are armed and have not struck yet.
#[derive(Default)]
pub(super) struct ArmedFaults {
    /// Deliveries still to be doubled.
    pub(super) duplicates: u32,
    /// Publishes still to be left without a confirm.
    pub(super) lost_confirms: u32,
    /// Publishes still to be refused.
    pub(super) refused_publishes: u32,
    /// Calls of stores still to be refused.
    pub(super) refusals: u32,
    /// Calls of stores still to be answered wrongly.
    pub(super) lost_answers: u32,
    /// Calls still to be stalled.
    pub(super) stalls: u32,
    outages: BTreeSet<(StoreName, Instant)>,
}

impl ArmedFaults {
    /// Takes a store out for a while.
    pub(super) fn take_out(&mut self, store: StoreName, span: Duration) {
        self.outages.insert((store, Instant::now() + span));
    }

    /// Whether a store is out now.
    pub(super) fn is_out(&self, store: &StoreName) -> bool {
        !self.outages.is_empty() && {
            let now = Instant::now();
            self.outages.iter().any(|(out, end)| out == store && *end > now)
        }
    }

    /// Whether this delivery is to come twice.
    pub(super) fn duplicate(&mut self) -> bool {
        take(&mut self.duplicates)
    }
}

/// Takes one off a count, if there is one.
pub(super) fn take(count: &mut u32) -> bool {
    let some = *count > 0;
    *count -= u32::from(some);
    some
}
