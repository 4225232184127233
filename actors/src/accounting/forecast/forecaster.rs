//! Foretells what a run would do for an entity, target by target.

use std::collections::HashMap;

use futures::future::BoxFuture;

use super::fate::{Expected, Fate, blocked_by_key};
use super::needs::{Need, needs};
use crate::accounting::view::RunView;
use crate::addressing::{origins, required};
use crate::edges::Unobtainable;
use crate::ids::EntityId;
use crate::message::Target;
use crate::plan::JobIx;
use crate::standing::standing_skip;
use crate::state::Selection;
use crate::storage::StorageError;

/// Foretells runs. It reads stores and skip records and never writes.
pub struct Forecaster {
    view: RunView,
}

/// What is known so far about targets that would be requested.
#[derive(Default)]
struct RequestMemo {
    asked: HashMap<Target, (JobIx, Fate)>,
}

impl Forecaster {
    /// Foretells a run as `view` sees it.
    pub fn new(view: RunView) -> Self {
        Self { view }
    }

    /// What a run of `selection` would do for an entity: the required jobs, parents first, then what they would ask for.
    ///
    /// # Errors
    /// A store's own.
    pub async fn entity(&self, selection: &Selection, entity: &EntityId) -> Result<Vec<Expected>, StorageError> {
        let jobs = required(&self.view.plan, selection, entity);
        let target = |at: &JobIx| Target { job: self.view.plan.job(*at).name.clone(), entity: entity.clone() };
        if self.view.is_finished(&jobs, entity).await {
            let have =
                |at: JobIx| Expected { at, target: target(&at), required: true, fate: Fate::Have, out_of_date: None };
            return Ok(jobs.into_iter().map(have).collect());
        }
        self.doubt_what_lies_above(&jobs, entity).await?;
        let mut memo = RequestMemo::default();
        let mut fates: HashMap<JobIx, Fate> = HashMap::new();
        if selection.bottom_up {
            for at in &jobs {
                fates.insert(*at, self.asked(*at, target(at), &mut memo).await?);
            }
        } else {
            self.wave(&jobs, &origins(&self.view.plan, selection, entity), entity, &mut fates, &mut memo).await?;
        }
        let mut expected = Vec::with_capacity(jobs.len());
        for at in jobs {
            let target = target(&at);
            let by_wave = fates.remove(&at);
            // A request for a job is answered even where the wave would not have come to the job.
            let by_request = memo.asked.remove(&target).map(|(_, fate)| fate);
            let fate = match (by_wave, by_request) {
                (Some(fate), None) | (None, Some(fate)) => fate,
                (Some(Fate::Have), Some(request)) => request, // one of its further outputs is missed
                (Some(wave), Some(_)) if wave.ends_well() => wave,
                (Some(_), Some(request)) => request,
                (None, None) => continue,
            };
            expected.push(self.expected(at, target, true, fate).await?);
        }
        let mut by_request: Vec<(Target, (JobIx, Fate))> = memo.asked.into_iter().collect();
        by_request.sort_unstable_by(|(a, (at, _)), (b, (other, _))| at.cmp(other).then_with(|| a.cmp(b)));
        for (target, (at, fate)) in by_request {
            expected.push(self.expected(at, target, false, fate).await?);
        }
        Ok(expected)
    }

    /// Where one of the outputs is out of date, all that they are made from is looked at, too, as a run does: a listing may have
    /// told otherwise of it.
    async fn doubt_what_lies_above(&self, jobs: &[JobIx], entity: &EntityId) -> Result<(), StorageError> {
        let RunView { plan, known: Some(known), .. } = &self.view else { return Ok(()) };
        for at in jobs {
            if self.view.may_be_out_of_date(*at, entity)
                && self.view.out_of_date(*at, entity).await?.is_some()
                && self.view.standing_skip(*at, entity).await?.is_none()
            {
                known.forget_made(plan, jobs, entity);
                return Ok(());
            }
        }
        Ok(())
    }

    /// With the reason why what is there would be made anew.
    async fn expected(&self, at: JobIx, target: Target, required: bool, fate: Fate) -> Result<Expected, StorageError> {
        let out_of_date = match fate {
            Fate::Make if self.view.may_be_out_of_date(at, &target.entity) => {
                self.view.out_of_date(at, &target.entity).await?
            }
            _ => None,
        };
        Ok(Expected { at, target, required, fate, out_of_date })
    }

    /// What would become of one target if it were requested, and of all that it would request.
    ///
    /// # Errors
    /// A store's own.
    pub async fn request(&self, at: JobIx, entity: &EntityId) -> Result<Vec<Expected>, StorageError> {
        let selection =
            Selection { job: Some(self.view.plan.job(at).name.clone()), bottom_up: true, ..Selection::default() };
        self.entity(&selection, entity).await
    }

