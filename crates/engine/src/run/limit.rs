//! `--limit`: a run takes so many entities of which something is left to do, and no more.

use euterpe_actors::accounting::{Expected, Fate, Forecaster};
use euterpe_actors::ids::EntityId;
use euterpe_actors::state::Selection;

use super::running::Running;
use crate::workspace::Workspace;

/// Whether a run would do something for an entity of which this is foretold: something can be made, or fails again. What was
/// declined or given up stays as it is.
pub fn has_work(expected: &[Expected]) -> bool {
    expected.iter().any(|one| matches!(one.fate, Fate::Make | Fate::Blocked(..)))
}

/// How many entities a run still takes.
pub struct Limit {
    left: u64,
    /// Foretells what is left to do of an entity, where there is a limit.
    forecaster: Option<(Forecaster, Selection)>,
}

impl Limit {
    /// At most so many; all where none is given.
    ///
    /// # Errors
    /// What keeps the records from being read that tell what is out of date.
    pub async fn of(most: Option<u64>, workspace: &Workspace, running: &Running) -> anyhow::Result<Self> {
        let Some(left) = most else { return Ok(Self { left: u64::MAX, forecaster: None }) };
        let Running { manifest, presence, .. } = running;
        let selection = manifest.selection.clone();
        let asked = (selection.force.clone(), selection.refresh.as_ref());
        let view = workspace.refreshing_view(manifest.run, asked, Some(presence.clone())).await?;
        Ok(Self { left, forecaster: (!selection.ping).then(|| (Forecaster::new(view), selection)) })
    }

    /// Whether no more are taken.
    pub fn is_reached(&self) -> bool {
        self.left == 0
    }

    /// Counts an entity that is not finished, unless nothing is left to do of it.
    pub async fn count(&mut self, entity: &EntityId) {
        if let Some((forecaster, selection)) = &self.forecaster
            // Trouble of a store is told by the work.
            && let Ok(expected) = forecaster.entity(selection, entity).await
            && !has_work(&expected)
        {
            return;
        }
        self.left -= 1;
    }
}
