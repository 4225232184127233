//! Which entities are under way, and about which of them storage is to be asked.

use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::JobIx;

use super::Tracker;

impl Tracker {
    /// An expected entity is about to be sent. False where it is under way already: it was named twice, and is not to
    /// be sent again.
    pub fn begin(&self, entity: &EntityId, required: &[JobIx]) -> bool {
        let mut inner = self.locked();
        inner.tally.waiting = inner.tally.waiting.saturating_sub(1);
        let begun = inner.under_way.begin(entity, required.iter().map(|at| at.0 as u16).collect(), false);
        if !begun {
            inner.tally.entities -= 1;
            required.iter().for_each(|at| inner.tally.jobs[at.0].required -= 1);
        }
        begun
    }

    /// The same for one that travels through these jobs without work, of which none is required.
    pub fn begin_ping(&self, entity: &EntityId, through: &[JobIx]) -> bool {
        let mut inner = self.locked();
        inner.tally.waiting = inner.tally.waiting.saturating_sub(1);
        let begun = inner.under_way.begin(entity, through.iter().map(|at| at.0 as u16).collect(), true);
        inner.tally.entities -= u64::from(!begun);
        begun
    }

    /// An entity that was sent and whose end nobody will tell of.
    pub fn leave(&self, entity: &EntityId) {
        self.locked().under_way.end(entity);
        self.roots.end(entity);
    }

    /// Forgets what only travels: it was not heard of for so long that it is lost, or nobody takes it.
    pub fn forget_pings(&self) {
        self.locked().under_way.end_pings();
        self.moved.notify_one();
    }

    /// Whether an entity is under way.
    pub fn is_live(&self, entity: &EntityId) -> bool {
        self.locked().under_way.get(entity).is_some()
    }

    /// How many entities are under way.
    pub fn live(&self) -> usize {
        self.locked().under_way.len()
    }

    /// At most so many of the entities under way: those that were sent, or given by this, the longest time ago.
    pub fn oldest(&self, most: usize) -> Vec<EntityId> {
        self.locked().under_way.oldest(most)
    }

    /// Reports were lost, of whatever is under way now.
    pub fn doubt(&self) {
        self.locked().under_way.doubt();
    }

    /// At most so many of the entities under way that may have ended unheard, each once: those that were under way when
    /// reports were lost; those that stay behind where most go on, if they are so many that little of a window of this size
    /// is left to the others.
    pub fn doubtful(&self, most: usize, window: usize) -> Vec<EntityId> {
        self.locked().under_way.doubtful(most, window)
    }

    /// The jobs that an entity under way still needs.
    pub fn left_of(&self, entity: &EntityId) -> Vec<JobIx> {
        let inner = self.locked();
        let one = inner.under_way.get(entity);
        one.into_iter().flat_map(|one| &one.left).map(|at| JobIx(usize::from(*at))).collect()
    }
}
