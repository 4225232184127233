//! One holder for each job and entity on this node: who comes second waits for the first.

use std::{collections::VecDeque, sync::Arc};

use dashmap::{DashMap, mapref::entry::Entry};
use tokio::sync::oneshot;

use crate::message::Target;

type Lines = Arc<DashMap<Target, VecDeque<oneshot::Sender<Hold>>>>;

/// Who works on what, on this node.
#[derive(Clone, Debug, Default)]
pub struct InFlight {
    lines: Lines,
}

/// The right to work on a target; dropped, it goes to the next who waits.
#[derive(Debug)]
pub struct Hold {
    lines: Lines,
    /// None once it was handed on.
    target: Option<Target>,
}

/// The answer to who asks for a hold.
#[derive(Debug)]
pub enum Turn {
    /// It is yours.
    Yours(Hold),
    /// Somebody has it.
    Busy(Busy),
}

/// A target that somebody else holds.
#[derive(Debug)]
pub struct Busy {
    lines: Lines,
    target: Target,
}

impl InFlight {
    /// Asks for the hold of a target.
    pub fn take(&self, target: &Target) -> Turn {
        match self.lines.entry(target.clone()) {
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                Turn::Yours(Hold { lines: self.lines.clone(), target: Some(target.clone()) })
            }
            Entry::Occupied(_) => Turn::Busy(Busy { lines: self.lines.clone(), target: target.clone() }),
        }
    }
}

impl Busy {
    /// Waits for the holder, first come first served.
    pub async fn wait(self) -> Hold {
        loop {
            let turn = match self.lines.entry(self.target.clone()) {
                Entry::Vacant(free) => {
                    free.insert(VecDeque::new());
                    return Hold { lines: self.lines.clone(), target: Some(self.target) };
                }
                Entry::Occupied(mut line) => {
                    let (sender, turn) = oneshot::channel();
                    line.get_mut().push_back(sender);
                    turn
                }
            };
            if let Ok(hold) = turn.await {
                return hold;
            }
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(target) = self.target.take() else { return };
        // The hold itself is sent: if whoever waits is dropped before reading it, it is dropped there and goes on.
        loop {
            let next = match self.lines.entry(target.clone()) {
                Entry::Vacant(_) => return,
                Entry::Occupied(mut line) => match line.get_mut().pop_front() {
                    Some(next) => next,
                    None => {
                        line.remove();
                        return;
                    }
                },
            };
            let hold = Hold { lines: self.lines.clone(), target: Some(target.clone()) };
            match next.send(hold) {
                Ok(()) => return,
                Err(mut refused) => refused.target = None, // gone by now: passed over
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
        let Turn::Yours(first) = in_flight.take(&target()) else { panic!("busy at first") };
        let Turn::Busy(second) = in_flight.take(&target()) else { panic!("two holders") };
        let Turn::Busy(third) = in_flight.take(&target()) else { panic!("two holders") };
        let Turn::Busy(fourth) = in_flight.take(&target()) else { panic!("two holders") };
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
        assert!(matches!(in_flight.take(&target()), Turn::Yours(_)));
    }
}
