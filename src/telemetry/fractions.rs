//! How far transforms say they are with the entities in hand: the last word of each, for the bars.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// How many are remembered; beyond that all are forgotten, and those that are at work say it again.
const MOST: usize = 4096;

static SAID: Mutex<Option<HashMap<(String, String), f64>>> = Mutex::new(None);

fn said() -> MutexGuard<'static, Option<HashMap<(String, String), f64>>> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far a job is with an entity, from 0 to 1, where it said so.
pub fn fraction_of(job: &str, entity: &str) -> Option<f64> {
    said().as_ref()?.get(&(job.to_owned(), entity.to_owned())).copied()
}

/// Remembers what events say in a field `progress`.
pub(super) struct Fractions;

impl<S: Subscriber> Layer<S> for Fractions {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().fields().field("progress").is_none() {
            return;
        }
        let mut read = Read::default();
        event.record(&mut read);
        if let Some(fraction) = read.fraction {
            let mut said = said();
            let said = said.get_or_insert_default();
            if said.len() >= MOST {
                said.clear();
            }
            said.insert((read.job, read.entity), fraction);
        }
    }
}

#[derive(Default)]
struct Read {
    job: String,
    entity: String,
    fraction: Option<f64>,
}

impl Visit for Read {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "progress" {
            self.fraction = Some(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "job" => self.job = format!("{value:?}"),
            "entity" => self.entity = format!("{value:?}"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;

    #[test]
    fn the_last_word_of_a_job_about_an_entity_is_remembered() {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(Fractions), || {
            for progress in [0.25, 0.5] {
                tracing::debug!(job = %"fractions", entity = %"t-1", progress);
            }
            tracing::debug!(job = %"fractions", entity = %"t-2", "no word of progress");
        });
        assert_eq!(fraction_of("fractions", "t-1"), Some(0.5));
        assert_eq!(fraction_of("fractions", "t-2"), None);
    }
}
