//! To which jobs an entity of a run goes, found out once for all entities that go the same way.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    sync::Arc,
};

use euterpe_actors::accounting::{origins_among, required_from, starts};
use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::{JobIx, NodePlan};
use euterpe_actors::state::Selection;

/// Where an entity goes first, and where the run takes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    /// The jobs that its first messages go to.
    pub origins: Vec<JobIx>,
    /// The jobs that the run must bring to an end for it, parents first.
    pub required: Vec<JobIx>,
}

/// An entity with its address.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The entity.
    pub entity: EntityId,
    /// Its address.
    pub to: Arc<Address>,
    /// Its name as it is written, where nobody would look for its source by the id.
    pub written: Option<String>,
}

/// The addresses of a selection's entities. Its size depends on the graph and not on the number of entities.
#[derive(Debug, Default)]
pub struct Addresses {
    /// The jobs that start the run, where no job is named.
    starts: OnceCell<Vec<JobIx>>,
    known: RefCell<HashMap<Vec<JobIx>, Arc<Address>>>,
}

impl Addresses {
    /// Finds the address of an entity.
    ///
    /// # Errors
    /// A sentence that says why no job can take it.
    pub fn of(&self, plan: &NodePlan, selection: &Selection, entity: &EntityId) -> Result<Arc<Address>, String> {
        let origins = match &selection.job {
            Some(job) => plan.find(job.as_str()).into_iter().collect(),
            None => origins_among(plan, self.starts.get_or_init(|| starts(plan, selection)), entity),
        };
        if let Some(why) = why_not(plan, selection, &origins, entity) {
            return Err(why);
        }
        if let Some(known) = self.known.borrow().get(&origins) {
            return Ok(known.clone());
        }
        let required = required_from(plan, selection, &origins);
        let address = Arc::new(Address { origins: origins.clone(), required });
        self.known.borrow_mut().insert(origins, address.clone());
        Ok(address)
    }
}

/// Why an entity cannot be sent to the jobs it would go to, or nothing.
fn why_not(plan: &NodePlan, selection: &Selection, origins: &[JobIx], entity: &EntityId) -> Option<String> {
    let Some(first) = origins.first() else {
        if selection.only.is_some() && !plan.origins_of(entity).is_empty() {
            return Some("none of the jobs of --only takes ids of this form".into());
        }
        let forms: Vec<String> = plan.jobs.iter().map(|job| format!("`{}`", job.form)).collect();
        return Some(format!("no job takes ids of this form; the jobs' forms are {}", forms.join(", ")));
    };
    let form = &plan.job(*first).form;
    if form.split(entity).is_none() {
        return Some(format!("job `{}` takes ids of the form `{form}`", plan.job(*first).name));
    }
    let other = origins.iter().find(|at| plan.job(**at).form != *form)?;
    let (one, two) = (plan.job(*first), plan.job(*other));
    Some(format!(
        "it fits `{form}` of job `{}` and `{}` of job `{}` equally; say which with --job",
        one.name, two.form, two.name
    ))
}
