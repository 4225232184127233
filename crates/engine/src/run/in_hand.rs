//! What transforms are working on, and since when.

use std::collections::HashMap;
use std::time::Duration;

use euterpe_actors::ids::{EntityId, JobName};
use tokio::time::Instant;

/// One piece of work that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The job.
    pub job: JobName,
    /// The entity.
    pub entity: EntityId,
    /// For how long it has been worked on.
    pub took: Duration,
}

/// The works of one process that are not finished.
#[derive(Debug, Default)]
pub struct InHand(HashMap<(JobName, EntityId), Begun>);

/// When a work began, and for which message.
#[derive(Clone, Copy, Debug)]
struct Begun {
    message: u64,
    at: Instant,
}

impl InHand {
    /// A transform begins to work for a message.
    pub fn begin(&mut self, job: &JobName, entity: &EntityId, message: u64) {
        self.0.insert((job.clone(), entity.clone()), Begun { message, at: Instant::now() });
    }

    /// A message was settled. How long the work for it took, if there was any.
    pub fn end(&mut self, job: &JobName, entity: &EntityId, message: u64) -> Option<Duration> {
        if self.0.is_empty() {
            return None;
        }
        let target = (job.clone(), entity.clone());
        // Another message of the same target may be settled while the work goes on.
        self.0.get(&target).filter(|begun| begun.message == message)?;
        self.0.remove(&target).map(|begun| begun.at.elapsed())
    }

    /// All of it, what has taken longest first.
    pub fn longest_first(&self) -> Vec<Held> {
        let held = |((job, entity), begun): (&(JobName, EntityId), &Begun)| Held {
            job: job.clone(),
            entity: entity.clone(),
            took: begun.at.elapsed(),
        };
        let mut all: Vec<Held> = self.0.iter().map(held).collect();
        all.sort_by(|a, b| b.took.cmp(&a.took).then_with(|| (&a.job, &a.entity).cmp(&(&b.job, &b.entity))));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_is_in_hand_until_its_own_message_is_settled() {
        let mel = JobName::new("mel").expect("a name");
        let id = |text| EntityId::new(text).expect("an id");
        let mut hand = InHand::default();
        hand.begin(&mel, &id("t-1"), 1);
        tokio::time::advance(Duration::from_secs(5)).await;
        hand.begin(&mel, &id("t-2"), 2);
        assert_eq!(hand.end(&mel, &id("t-1"), 3), None, "another message of the same target");
        let held: Vec<(String, u64)> =
            hand.longest_first().iter().map(|held| (held.entity.to_string(), held.took.as_secs())).collect();
        assert_eq!(held, [("t-1".to_owned(), 5), ("t-2".to_owned(), 0)]);
        assert_eq!(hand.end(&mel, &id("t-1"), 1), Some(Duration::from_secs(5)));
        assert_eq!(hand.longest_first().len(), 1);
    }
}
