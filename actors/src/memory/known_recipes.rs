//! The recipes that jobs have had, read once for each run that asks about them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ids::RunId;
use crate::state::RecipeHistories;

/// So many runs are remembered.
const MOST: usize = 4;

/// What was read for the last runs.
#[derive(Debug, Default)]
pub(crate) struct KnownRecipes(Mutex<Vec<(RunId, Arc<RecipeHistories>)>>);

impl KnownRecipes {
    /// What was read for a run.
    pub(crate) fn of(&self, run: RunId) -> Option<Arc<RecipeHistories>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(of, _)| *of == run).map(|(_, recipes)| recipes.clone())
    }

    /// Keeps what was read for a run.
    pub(crate) fn keep(&self, run: RunId, recipes: Arc<RecipeHistories>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(of, _)| *of != run);
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push((run, recipes));
    }
}
