//! One holder for each target on this node: a second worker waits for the first.

use std::{collections::VecDeque, sync::Arc};

use dashmap::{DashMap, mapref::entry::Entry};
use tokio::sync::oneshot;

use crate::message::Target;

type WaitQueues = Arc<DashMap<Target, VecDeque<oneshot::Sender<TargetHold>>>>;

/// The targets that workers of this node hold.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    queues: WaitQueues,
}

/// The right to work on a target. When it is dropped it goes to the next worker that waits.
#[derive(Debug)]
pub struct TargetHold {
    queues: WaitQueues,
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
    queues: WaitQueues,
    target: Target,
}

impl InFlight {
    /// Takes the hold of a target, if no worker has it.
    pub fn take(&self, target: &Target) -> HoldTurn {
        match self.queues.entry(target.clone()) {
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                HoldTurn::Yours(TargetHold { queues: self.queues.clone(), target: Some(target.clone()) })
            }
            Entry::Occupied(_) => HoldTurn::Busy(Busy { queues: self.queues.clone(), target: target.clone() }),
        }
    }
}

impl Busy {
    /// Waits for the holder, first come first served.
    pub async fn wait(self) -> TargetHold {
        loop {
            let turn = match self.queues.entry(self.target.clone()) {
                Entry::Vacant(free) => {
                    free.insert(VecDeque::new());
                    return TargetHold { queues: self.queues.clone(), target: Some(self.target) };
                }
                Entry::Occupied(mut queue) => {
                    let (sender, turn) = oneshot::channel();
                    queue.get_mut().push_back(sender);
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
            let next = match self.queues.entry(target.clone()) {
                Entry::Vacant(_) => return,
                Entry::Occupied(mut queue) => match queue.get_mut().pop_front() {
                    Some(next) => next,
                    None => {
                        queue.remove();
                        return;
                    }
                },
            };
            let hold = TargetHold { queues: self.queues.clone(), target: Some(target.clone()) };
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
