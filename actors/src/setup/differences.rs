//! In what two setups differ.

use std::fmt;

use super::{Setup, StoreIdentity};
use crate::ids::{JobName, StoreName};

/// One thing by which two setups mean something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The other one's records lie elsewhere.
    State(Places),
    /// The graph: these jobs are missing in one of them, or have other ids, inputs or outputs.
    Graph(Vec<JobName>),
    /// A job has the same inputs and outputs, and another transform, other options or other code.
    Recipe(JobName),
    /// A store of this name is another place.
    Store(StoreName, Places),
    /// Only the first one, or only the other one, follows links that lead out of the store of this name.
    Links(StoreName, bool),
    /// The first one's store of this name, at this place, held nothing, and the other one's did.
    Empty(StoreName, String),
}

/// Two places that should be one: the first setup's and the second's.
pub type Places = Box<(String, String)>;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::State(places) => write!(f, "other records: {}", Pair(places)),
            Difference::Graph(jobs) => {
                let jobs: Vec<String> = jobs.iter().take(5).map(|job| format!("`{job}`")).collect();
                let differ = if jobs.len() == 1 { "differs in its" } else { "differ in their" };
                write!(f, "another graph: {} {differ} ids, inputs or outputs", jobs.join(", "))
            }
            Difference::Recipe(job) => write!(f, "another `{job}`: its transform, its options or its code differ"),
            Difference::Store(store, places) => write!(f, "another place for `{store}`: {}", Pair(places)),
            Difference::Links(store, here) => {
                let where_to = if *here { "here, and not there" } else { "there, and not here" };
                write!(f, "`links: follow` for `{store}` {where_to}")
            }
            Difference::Empty(store, place) => {
                write!(f, "nothing in `{store}` here ({place}), and something there: is its disk mounted?")
            }
        }
    }
}

struct Pair<'p>(&'p Places);

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, other) = &**self.0;
        match one == other {
            true => write!(f, "both are called {one} and are not the same"),
            false => write!(f, "{one} here, {other} there"),
        }
    }
}

impl Setup {
    /// In what `other` means something else by `job`, or by the whole graph. Empty where both can work on each other's
    /// messages for that job.
    pub fn differences(&self, other: &Setup, job: &JobName) -> Vec<Difference> {
        let mut found = Vec::new();
        if let Some(places) = apart(&self.state, &other.state) {
            found.push(Difference::State(places));
        }
        let graph = self.other_jobs(other);
        if !graph.is_empty() {
            found.push(Difference::Graph(graph));
        }
        let (Some(mine), Some(theirs)) = (self.jobs.get(job), other.jobs.get(job)) else { return found };
        if mine.recipe != theirs.recipe {
            found.push(Difference::Recipe(job.clone()));
        }
        for store in &mine.stores {
            let (Some(mine), Some(theirs)) = (self.stores.get(store), other.stores.get(store)) else { continue };
            if let Some(places) = apart(mine, theirs) {
                found.push(Difference::Store(store.clone(), places));
            }
            if let (Some(here), Some(there)) = (mine.follows_links, theirs.follows_links)
                && here != there
            {
                found.push(Difference::Links(store.clone(), here));
            }
        }
        found
    }

    /// The stores of a job that held nothing when this node began, and something for whoever published: a node that works all the
    /// same takes their objects for missing. The other way round nothing goes wrong.
    pub fn empty_stores(&self, publisher: &Setup, job: &JobName) -> Vec<Difference> {
        let of_job = self.jobs.get(job).into_iter().flat_map(|job| &job.stores);
        let empty = of_job.filter_map(|store| {
            let (mine, theirs) = (self.stores.get(store)?, publisher.stores.get(store)?);
            (mine.is_empty && !theirs.is_empty).then(|| Difference::Empty(store.clone(), mine.place.clone()))
        });
        empty.collect()
    }

    /// Those of the jobs that have another recipe.
    pub fn other_recipes<'j>(&self, other: &Setup, jobs: impl Iterator<Item = &'j JobName>) -> Vec<Difference> {
        let differ = jobs.filter(|job| {
            let recipes = [self, other].map(|setup| setup.jobs.get(*job).map(|job| &job.recipe));
            recipes[0] != recipes[1]
        });
        differ.map(|job| Difference::Recipe(job.clone())).collect()
    }

    /// The jobs that only one of both has, or that have other ids, inputs or outputs.
    fn other_jobs(&self, other: &Setup) -> Vec<JobName> {
        let names = self.jobs.keys().chain(other.jobs.keys().filter(|name| !self.jobs.contains_key(*name)));
        let differs =
            |name: &&JobName| self.jobs.get(*name).map(|job| &job.shape) != other.jobs.get(*name).map(|job| &job.shape);
        names.filter(differs).cloned().collect()
    }
}

fn apart(mine: &StoreIdentity, theirs: &StoreIdentity) -> Option<Places> {
    (!mine.is(theirs)).then(|| Box::new((mine.place.clone(), theirs.place.clone())))
}