    /// The way of a wave: it comes to a job that starts it, and to a job whose parent in the wave passed the entity on.
    async fn wave(
        &self,
        jobs: &[JobIx],
        origins: &[JobIx],
        entity: &EntityId,
        fates: &mut HashMap<JobIx, Fate>,
        memo: &mut RequestMemo,
    ) -> Result<(), StorageError> {
        let mut cut: HashMap<JobIx, Fate> = HashMap::new(); // where the wave goes no further, and why
        for at in jobs {
            let job = self.view.plan.job(*at);
            let target = Target { job: job.name.clone(), entity: entity.clone() };
            let mut above = jobs.iter().filter(|up| self.view.plan.job(**up).children.contains(at)).peekable();
            let is_origin = origins.contains(at) || above.peek().is_none();
            let why = above.map(|up| cut.get(up)).reduce(|one, other| one.and(other)).flatten().cloned();
            let fate = match (self.view.is_fresh(*at, entity).await, &why) {
                (Err(error), _) => self.unless_skipped(*at, &target, blocked_by_key(error, &target)?).await?,
                (Ok(true), _) => Fate::Have,
                (Ok(false), Some(why)) if !is_origin => self.unless_skipped(*at, &target, why.clone()).await?,
                (Ok(false), _) => self.by_wave(*at, &target, jobs, fates, memo).await?,
            };
            match (&fate, why) {
                (Fate::Blocked(..) | Fate::Skipped(..), _) => drop(cut.insert(*at, fate.clone())),
                (_, Some(why)) if !is_origin => drop(cut.insert(*at, why)),
                _ => {}
            }
            fates.insert(*at, fate);
        }
        Ok(())
    }

    /// A job that the wave comes to and whose output is missing: it waits for the parents that the wave reaches, and
    /// asks for the others only when those are there.
    async fn by_wave(
        &self,
        at: JobIx,
        target: &Target,
        wave: &[JobIx],
        fates: &HashMap<JobIx, Fate>,
        memo: &mut RequestMemo,
    ) -> Result<Fate, StorageError> {
        let needs = match needs(&self.view, at, target).await? {
            Ok(needs) => needs,
            Err(never) => return self.unless_skipped(at, target, Fate::Blocked(target.clone(), never)).await,
        };
        let (owed, others): (Vec<Need>, Vec<Need>) =
            needs.into_iter().partition(|need| need.same && wave.contains(&need.at));
        let fate_of = |need: &Need| fates.get(&need.at).unwrap_or(&Fate::Make);
        let changes = owed.iter().any(|need| *fate_of(need) == Fate::Make);
        // A parent that passed the entity on without this output is asked for it, and so are the others, whatever comes.
        let (passed, owed): (Vec<Need>, Vec<Need>) = owed.into_iter().partition(|need| *fate_of(need) == Fate::Have);
        let bad = owed.iter().map(fate_of).find(|fate| !fate.ends_well());
        let fate = match (bad, passed.is_empty()) {
            (Some(bad), true) => bad.clone(),
            (bad, _) => {
                let needs = others.into_iter().chain(passed);
                let asked = self.ask_for(target, at, (needs, changes), memo).await?;
                bad.cloned().unwrap_or(asked)
            }
        };
        let changes = changes && fate == Fate::Make;
        self.unless_skipped_still(at, target, fate, changes).await
    }

    /// A job that was requested: all that it lacks is requested in turn.
    fn asked<'a>(
        &'a self,
        at: JobIx,
        target: Target,
        memo: &'a mut RequestMemo,
    ) -> BoxFuture<'a, Result<Fate, StorageError>> {
        Box::pin(async move {
            if let Some((_, known)) = memo.asked.get(&target) {
                return Ok(known.clone());
            }
            let fate = match self.view.is_fresh(at, &target.entity).await {
                Err(error) => self.unless_skipped(at, &target, blocked_by_key(error, &target)?).await?,
                Ok(true) => Fate::Have,
                Ok(false) => match needs(&self.view, at, &target).await? {
                    Err(never) => self.unless_skipped(at, &target, Fate::Blocked(target.clone(), never)).await?,
                    Ok(needs) => self.ask_for(&target, at, (needs, false), memo).await?,
                },
            };
            memo.asked.insert(target, (at, fate.clone()));
            Ok(fate)
        })
    }

    /// Asks for all of `needs` at once; the target is made when all of them come. `changes` says whether another input is
    /// made: a skip stands only for the inputs that it is of, and what is made anew is taken for another.
    async fn ask_for(
        &self,
        target: &Target,
        at: JobIx,
        (needs, mut changes): (impl IntoIterator<Item = Need>, bool),
        memo: &mut RequestMemo,
    ) -> Result<Fate, StorageError> {
        let mut worst: Option<Fate> = None;
        for need in needs {
            let fate = self.asked(need.at, need.target, memo).await?;
            changes |= fate == Fate::Make;
            if !fate.ends_well() && !matches!(worst, Some(Fate::Blocked(..))) {
                worst = Some(fate);
            }
        }
        let is_made = worst.is_none();
        self.unless_skipped_still(at, target, worst.unwrap_or(Fate::Make), changes && is_made).await
    }

    /// A skip that stands ends the target, whatever became of its parents.
    async fn unless_skipped(&self, at: JobIx, target: &Target, fate: Fate) -> Result<Fate, StorageError> {
        self.unless_skipped_still(at, target, fate, false).await
    }

    /// The same where it is known whether an input will be another until the target's turn comes.
    async fn unless_skipped_still(
        &self,
        at: JobIx,
        target: &Target,
        fate: Fate,
        changes: bool,
    ) -> Result<Fate, StorageError> {
        if self.view.force.names(&target.job) {
            return Ok(fate);
        }
        let RunView { plan, stores, state, .. } = &self.view;
        Ok(match standing_skip(plan, stores, state, at, &target.entity).await? {
            Some(skip) if changes && skip.inputs.is_some() => fate,
            Some(skip) => Fate::Skipped(target.clone(), Unobtainable { reason: skip.reason, text: skip.text }),
            None => fate,
        })
    }
}
