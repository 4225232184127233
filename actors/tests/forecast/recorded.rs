//! What records and stamps of before say of a job's inputs: nothing, what they are, or what they were once.

use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;

use euterpe_actors::ids::{EntityId, InputName, StoreName};
use euterpe_actors::plan::{JobPlan, NodePlan, Route};
use euterpe_actors::standing::input_prints;
use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{InputPrints, Making, Storage, Stores, memory::MemoryStorage};

/// The recipe of today, of all jobs.
pub const RECIPE: &str = "r";

pub fn store_name() -> StoreName {
    StoreName::new("s").expect("a name")
}

/// What the job's inputs are now.
async fn prints_now(
    plan: &NodePlan,
    store: &Arc<MemoryStorage>,
    state: &Arc<MemoryStorage>,
    entity: &EntityId,
    job: &JobPlan,
) -> InputPrints {
    let stores = Stores::new([(store_name(), store.clone() as Arc<dyn Storage>)]);
    let (state, at) = (StateStore::new(state.clone()), plan.find(job.name.as_str()).expect("a job"));
    input_prints(plan, &stores, &state, at, entity).await.expect("looked")
}

/// What a stamp says of the job's inputs: nothing, what they are, or that one of them was another. One by one or together.
pub async fn making(
    dice: &mut StdRng,
    plan: &NodePlan,
    store: &Arc<MemoryStorage>,
    state: &Arc<MemoryStorage>,
    entity: &EntityId,
    job: &JobPlan,
) -> Option<Arc<Making>> {
    if dice.random_bool(0.3) {
        return None;
    }
    let mut prints = prints_now(plan, store, state, entity, job).await;
    if dice.random_bool(0.2)
        && let Some(print) = prints.values_mut().next()
    {
        *print = "once".into();
    }
    // A digest of all of them tells nothing as long as a parent is missing, and nobody can foretell what that will be.
    let has_all = prints.len() == job.inputs.len();
    // What is missing now was there when it was made.
    for input in job.inputs.iter().filter(|input| matches!(input.from, Route::Job { .. })) {
        prints.entry(input.name.clone()).or_insert_with(|| "as it was".into());
    }
    let recipe = if dice.random_bool(0.2) { "old" } else { RECIPE };
    let making = Making::new(recipe.into(), prints);
    Some(Arc::new(if has_all && dice.random_bool(0.2) { making.shortened() } else { making }))
}

/// What a skip record says of the job's inputs: nothing, what they are, or what they were once. What a run makes anew it
/// may make alike or not, so only sources are told.
pub async fn then(
    dice: &mut StdRng,
    plan: &NodePlan,
    store: &Arc<MemoryStorage>,
    state: &Arc<MemoryStorage>,
    entity: &EntityId,
    job: &JobPlan,
) -> Option<InputPrints> {
    if dice.random_bool(0.3) || job.inputs.iter().any(|input| matches!(input.from, Route::Job { .. })) {
        return None;
    }
    let mut prints = prints_now(plan, store, state, entity, job).await;
    if dice.random_bool(0.5) {
        prints.insert(InputName::new("gone").expect("a name"), "once".to_owned());
    }
    Some(prints)
}
