//! What the outputs of a run are measured by.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::ids::JobName;
use crate::refresh::{Force, Refresh};
use crate::state::RecipeHistories;

/// What the outputs of a run are measured by.
#[derive(Clone, Debug, Default)]
pub struct Standard {
    inputs: bool,
    recipes: Option<Recipes>,
}

/// The jobs whose recipe matters, and what it is.
#[derive(Clone, Debug)]
struct Recipes {
    of: Force,
    today: Arc<BTreeMap<JobName, String>>,
    known: Arc<RecipeHistories>,
}

impl Standard {
    /// Inputs alone, or nothing.
    pub fn of_inputs(inputs: bool) -> Self {
        Self { inputs, recipes: None }
    }

    /// What `refresh` asks for, by the recipes of today and those that are known.
    pub fn new(refresh: &Refresh, today: &Arc<BTreeMap<JobName, String>>, known: &Arc<RecipeHistories>) -> Self {
        let recipes = (refresh.inputs && refresh.recipes != Force::None).then(|| Recipes {
            of: refresh.recipes.clone(),
            today: today.clone(),
            known: known.clone(),
        });
        Self { inputs: refresh.inputs, recipes }
    }

    /// Whether whatever is there is good.
    pub fn is_nothing(&self) -> bool {
        !self.inputs
    }

    /// Whether what this recipe made of the job is to be made anew. `written` is when that was.
    pub fn is_former(&self, job: &JobName, recipe: &str, written: Option<SystemTime>) -> bool {
        let Some(Recipes { today, known, .. }) = self.recipes.as_ref().filter(|recipes| recipes.of.names(job)) else {
            return false;
        };
        let Some(today) = today.get(job).filter(|today| !recipe.is_empty() && *today != recipe) else { return false };
        !known.get(job).is_some_and(|known| known.counts_as(recipe, today, written.and_then(nanos)))
    }
}

/// In nanoseconds after the Unix epoch.
pub(crate) fn nanos(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::state::RecipeHistory;

    #[test]
    fn a_recipe_is_a_former_one_unless_it_is_todays_or_was_accepted_or_is_not_asked_about() {
        let [mel, pcm] = ["mel", "pcm"].map(|name| JobName::new(name).expect("a name"));
        let mut history = RecipeHistory::default();
        ["a", "b", "c"].iter().zip(1..).for_each(|(recipe, since)| assert!(history.note(recipe, &Value::Null, since)));
        let today = Arc::new(BTreeMap::from([(mel.clone(), "c".to_owned()), (pcm.clone(), "x".to_owned())]));
        let standard = |history: &RecipeHistory, recipes| {
            let known = Arc::new(RecipeHistories::from([(mel.clone(), history.clone())]));
            Standard::new(&Refresh { recipes, ..Refresh::default() }, &today, &known)
        };
        let asked = standard(&history, Force::Jobs(vec![mel.clone()]));
        assert_eq!(
            ["a", "b", "c", "", "other"].map(|recipe| asked.is_former(&mel, recipe, None)),
            [true, true, false, false, true]
        );
        assert!(!asked.is_former(&pcm, "y", None) && !standard(&history, Force::None).is_former(&mel, "a", None));
        history.accept();
        let all = standard(&history, Force::All);
        assert_eq!(["a", "b", "other"].map(|recipe| all.is_former(&mel, recipe, None)), [false, false, true]);
        assert!(all.is_former(&pcm, "y", None));
    }
}
