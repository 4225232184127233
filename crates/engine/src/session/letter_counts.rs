//! How many dead letters each job has, counted anew as often as that is cheap.

use std::collections::HashMap;
use std::time::Duration;

use euterpe_actors::ids::JobName;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::StorageError;
use tokio::time::Instant;

/// How many times as long as counting took they are not counted again: a listing of very many is not made all the time.
const REST: u32 = 20;

/// The dead letters of a graph's jobs, as they were counted last.
#[derive(Debug, Default)]
pub(super) struct LetterCounts {
    counts: HashMap<String, u64>,
    again: Option<Instant>,
}

impl LetterCounts {
    /// Counts them, unless that was done a moment ago.
    ///
    /// # Errors
    /// The state store's own.
    pub async fn refresh(&mut self, state: &StateStore) -> Result<(), StorageError> {
        let began = Instant::now();
        if self.again.is_some_and(|again| began < again) {
            return Ok(());
        }
        let mut counts: HashMap<String, u64> = HashMap::new();
        state
            .each_letters_job(|job| {
                if let Some(count) = counts.get_mut(job) {
                    *count += 1;
                } else {
                    counts.insert(job.to_owned(), 1);
                }
            })
            .await?;
        let took: Duration = began.elapsed();
        (self.counts, self.again) = (counts, Some(Instant::now() + took * REST));
        Ok(())
    }

    /// How many a job has.
    pub fn of(&self, job: &JobName) -> u64 {
        self.counts.get(job.as_str()).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use euterpe_actors::ids::{EntityId, RunId};
    use euterpe_actors::message::{Base, EntityMessage, Target};
    use euterpe_actors::outcome::Reason;
    use euterpe_actors::state::{DeadLetter, GivenUp};
    use euterpe_actors::storage::memory::MemoryStorage;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn letters_are_counted_by_job_and_a_new_one_is_seen() {
        let state = StateStore::new(Arc::new(MemoryStorage::default()));
        let keep = async |job: &str, id: &str| {
            let target = Target { job: JobName::new(job).expect("a name"), entity: EntityId::new(id).expect("an id") };
            let message = EntityMessage::new(1, RunId::new(1, 0), target.clone(), Default::default(), Base::Stop);
            let why = GivenUp { job: &target.job, node: "n", millis: 1, reason: Reason::Failed, text: "no".into() };
            state.keep_letter(&DeadLetter::of_work(&message, why)).await.expect("kept");
        };
        let mut counts = LetterCounts::default();
        for (job, id, a, b) in [("a", "t-1", 1, 0), ("a", "t-2", 2, 0), ("b", "t-1", 2, 1)] {
            keep(job, id).await;
            counts.refresh(&state).await.expect("counted");
            let of = |job: &str| counts.of(&JobName::new(job).expect("a name"));
            assert_eq!((of("a"), of("b")), (a, b));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }
}
