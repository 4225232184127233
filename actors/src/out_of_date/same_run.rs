//! Whether an output that a run made is out of date in the same run: it made an input anew since, which had been lost.

use super::inspector::{Inspector, absent_if_refused};
use super::made::made;
use super::{Change, OutOfDate};
use crate::edges::parent_of;
use crate::ids::{EntityId, RunId};
use crate::message::Target;
use crate::plan::JobIx;
use crate::standing::{is_same_version, print};
use crate::storage::{ObjectInfo, Stamp, StorageError};

impl Inspector<'_> {
    /// An input of an output that this run made, where the same run made that input anew since. What other runs make meanwhile
    /// is for the next one.
    ///
    /// # Errors
    /// Those of the stores.
    pub async fn made_anew_in(
        &mut self,
        run: RunId,
        at: JobIx,
        entity: &EntityId,
        found: &ObjectInfo,
    ) -> Result<Option<OutOfDate>, StorageError> {
        let (Some((_, making)), false) = (made(found), self.standard.is_nothing()) else { return Ok(None) };
        let job = self.plan.job(at).clone();
        let Some(parts) = job.form.split(entity) else { return Ok(None) };
        for input in &job.inputs {
            let Some(Ok(parent)) = parent_of(self.plan, input, entity, &parts) else { continue };
            let now = absent_if_refused(self.stores.look(&parent.key).await)?;
            let Some(now) = now.filter(|now| now.stamp.as_ref().and_then(Stamp::run) == Some(run)) else { continue };
            let now = print(&parent.key, &now);
            let is_read = match making.is_shortened() {
                true => return self.check_found(at, entity, Some(found)).await,
                false => making.inputs.get(&input.name).is_some_and(|read| is_same_version(read, &now)),
            };
            if !is_read {
                let target = Target { job: job.name.clone(), entity: entity.clone() };
                let input = Some(input.name.clone());
                return Ok(Some(OutOfDate { target, input, change: Change::MadeAnew, recipe: None }));
            }
        }
        Ok(None)
    }
}
