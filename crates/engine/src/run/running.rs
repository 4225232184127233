//! A run on its way: what it is, what is known to exist for it, how far it has come, and the switch that stops it.

use std::cell::RefCell;
use std::sync::Arc;

use euterpe_actors::ids::RunId;
use euterpe_actors::memory::{ListedDates, Presence};
use euterpe_actors::plan::NodePlan;
use euterpe_actors::state::Manifest;
use tokio::sync::watch;

use super::in_hand::Held;
use super::outdated::Outdated;
use super::tally::Tally;
use super::tracker::{Tracker, Trouble};
use super::walk::Walk;
use crate::traces::Roots;
use crate::workspace::Workspace;

/// How soon a run or a node is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    No,
    /// When what is in hand is finished.
    Drain,
    /// Now: what is in hand is left.
    Now,
}

impl Stop {
    /// Waits until it is said to stop at least this soon. When nobody is left who could say so, that is as good as being told.
    ///
    /// Nothing of the receiver is borrowed afterwards. A guard of `wait_for` that lives on in an arm of `select!` would
    /// keep the next word to stop from being said.
    pub async fn is_told(self, stop: &mut watch::Receiver<Stop>) {
        match stop.wait_for(|said| *said >= self).await {
            Ok(_) | Err(_) => {}
        }
    }
}

/// A run on its way.
pub struct Running {
    plan: Arc<NodePlan>,
    /// What the run was asked to do.
    pub(crate) manifest: Manifest,
    /// What is known to exist.
    pub(crate) presence: Arc<Presence>,
    /// What tells which of that may be out of date; none where nobody asks.
    pub(crate) dates: Option<Arc<ListedDates>>,
    /// In what order it is gone through what is known; none where that is no matter.
    pub(crate) walk: Option<Arc<Walk>>,
    /// Follows each entity to its end.
    pub(crate) tracker: Arc<Tracker>,
    /// Whether all work is done in child processes; nodes elsewhere decide that for themselves.
    pub(crate) isolate: bool,
    /// What is there and is made anew.
    pub(crate) out_of_date: RefCell<Outdated>,
    over_broker: bool,
    elsewhere: RefCell<Vec<Held>>,
    stopper: watch::Sender<Stop>,
}

impl Running {
    /// A run of `manifest`, in this process or over a broker.
    pub(crate) fn new(workspace: &Workspace, manifest: Manifest, presence: Arc<Presence>, over_broker: bool) -> Self {
        let plan = workspace.nodes.clone();
        let roots = Roots::new(workspace.traces.clone());
        let tracker = Arc::new(Tracker::new(plan.clone(), manifest.selection.force.clone(), roots));
        let stopper = watch::Sender::new(Stop::No);
        Self {
            plan,
            manifest,
            presence,
            dates: None,
            walk: None,
            tracker,
            isolate: false,
            out_of_date: RefCell::default(),
            over_broker,
            elsewhere: RefCell::default(),
            stopper,
        }
    }

    /// The id of the run.
    pub fn run(&self) -> RunId {
        self.manifest.run
    }

    /// The jobs, parents before children, in the order of the tally.
    pub fn plan(&self) -> &NodePlan {
        &self.plan
    }

    /// Whether nodes elsewhere do the work.
    pub fn is_over_broker(&self) -> bool {
        self.over_broker
    }

    /// How far the run has come.
    pub fn tally(&self) -> Tally {
        self.tracker.tally()
    }

    /// What transforms are working on, the longest first; of nodes elsewhere the longest of each job.
    pub fn in_hand(&self) -> Vec<Held> {
        match self.over_broker {
            true => self.elsewhere.borrow().clone(),
            false => self.tracker.in_hand(),
        }
    }

    /// Nodes elsewhere have this in hand.
    pub(crate) fn hold_elsewhere(&self, held: Vec<Held>) {
        self.elsewhere.replace(held);
    }

    /// What went wrong since the last call.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.tracker.troubles()
    }

    /// How soon the run is to stop.
    pub fn stopping(&self) -> Stop {
        *self.stopper.borrow()
    }

    /// Stops the run.
    pub fn stop(&self, how: Stop) {
        self.stopper.send_replace(how);
    }

    /// Tells when the run is to stop.
    pub(crate) fn stopped(&self) -> watch::Receiver<Stop> {
        self.stopper.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_word_to_stop_can_be_said_while_the_first_one_is_acted_upon() {
        let (stopper, mut stop) = watch::channel(Stop::Drain);
        tokio::select! {
            () = Stop::Drain.is_told(&mut stop) => {
                stopper.send_replace(Stop::Now); // waits for every reader's guard
            }
        }
        Stop::Now.is_told(&mut stop).await;
        drop(stopper);
        Stop::Now.is_told(&mut stop).await;
    }
}
