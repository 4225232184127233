//! The work itself: open the inputs, run the transform within its fence, put the outputs in place.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use tracing::warn;

use super::executor::{Executor, SharedStorageError};
use super::in_work::InWork;
use super::input_files::InputFiles;
use super::inputs::FoundInput;
use super::machine::judged;
use super::stopwatch::Stopwatch;
use crate::awake::awake_for;
use crate::ids::{EntityId, RunId};
use crate::message::EntityMessage;
use crate::mutants::{Mutant, active};
use crate::outcome::{Fault, FaultKind};
use crate::points::reach;
use crate::standing::print;
use crate::storage::{InputPrints, Making, Object, ObjectKey, Stamp, StorageErrorKind, Stored};
use crate::template::Parts;
use crate::transform::blocking::panic_text;
use crate::transform::{Input, Product, Scratch, Work};
use crate::turns::Turn;

/// How work ended.
pub(super) enum Worked {
    /// The output is in place.
    Done,
    /// A newer run's output was in place before ours.
    NewerInPlace,
    /// An input that was seen could not be opened: for how many times now.
    InputVanished(u32),
    /// A source was replaced while it was read, so nobody knows what the product was made from. With its key.
    SourceChanged(ObjectKey),
    /// The pool drains: the work does not begin.
    Drained,
    /// The transform did not make its output.
    Fault(Fault),
}

impl Executor {
    /// Does the work on one entity whose inputs are all there. `stamps` are those that were seen under the keys of
    /// the outputs; `turn` is the core that the transform runs on.
    pub(super) async fn work(
        &mut self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        found: Vec<FoundInput>,
        stamps: Vec<Option<Stamp>>,
        isolate: bool,
        mut turn: Option<Turn>,
    ) -> Result<Worked, SharedStorageError> {
        if active(Mutant::PassOnBeforeWrite) {
            // The wrong variant: everybody is told before the output is written.
            self.pass_on(message, crate::outcome::Outcome::Done).await.map_err(|error| {
                let error = format!("{error:?}");
                let unavailable = StorageErrorKind::Unavailable;
                crate::storage::StorageError::new(unavailable, "announce", message.target.to_string(), error)
            })?;
        }
        let mut stopwatch = Stopwatch::since(self.arrived);
        stopwatch.waited();
        let mut early = None;
        if active(Mutant::PrintBeforeOpening) {
            early = Some(self.prints_of_now(&found).await?);
        }
        let Some(inputs) = self.open_inputs(&found).await? else { return Ok(self.input_vanished(message)) };
        stopwatch.fetched();
        if self.pool.is_draining() {
            return Ok(Worked::Drained);
        }
        let prints = found.iter().zip(&inputs);
        self.read = prints.map(|(found, input)| (found.name.clone(), print(&found.key, &input.object.info))).collect();
        if let Some(early) = early {
            self.read = early;
        }
        let mut stamp = self.stamp(message, &found, &inputs, &stamps, &self.read);
        self.in_work = None;
        self.in_work = Some(InWork::begins(&self.node, &self.job.name, message));
        reach("before_work");
        let scratch = Scratch::at(self.node.next_scratch());
        let given = InputFiles::of(&inputs);
        let work = Work {
            entity: message.target.entity.clone(),
            inputs,
            suffixes: self.job.suffixes.clone(),
            scratch: scratch.clone(), // the products in it live until they are stored
            attempt: message.attempt,
            timeout: self.job.timeout,
            isolate,
        };
        turn.iter_mut().for_each(Turn::begins_work);
        let applied = self.apply(work).await;
        drop(turn); // storing needs no core
        stopwatch.worked();
        self.stopwatch = Some(stopwatch);
        let product = match applied {
            Ok(product) => product,
            // Whatever the transform says of its inputs, it may say because they are gone.
            Err(fault) if fault.kind != FaultKind::Skip && self.lost(&found, &given).await? => {
                return Ok(self.input_vanished(message));
            }
            Err(fault) => {
                self.node.unreadable_inputs.clear(message.run, &message.target);
                // Looked at while the files of the try are still there.
                return Ok(Worked::Fault(judged(fault, &scratch)));
            }
        };
        self.node.unreadable_inputs.clear(message.run, &message.target);
        reach("after_work");
        if active(Mutant::PrintAfterWork) {
            self.read = self.prints_of_now(&found).await?;
            let making = stamp.making.as_ref().map(|making| Making::new(making.recipe.clone(), self.read.clone()));
            stamp.making = making.map(Arc::new);
        }
        if let Some(changed) = self.changed_source(&message.target.entity, &found).await? {
            return Ok(Worked::SourceChanged(changed));
        }
        let kept = match self.keep(message.run, parts, product, stamp, &stamps).await {
            Ok(Worked::Fault(fault)) => Ok(Worked::Fault(judged(fault, &scratch))),
            Ok(Worked::Done) if !active(Mutant::NoSecondLook) => self.keep_unless_changed(message, parts, &found).await,
            kept => kept,
        };
        drop(scratch);
        self.stopwatch.iter_mut().for_each(Stopwatch::stored);
        kept
    }

