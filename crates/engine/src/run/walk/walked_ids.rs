//! The ids of a stream in the order of a walk: as they come, until something was put off; the rest part by part.

use std::sync::Arc;
use std::time::Duration;

use super::{Parts, PutOff, Walk};
use crate::run::addressing::Addressed;
use crate::run::found::Found;
use crate::run::passed::Passed;
use crate::run::stream::{Next, Stream};

/// The ids of a stream. What exists of a batch is known until the next one is asked for.
pub struct WalkedIds {
    ids: Stream,
    walk: Option<Arc<Walk>>,
    /// The parts that ids were put off into, when the stream is at its end, and what was passed over.
    parts: Option<(Parts, Passed)>,
}

impl WalkedIds {
    /// Those of `ids`.
    pub fn of(ids: Stream, walk: Option<Arc<Walk>>) -> Self {
        Self { ids, walk, parts: None }
    }

    /// The next batch, as [`Stream::next`] gives it.
    pub fn next(&mut self, wait: Duration) -> Next {
        let Some(walk) = &self.walk else { return self.ids.next(wait) };
        if self.parts.is_none() {
            match self.ids.next(wait) {
                Next::Batch(batch) if walk.goes_by_parts() => return put_off(walk, batch),
                Next::End(passed) if walk.goes_by_parts() => self.parts = Some((Parts::of(walk), passed)),
                next => return next,
            }
        }
        let Some((parts, passed)) = &mut self.parts else { return Next::End(Passed::default()) };
        match parts.next(walk, passed) {
            Ok(Some(batch)) => Next::Batch(batch),
            Ok(None) => Next::End(std::mem::take(passed)),
            Err(error) => Next::Failed(error),
        }
    }
}

/// Puts the ids of a batch off, and gives what is left of it.
fn put_off(walk: &Walk, batch: Vec<Found>) -> Next {
    let (mut later, mut now) = (Vec::with_capacity(batch.len()), Vec::new());
    for found in batch {
        match found {
            Found::Id(entity, written) | Found::Addressed(Addressed { entity, written, .. }) => {
                later.push(PutOff { entity, written, file: None });
            }
            Found::File(entity, file) => later.push(PutOff { entity, written: None, file: Some(file) }),
            other => now.push(other),
        }
    }
    match walk.put_off(later.into_iter()) {
        Err(error) => Next::Failed(error),
        Ok(()) if now.is_empty() => Next::Later,
        Ok(()) => Next::Batch(now),
    }
}
