//! Whether this node means the same by a message's job as its publisher does.

use std::sync::Arc;

use super::decision::{ParkReason, Settled};
use super::executor::Executor;
use crate::broker::Delivery;
use crate::events::Event;
use crate::ids::JobName;
use crate::message::{EntityMessage, SetupDigest};
use crate::mutants::{Mutant, active};
use crate::outcome::Outcome;
use crate::setup::{Difference, Setup, is_empty};
use crate::storage::StorageError;

impl Executor {
    /// Lets a message through whose publisher means the same by this job. Any other is left to other nodes, and that is
    /// told once: working on it would make something else, or make it elsewhere, and call it done.
    pub(super) async fn same_setup(&mut self, delivery: &Delivery, message: &EntityMessage) -> Result<(), Settled> {
        let Some(mine) = &self.node.settings.setup else { return Ok(()) };
        let is_mine = message.setup == SetupDigest::NONE || message.setup == mine.digest;
        let is_mine = is_mine || active(Mutant::WorkForOtherSetups);
        // Outputs of these jobs are measured by their recipes, whoever works on the message.
        let plan = self.node.plan();
        let above = self.job.ancestors.iter().map(|at| &plan.job(*at).name);
        let above: Vec<&JobName> = above.filter(|job| self.refresh(message).recipes.names(job)).collect();
        if is_mine || (above.is_empty() && self.node.other_setups.is_fit(message.setup, self.at)) {
            self.pool.note_fit(true);
            return Ok(());
        }
        let theirs = match self.setup_of(message.setup).await {
            Ok(theirs) => theirs,
            Err(error) => {
                self.note_storage(Some(&error));
                return Err(self.park(delivery, ParkReason::Trouble).await);
            }
        };
        let differences: Vec<String> = match &theirs {
            None => vec!["its records lie elsewhere".to_owned()],
            Some(theirs) => {
                let mut found = mine.setup.differences(theirs, &self.job.name);
                match self.still_empty(mine.setup.empty_stores(theirs, &self.job.name)).await {
                    Ok(empty) => found.extend(empty),
                    Err(error) => {
                        self.note_storage(Some(&error));
                        return Err(self.park(delivery, ParkReason::Trouble).await);
                    }
                }
                found.extend(mine.setup.other_recipes(theirs, above.iter().copied()));
                found.iter().map(ToString::to_string).collect()
            }
        };
        if differences.is_empty() {
            if above.is_empty() {
                self.node.other_setups.fits(message.setup, self.at);
            }
            self.pool.note_fit(true);
            return Ok(());
        }
        match self.node.settings.state.is_superseded(message.run, message.setup).await {
            // The run was resumed since, and what is open of it was published anew.
            Ok(true) => return Err(Ok((Outcome::HandedOver, None))),
            Ok(false) => {}
            Err(error) => self.note_storage(Some(&error)),
        }
        if self.node.other_setups.is_news(message.setup, self.at) {
            let remedy = match theirs {
                Some(_) => "start nodes of that graph, or `euterpe runs resume` it by this one",
                None => {
                    "start nodes over its state; if that is lost, or this one was put back from a backup, publish its ids \
                     again and empty the queue"
                }
            };
            let text = format!("run {} means something else: {}; {remedy}", message.run, differences.join("; "));
            self.tell(&Event::OtherSetup { job: &self.job.name, text: &text });
        }
        self.tell(&Event::LeftToOthers { job: &self.job.name });
        self.turn = None; // others may need the core
        self.rest = self.pool.note_fit(false);
        Err(self.park(delivery, ParkReason::Others).await)
    }

    /// Those of the stores that held nothing when this node began and hold nothing now: no disk was mounted, no file came.
    async fn still_empty(&self, stores: Vec<Difference>) -> Result<Vec<Difference>, StorageError> {
        let mut empty = Vec::new();
        for difference in stores {
            if let Difference::Empty(store, _) = &difference
                && is_empty(&**self.node.settings.stores.get(store)).await?
            {
                empty.push(difference);
            }
        }
        Ok(empty)
    }

    async fn setup_of(&self, digest: SetupDigest) -> Result<Option<Arc<Setup>>, StorageError> {
        if let Some(known) = self.node.other_setups.known(digest) {
            return Ok(Some(known));
        }
        let read = self.node.settings.state.setup(digest).await?.map(Arc::new);
        if let Some(setup) = &read {
            self.node.other_setups.learn(digest, setup.clone());
        }
        Ok(read)
    }
}