    /// What is under the keys of the inputs at this moment: for wrong variants alone.
    async fn prints_of_now(&self, found: &[FoundInput]) -> Result<InputPrints, SharedStorageError> {
        let mut prints = InputPrints::new();
        for input in found {
            if let Some(now) = self.node.settings.stores.look(&input.key).await? {
                prints.insert(input.name.clone(), print(&input.key, &now));
            }
        }
        Ok(prints)
    }

    /// A source that was replaced just before the output was put in place came before it, so that times do not tell of it:
    /// the output is taken away again.
    async fn keep_unless_changed(
        &self,
        message: &EntityMessage,
        parts: &Parts<'_>,
        found: &[FoundInput],
    ) -> Result<Worked, SharedStorageError> {
        let Some(changed) = self.changed_source(&message.target.entity, found).await? else { return Ok(Worked::Done) };
        let key = self.job.outputs[0].key_of(parts);
        self.node.settings.presence.forget(&key);
        let mut patience = self.patience();
        loop {
            match self.node.settings.stores.get(&key.store).remove(&key.path).await {
                Ok(()) => return Ok(Worked::SourceChanged(changed)),
                Err(error) if self.waits_for(&error, &mut patience).await => {}
                Err(error) => return Err(Arc::new(error)),
            }
        }
    }

    /// A source that changed during the work. While a store is in trouble the product is kept in hand.
    async fn changed_source(
        &self,
        entity: &EntityId,
        found: &[FoundInput],
    ) -> Result<Option<ObjectKey>, SharedStorageError> {
        let mut patience = self.patience();
        loop {
            match self.changed(entity, found).await {
                Err(error) if self.waits_for(&error, &mut patience).await => {}
                changed => return changed,
            }
        }
    }

    /// An input was seen and could not be read, once more.
    fn input_vanished(&self, message: &EntityMessage) -> Worked {
        Worked::InputVanished(self.node.unreadable_inputs.count(message.run, &message.target))
    }

    /// Opens every input; none where one of them is not there any more.
    async fn open_inputs(&self, found: &[FoundInput]) -> Result<Option<Vec<Input>>, SharedStorageError> {
        let mut inputs = Vec::with_capacity(found.len());
        for input in found {
            let object: Object = match self.node.settings.stores.open(&input.key).await {
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
        let mut transform = match self.transform.take() {
            Some(transform) => transform,
            None => (self.job.transform)()?,
        };
        let timeout = self.job.timeout;
        let applied = tokio::select! {
            biased;
            applied = AssertUnwindSafe(transform.apply(work)).catch_unwind() => Some(applied),
            () = awake_for(timeout) => None,
        };
        let result = match applied {
            Some(Ok(result)) => result,
            Some(Err(panic)) => {
                let text = format!("the transform panicked: {}", panic_text(&*panic));
                return Err(Fault::new(FaultKind::Panicked, text)); // and is dropped, to be built anew
            }
            None => {
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

    /// Puts the outputs in place, the primary last: it alone says that the job is done. While a store is in trouble they are
    /// kept in hand, so that they need not be made again.
    async fn keep(
        &self,
        run: RunId,
        parts: &Parts<'_>,
        product: Product,
        stamp: Stamp,
        in_place: &[Option<Stamp>],
    ) -> Result<Worked, SharedStorageError> {
        let mut patience = self.patience();
        for (number, (output, content)) in self.job.outputs.iter().zip(product.0).enumerate().rev() {
            let key = output.key_of(parts);
            let store = self.node.settings.stores.get(&key.store);
            let making = match number {
                0 => stamp.making.clone(), // the primary output tells the inputs for all
                _ => stamp.making.as_ref().map(|making| Arc::new(making.of_output(number))),
            };
            let stamp = Stamp { making, ..stamp.clone() };
            let stamp = match in_place.get(number).and_then(Option::as_ref) {
                Some(seen) => stamp.replacing(seen),
                None => stamp,
            };
            reach("before_store");
            let stored = loop {
                match store.store(&key.path, content.clone(), Some(stamp.clone())).await {
                    Ok(stored) => break stored,
                    Err(error) if error.kind == StorageErrorKind::NotFound => {
                        return Ok(Worked::Fault(Fault::failed(format!("the transform left no output: {error}"))));
                    }
                    Err(error) if self.waits_for(&error, &mut patience).await => {}
                    Err(error) => return Err(Arc::new(error)),
                }
            };
            match stored {
                Stored::Kept => {
                    self.node.settings.presence.learn(&key, run);
                    self.node.settings.dates.iter().for_each(|dates| dates.forget_output(&key));
                    if !key.former.is_empty() {
                        self.remove_former(&key).await;
                    }
                }
                Stored::NewerInPlace => return Ok(Worked::NewerInPlace),
            }
            reach("after_store");
        }
        Ok(Worked::Done)
    }

    /// What was made anew replaces what former versions kept under another path, which would count as done again if
    /// somebody removed the new one.
    async fn remove_former(&self, key: &ObjectKey) {
        if let Err(error) = self.node.settings.stores.remove_former(key).await {
            warn!(%key, former = ?key.former, %error, "could not remove the former output; remove it by hand");
        }
    }
}
