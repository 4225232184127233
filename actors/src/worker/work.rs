//! The work itself: open the inputs, run the transform within its fence, put the outputs in place.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;

use super::desk::{Desk, Trouble};
use super::inputs::Seen;
use crate::events::Event;
use crate::ids::{JobName, RunId};
use crate::message::EntityMessage;
use crate::mutants::{Mutant, active};
use crate::outcome::{Fault, FaultKind};
use crate::points::reach;
use crate::storage::{Object, Stamp, StorageErrorKind, Stored};
use crate::template::Parts;
use crate::transform::blocking::panic_text;
use crate::transform::{Input, Product, Scratch, Work};

/// How work ended.
pub(super) enum Worked {
    /// The output is in place.
    Done,
    /// A newer run's output was in place before ours.
    NewerInPlace,
    /// An input that was seen could not be opened: for how many times now.
    InputVanished(u32),
    /// The transform did not make its output.
    Fault(Fault),
}

impl Desk {
    /// Does the work on one entity whose inputs are all there. `placed` are the stamps in the places of the outputs.
    pub(super) async fn work(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        seen: Vec<Seen>,
        placed: Vec<Option<Stamp>>,
        isolate: bool,
    ) -> Result<Worked, Trouble> {
        if active(Mutant::PassOnBeforeWrite) {
            // The wrong variant: everybody is told before the output is written.
            self.pass_on(message, crate::outcome::Outcome::Done).await.map_err(|error| {
                let unavailable = StorageErrorKind::Unavailable;
                crate::storage::StorageError::new(unavailable, "announce", message.target.to_string(), error)
            })?;
        }
        let Some(inputs) = self.open_inputs(&seen).await? else {
            return Ok(Worked::InputVanished(self.node.verdicts.vanished(message.run, &message.target)));
        };
        self.node.verdicts.readable(message.run, &message.target);
        let stamp = self.stamp(message, &seen, &inputs, &placed);
        self.tell(&Event::Started { job: &self.job.name, entity: &message.target.entity, message });
        reach("before_work");
        let scratch = Scratch::at(self.node.next_scratch());
        let work = Work {
            entity: message.target.entity.clone(),
            inputs,
            suffixes: self.job.suffixes.clone(),
            scratch: scratch.clone(), // the products in it live until they are stored
            attempt: message.attempt,
            timeout: self.job.timeout,
            isolate,
        };
        let product = match self.apply(work).await {
            Ok(product) => product,
            Err(fault) => return Ok(Worked::Fault(fault)),
        };
        reach("after_work");
        let kept = self.keep(message.run, parts, product, stamp, &placed).await;
        drop(scratch);
        kept
    }

    /// Opens every input; none where one of them is not there any more.
    async fn open_inputs(&self, seen: &[Seen]) -> Result<Option<Vec<Input>>, Trouble> {
        let mut inputs = Vec::with_capacity(seen.len());
        for input in seen {
            let object: Object = match self.node.settings.stores.get(&input.key.store).open(&input.key.path).await {
                Ok(object) => object,
                Err(error) if error.kind == StorageErrorKind::NotFound => {
                    self.node.settings.presence.forget(&input.key);
                    return Ok(None);
                }
                Err(error) => return Err(Arc::new(error)),
            };
            inputs.push(Input { name: input.name.clone(), path: input.key.path.clone(), object });
        }
        Ok(Some(inputs))
    }

    /// Runs the transform: a panic is caught and the transform built anew, a deadline drops its future.
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let _turn = match self.node.settings.slots.get(&self.job.name) {
            // Never closed; if it were, working without a permit is the lesser harm.
            Some(slots) => slots.clone().acquire_owned().await.ok(),
            None => None,
        };
        let mut transform = match self.transform.take() {
            Some(transform) => transform,
            None => (self.job.transform)()?,
        };
        let timeout = self.job.timeout;
        let applied = tokio::time::timeout(timeout, AssertUnwindSafe(transform.apply(work)).catch_unwind()).await;
        let result = match applied {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                let text = format!("the transform panicked: {}", panic_text(&*panic));
                return Err(Fault::new(FaultKind::Panicked, text)); // and is dropped, to be built anew
            }
            Err(_) => {
                let text = format!("the transform took longer than the job's timeout of {timeout:?}");
                Err(Fault::new(FaultKind::Timeout, text))
            }
        };
        self.transform = Some(transform);
        let product = result?;
        let (made, wanted) = (product.0.len(), self.job.outputs.len());
        if made != wanted {
            return Err(Fault::fatal(format!("the transform made {made} outputs, the job has {wanted}")));
        }
        Ok(product)
    }

    /// Puts the outputs in place, the primary last: it alone says that the job is done.
    async fn keep(
        &self,
        run: RunId,
        parts: &Parts<'_>,
        product: Product,
        stamp: Stamp,
        placed: &[Option<Stamp>],
    ) -> Result<Worked, Trouble> {
        for (number, (output, content)) in self.job.outputs.iter().zip(product.0).enumerate().rev() {
            let key = output.key_of(parts);
            let store = self.node.settings.stores.get(&key.store);
            let stamp = match placed.get(number).and_then(Option::as_ref) {
                Some(seen) => stamp.clone().replacing(seen),
                None => stamp.clone(),
            };
            reach("before_store");
            let stored = match store.store(&key.path, content, Some(stamp)).await {
                Err(error) if error.kind == StorageErrorKind::NotFound => {
                    return Ok(Worked::Fault(Fault::failed(format!("the transform left no output: {error}"))));
                }
                stored => stored?,
            };
            match stored {
                Stored::Kept => self.node.settings.presence.learn(&key, run),
                Stored::NewerInPlace => return Ok(Worked::NewerInPlace),
            }
            reach("after_store");
        }
        Ok(Worked::Done)
    }

    /// For the job itself the newest of this run and those in place; for an ancestor the oldest among the inputs.
    /// Of an ancestor that some input on its way does not know of it is only known that it was never seen to run.
    fn stamp(&self, message: &EntityMessage, seen: &[Seen], inputs: &[Input], placed: &[Option<Stamp>]) -> Stamp {
        let plan = self.node.plan();
        let mut runs: BTreeMap<JobName, RunId> = BTreeMap::new();
        for ancestor in &self.job.ancestors {
            let name = &plan.job(*ancestor).name;
            let mut oldest: Option<Option<RunId>> = None;
            for (seen, input) in seen.iter().zip(inputs) {
                let Some(parent) = seen.parent_at else { continue };
                if parent == *ancestor || plan.job(parent).ancestors.contains(ancestor) {
                    let run = input.object.info.stamp.as_ref().and_then(|s| s.runs.get(name).copied());
                    oldest = Some(oldest.map_or(run, |so_far| so_far.min(run))); // none is older than any
                }
            }
            runs.insert(name.clone(), oldest.flatten().unwrap_or(RunId::NEVER));
        }
        let own = placed.iter().flatten().filter_map(Stamp::run).fold(message.run, RunId::max);
        runs.insert(self.job.name.clone(), own);
        Stamp { job: self.job.name.clone(), runs: Arc::new(runs), hash: String::new() }
    }
}
