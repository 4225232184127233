//! One holder for each target on this node: a second worker waits for the first.

use std::{collections::VecDeque, sync::Arc};

use dashmap::{DashMap, mapref::entry::Entry};
use tokio::sync::oneshot;

use crate::message::Target;

type Holds = Arc<DashMap<Target, Hold>>;

/// A hold of a target.
#[derive(Debug, Default)]
struct Hold {
    /// Who waits for it, in order.
    waiting: VecDeque<oneshot::Sender<TargetHold>>,
    /// Whether its holder has begun the work, which may take long.
    is_at_work: bool,
}

/// The targets that workers of this node hold.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    holds: Holds,
}

/// The right to work on a target. When it is dropped it goes to the next worker that waits.
#[derive(Debug)]
pub struct TargetHold {
    holds: Holds,
    /// None once the hold was handed on.
    target: Option<Target>,
}

/// The answer to a worker that asks for a hold.
#[derive(Debug)]
pub enum HoldTurn {
    /// The hold is taken.
    Yours(TargetHold),
    /// Another worker has it.
    Busy(Busy),
}

/// A target that another worker holds.
#[derive(Debug)]
pub struct Busy {
    holds: Holds,
    target: Target,
}

impl InFlight {
    /// Notes that the holder of a target begins the work.
    pub fn begins_work(&self, target: &Target) {
        if let Some(mut hold) = self.holds.get_mut(target) {
            hold.is_at_work = true;
        }
    }

    /// Takes the hold of a target, if no worker has it.
    pub fn take(&self, target: &Target) -> HoldTurn {
        match self.holds.entry(target.clone()) {
            Entry::Vacant(free) => {
                free.insert(Hold::default());
                HoldTurn::Yours(TargetHold { holds: self.holds.clone(), target: Some(target.clone()) })
            }
            Entry::Occupied(_) => HoldTurn::Busy(Busy { holds: self.holds.clone(), target: target.clone() }),
        }
    }
}

impl Busy {
    /// Whether the holder has begun the work, which may take long. Else it only looks, or passes on.
    pub fn is_at_work(&self) -> bool {
        self.holds.get(&self.target).is_some_and(|hold| hold.is_at_work)
    }

    /// Waits for the holder, first come first served.
    pub async fn wait(self) -> TargetHold {
        loop {
            let turn = match self.holds.entry(self.target.clone()) {
                Entry::Vacant(free) => {
                    free.insert(Hold::default());
                    return TargetHold { holds: self.holds.clone(), target: Some(self.target) };
                }
                Entry::Occupied(mut queue) => {
                    let (sender, turn) = oneshot::channel();
                    queue.get_mut().waiting.push_back(sender);
                    turn
                }
            };
            if let Ok(hold) = turn.await {
                return hold;
            }
        }
    }
}

impl Drop for TargetHold {
    fn drop(&mut self) {
        let Some(target) = self.target.take() else { return };
        // The hold itself is sent. If the waiting worker is dropped before it reads the hold, the hold is dropped with it
        // and goes to the next.
        loop {
            let next = match self.holds.entry(target.clone()) {
                Entry::Vacant(_) => return,
                Entry::Occupied(mut hold) => {
                    hold.get_mut().is_at_work = false;
                    match hold.get_mut().waiting.pop_front() {
                        Some(next) => next,
                        None => {
                            hold.remove();
                            return;
                        }
                    }
                }
            };
            let hold = TargetHold { holds: self.holds.clone(), target: Some(target.clone()) };
            match next.send(hold) {
                Ok(()) => return,
                Err(mut refused) => refused.target = None, // that worker is gone: pass over it
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target { job: "mel".parse().expect("a name"), entity: "t-1".parse().expect("an id") }
    }

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_a_third_that_gave_up_is_passed_over() {
        let in_flight = InFlight::default();
        let HoldTurn::Yours(first) = in_flight.take(&target()) else { panic!("busy at first") };
        let HoldTurn::Busy(second) = in_flight.take(&target()) else { panic!("two holders") };
        let HoldTurn::Busy(third) = in_flight.take(&target()) else { panic!("two holders") };
        let HoldTurn::Busy(fourth) = in_flight.take(&target()) else { panic!("two holders") };
        let mut gone = Box::pin(third.wait());
        assert!(futures::poll!(&mut gone).is_pending());
        let mut second = Box::pin(second.wait());
        let mut fourth = Box::pin(fourth.wait());
        assert!(futures::poll!(&mut second).is_pending() && futures::poll!(&mut fourth).is_pending());
        drop(gone);
        drop(first);
        let held = second.await;
        assert!(futures::poll!(&mut fourth).is_pending());
        drop(held);
        drop(fourth.await);
        assert!(matches!(in_flight.take(&target()), HoldTurn::Yours(_)));
    }
}
