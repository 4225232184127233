//! What a run would do and why, without doing it: the forecasts of all entities, summed up by job and by reason.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use euterpe_actors::accounting::{Expected, Fate, Forecaster, RunView};
use euterpe_actors::ids::{EntityId, JobName};
use euterpe_actors::memory::Fingerprint;
use euterpe_actors::outcome::Reason;
use euterpe_actors::plan::{JobIx, Mapping, NodePlan, Route};
use euterpe_actors::state::{Selection, is_dropped};

use super::Session;
use super::sample::Samples;
use crate::mistake::Mistake;
use crate::run::addressing::Addresses;
use crate::run::former::Former;
use crate::run::found::Found;
use crate::run::ids::Ids;
use crate::run::limit::has_work;
use crate::run::outdated::Outdated;
use crate::run::passed::{Passed, PassedKind};
use crate::run::stream::Next;
use crate::run::survey::Survey;

/// How long the reader of ids is waited for before it is asked again.
const WAIT: Duration = Duration::from_secs(60);

impl Session {
    /// Foretells what a run would do, entity by entity, as they are read. Writes nothing.
    ///
    /// # Errors
    /// [`Mistake`] for a ping, which makes nothing; what keeps ids and stores from being read.
    pub async fn plan(&self, selection: Selection, ids: Ids, limit: Option<u64>) -> anyhow::Result<Forecast> {
        self.forecast(selection, ids, limit, None).await
    }

    /// The same, with some entities of each job put into `samples`.
    pub(super) async fn forecast(
        &self,
        selection: Selection,
        mut ids: Ids,
        limit: Option<u64>,
        mut samples: Option<&mut [Samples]>,
    ) -> anyhow::Result<Forecast> {
        if selection.ping {
            let text = "a ping makes nothing, so there is nothing to plan; leave out --ping, or run it";
            bail!(Mistake(text.into()));
        }
        let run = self.workspace.next_run().await?;
        let Survey { presence, dates, walk } = self.survey_for(run, &mut ids, &selection).await?;
        let asked = (selection.force.clone(), selection.refresh.as_ref());
        let view = self.workspace.refreshing_view(run, asked, Some(presence)).await?;
        let forecaster = Forecaster::new(RunView { dates: dates.clone(), ..view });
        let addresses = Addresses::default();
        let nodes = &self.workspace.nodes;
        let mut forecast = Forecast::of(nodes.clone(), selection.clone());
        let dropped = self.workspace.state.dropped_names().await?;
        let mut left = limit.unwrap_or(u64::MAX);
        let mut stream = ids.walked(Some(walk));
        while left > 0 {
            let batch = match stream.next(WAIT) {
                Next::Batch(batch) => batch,
                Next::Later => continue,
                Next::Failed(error) => return Err(error),
                Next::End(passed) => {
                    let dropped = std::mem::take(&mut forecast.passed);
                    forecast.passed = passed;
                    forecast.passed.merge(dropped);
                    break;
                }
            };
            for found in batch {
                let entity = match found {
                    Found::Addressed(found) => Ok((found.entity, found.written)),
                    Found::Id(entity, written) => match addresses.of(nodes, &selection, &entity) {
                        Ok(_) => Ok((entity, written)),
                        Err(why) => Err((entity.as_str().to_owned(), why)),
                    },
                    Found::File(entity, _) => match addresses.of(nodes, &selection, &entity) {
                        Ok(_) => Ok((entity, None)),
                        Err(why) => Err((entity.as_str().to_owned(), why)),
                    },
                    Found::Name(entity, written) => {
                        self.workspace.state.note_name(&entity, &written);
                        continue;
                    }
                    Found::Bad(bad) => Err((bad.name, bad.why)),
                    Found::Passed(kind, path) => {
                        forecast.passed_names.push((kind, path));
                        continue;
                    }
                };
                let (entity, written) = match entity {
                    Ok(entity) => entity,
                    Err((name, _)) if is_dropped(&name, &dropped) => {
                        forecast.passed.add(PassedKind::Dropped);
                        forecast.passed_names.push((PassedKind::Dropped, name));
                        continue;
                    }
                    Err((name, why)) => {
                        forecast.bad_name(&name, why);
                        continue;
                    }
                };
                if let Some(written) = written {
                    self.workspace.state.note_name(&entity, &written);
                }
                let expected = forecaster.entity(&selection, &entity).await?;
                if let Some(dates) = &dates {
                    let made = expected.iter().filter(|one| one.fate == Fate::Make);
                    made.for_each(|one| dates.forget_former(one.at, &one.target.entity));
                }
                if let Some(samples) = &mut samples {
                    expected.iter().for_each(|one| samples[one.at.0].offer(one));
                }
                forecast.id_bytes += entity.as_str().len() as u64;
                let counts = has_work(&expected);
                forecast.add(expected);
                if counts {
                    left -= 1;
                    if left == 0 {
                        break;
                    }
                }
            }
        }
        forecast.out_of_date = std::mem::take(&mut forecast.out_of_date).with_changes(&self.workspace).await;
        forecast.former = Former::of(&self.workspace, dates.as_deref(), &selection).await;
        Ok(forecast)
    }
}

