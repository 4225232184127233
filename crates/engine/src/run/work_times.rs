//! How long works took: the slowest ones.

use std::time::Duration;

use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::state::Slow;

/// How many are remembered.
const MOST: usize = 10;

/// The slowest works, the slowest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slowest(Vec<Slow>);

impl Slowest {
    /// Notes a work.
    pub fn note(&mut self, job: &JobName, entity: &EntityId, took: Duration) {
        let millis = whole_millis(took);
        let at = self.0.partition_point(|slow| slow.millis >= millis);
        if at < MOST {
            self.0.insert(at, Slow { job: job.clone(), entity: entity.clone(), millis });
            self.0.truncate(MOST);
        }
    }

    /// The slowest ones, the slowest first.
    pub fn list(&self) -> &[Slow] {
        &self.0
    }

    /// These with others, each once.
    pub fn with(&self, others: &[Slow]) -> Vec<Slow> {
        let mut all: Vec<Slow> = self.0.iter().chain(others).cloned().collect();
        all.sort_by(|a, b| b.millis.cmp(&a.millis).then_with(|| (&a.job, &a.entity).cmp(&(&b.job, &b.entity))));
        all.dedup();
        all.truncate(MOST);
        all
    }
}

/// A time in whole milliseconds.
pub fn whole_millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_slowest_are_kept_in_order() {
        let mel = JobName::new("mel").expect("a name");
        let mut slowest = Slowest::default();
        for number in (0..30).chain([15]) {
            let entity = EntityId::new(&format!("t-{number}")).expect("an id");
            slowest.note(&mel, &entity, Duration::from_secs(number % 20));
        }
        let millis: Vec<u64> = slowest.list().iter().map(|slow| slow.millis / 1000).collect();
        assert_eq!(millis, [19, 18, 17, 16, 15, 15, 14, 13, 12, 11]);
        let more = [Slow { job: mel, entity: EntityId::new("x").expect("an id"), millis: 100_000 }];
        assert_eq!(slowest.with(&more).iter().map(|slow| slow.millis / 1000).max(), Some(100));
        assert_eq!(slowest.with(&more).len(), 10);
    }
}