/// What a run would do, in numbers.
pub struct Forecast {
    /// The jobs.
    pub plan: Arc<NodePlan>,
    /// What the run would be asked to do.
    pub selection: Selection,
    /// How many entities there are.
    pub entities: u64,
    /// How many of them lack something.
    pub unfinished: u64,
    /// The bytes of their ids.
    pub id_bytes: u64,
    /// For each job, parents before children.
    pub jobs: Vec<Row>,
    /// Why jobs are blocked: by the job, the job that fails, and the reason.
    pub blocked: BTreeMap<(JobIx, JobName, Reason), Group>,
    /// The same of those that are declined or were given up.
    pub skipped: BTreeMap<(JobIx, JobName, Reason), Group>,
    /// What is there and is made anew.
    pub out_of_date: Outdated,
    /// What former recipes made, and is left as it is.
    pub former: Former,
    /// Names that end as dead letters without any work.
    pub bad_names: u64,
    /// An example of these.
    pub bad_name: Option<(String, String)>,
    /// What in the source is none of its entities.
    pub passed: Passed,
    /// The same by path: those that were dropped always, the others where the ids were read so.
    pub passed_names: Vec<(PassedKind, String)>,
    /// How many outputs of the jobs that the run reaches have names that their stores can hold only shortened.
    pub shortened: u64,
    /// An example of these: the entity, and the key of its output.
    pub shortened_example: Option<(EntityId, String)>,
    /// The jobs that may be asked for one entity's sake by another, and what is counted of them, so that nothing is
    /// counted twice. It alone grows with the number of entities, and only for graphs with edges that map the entity.
    crossed: Vec<bool>,
    counted: HashMap<Fingerprint, bool>,
}

/// What would become of one job's entities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// There.
    pub have: u64,
    /// To be made.
    pub make: u64,
    /// To be made because another job needs it, although the run does not ask for it.
    pub on_request: u64,
    /// They cannot be made.
    pub blocked: u64,
    /// Declined or given up.
    pub skipped: u64,
}

/// How often something comes, with an example: the entity and one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How often.
    pub count: u64,
    /// One entity.
    pub entity: String,
    /// Why, of this entity.
    pub text: String,
}

impl Forecast {
    fn of(plan: Arc<NodePlan>, selection: Selection) -> Self {
        let mut crossed = vec![false; plan.jobs.len()];
        for input in plan.jobs.iter().flat_map(|job| &job.inputs) {
            if let Route::Job { job, entity: Mapping::To(_), .. } = &input.from {
                crossed[job.0] = true;
                plan.job(*job).ancestors.iter().for_each(|above| crossed[above.0] = true);
            }
        }
        Self {
            jobs: vec![Row::default(); plan.jobs.len()],
            plan,
            selection,
            entities: 0,
            unfinished: 0,
            id_bytes: 0,
            blocked: BTreeMap::new(),
            skipped: BTreeMap::new(),
            out_of_date: Outdated::default(),
            former: Former::default(),
            bad_names: 0,
            bad_name: None,
            passed: Passed::default(),
            passed_names: Vec::new(),
            shortened: 0,
            shortened_example: None,
            crossed,
            counted: HashMap::new(),
        }
    }

    /// A name that ends as a dead letter without any work.
    fn bad_name(&mut self, name: &str, why: String) {
        self.entities += 1;
        self.bad_names += 1;
        self.bad_name.get_or_insert_with(|| (name.to_owned(), why));
    }

    /// Counts the outputs of a target whose names are too long for their stores.
    fn foresee_names(&mut self, at: JobIx, entity: &EntityId) {
        let job = self.plan.job(at);
        let Some(parts) = job.form.split(entity) else { return };
        for output in job.outputs.iter().filter(|output| output.key.is_shortened(&parts)) {
            self.shortened += 1;
            let example = || (entity.clone(), format!("{}:{}", output.store, output.key.output_key(&parts)));
            self.shortened_example.get_or_insert_with(example);
        }
    }

    /// Adds an entity.
    fn add(&mut self, expected: Vec<Expected>) {
        let finished = expected.iter().all(|expected| expected.fate == Fate::Have);
        self.entities += 1;
        self.unfinished += u64::from(!finished);
        for expected in expected {
            if !self.is_news(&expected) {
                continue;
            }
            // What another job needs and is there already may be met by many entities.
            let is_there = expected.fate == Fate::Have && expected.required;
            if is_there || expected.fate == Fate::Make {
                self.foresee_names(expected.at, &expected.target.entity);
            }
            if let Some(why) = &expected.out_of_date {
                self.out_of_date.add(expected.at, &expected.target.entity, why);
            }
            let row = &mut self.jobs[expected.at.0];
            let (groups, cause, why) = match expected.fate {
                Fate::Have => {
                    row.have += u64::from(expected.required);
                    continue;
                }
                Fate::Make => {
                    *(if expected.required { &mut row.make } else { &mut row.on_request }) += 1;
                    continue;
                }
                Fate::Blocked(cause, why) => {
                    row.blocked += 1;
                    (&mut self.blocked, cause, why)
                }
                Fate::Skipped(cause, why) => {
                    row.skipped += 1;
                    (&mut self.skipped, cause, why)
                }
            };
            let entity = expected.target.entity;
            let group = groups.entry((expected.at, cause.job, why.reason)).or_insert_with(|| Group {
                count: 0,
                entity: entity.to_string(),
                text: why.text,
            });
            group.count += 1;
        }
    }

    /// Whether a target was not counted before for another entity's sake. What was counted as asked for and turns out
    /// to be required moves.
    fn is_news(&mut self, expected: &Expected) -> bool {
        if !self.crossed[expected.at.0] || expected.fate == Fate::Have {
            return true;
        }
        let print = Fingerprint::of(expected.target.job.as_str(), expected.target.entity.as_str());
        match self.counted.insert(print, expected.required) {
            None => true,
            Some(false) if expected.required && expected.fate == Fate::Make => {
                self.jobs[expected.at.0].on_request -= 1;
                true
            }
            Some(before) => {
                self.counted.insert(print, before || expected.required);
                false
            }
        }
    }

    /// How many transforms would run.
    pub fn work(&self) -> u64 {
        self.jobs.iter().map(|row| row.make + row.on_request).sum()
    }
}
