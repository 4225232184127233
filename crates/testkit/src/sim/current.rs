//! Whether outputs are what would be made today: worked out from their contents alone, apart from the production code.

use euterpe_actors::ids::InputName;
use euterpe_actors::message::Refresh;
use euterpe_actors::plan::{Mapping, Route};

use super::{
    execution_log::ExecutionLog,
    final_state::FinalState,
    graph::{self, TargetIx},
    scenario::Submission,
    versions::Versions,
};

/// Finds outputs that a run left although something that they were made from is another now.
pub(super) struct Currency<'a> {
    pub(super) state: &'a FinalState<'a>,
    pub(super) log: &'a ExecutionLog,
    pub(super) versions: &'a Versions,
    pub(super) submission: &'a Submission,
}

impl Currency<'_> {
    /// Why an output is not what would be made today; none where it is, or is not there, or nobody knows what it was made
    /// from.
    pub(super) fn fault(&self, target: &TargetIx) -> Option<String> {
        let (text, _) = self.state.outputs.get(target)?;
        self.fault_of(target, text, true)
    }

    /// The same of an output that holds this text, or held it when it was there. Nobody knows which recipe made one that is
    /// not there.
    fn fault_of(&self, target: &TargetIx, text: &str, is_there: bool) -> Option<String> {
        let plan = &self.state.scenario.plan;
        let execution = self.log.execution_of(text)?;
        let read = execution.inputs.as_ref()?;
        let name = graph::target_name(target);
        let refreshes = |refresh: &Refresh| refresh.recipes.names(&graph::name(target.0.0));
        let today = self.versions.recipe(target.0);
        if is_there && execution.recipe != today && self.submission.refresh.as_ref().is_some_and(refreshes) {
            return Some(format!("{name} was made by recipe {}, now {today}", execution.recipe));
        }
        let job = plan.job(target.0);
        let parts = job.form.split(&target.1)?;
        for (input, read) in job.inputs.iter().zip(read) {
            let (parent, output): (TargetIx, usize) = match &input.from {
                Route::Source { .. } => {
                    let now = self.versions.source(&target.1);
                    if *read != now {
                        return Some(format!("{name} was made from {read:?}, now {now:?}"));
                    }
                    continue;
                }
                Route::Job { job, output, entity: Mapping::Same } => ((*job, target.1.clone()), *output),
                Route::Job { job, output, entity: Mapping::To(map) } => ((*job, map.entity(&parts).ok()?), *output),
            };
            let fault = match self.state.text(&parent, output) {
                Some(now) if now != read => {
                    Some(format!("{name} was made from {read:?}, and {} holds {now:?}", graph::target_name(&parent)))
                }
                Some(now) => self.fault_of(&parent, now, true),
                // What would come of it is what came of it, unless something above is another now.
                None => self.fault_of(&parent, read, false),
            };
            if fault.is_some() {
                return fault;
            }
        }
        None
    }

    /// Where the stamp of an output tells another content of an input than the one that was read.
    pub(super) fn untrue_stamp(&self, target: &TargetIx) -> Option<String> {
        let (text, stamp) = self.state.outputs.get(target)?;
        let told = &stamp.as_ref()?.making.as_ref()?.inputs;
        let read = self.log.execution_of(text)?.inputs.as_ref()?;
        let inputs = self.state.scenario.plan.job(target.0).inputs.iter().zip(read);
        // Of sources and of what nobody stamped, name, size and time are told.
        let made = inputs.filter(|(input, read)| matches!(input.from, Route::Job { .. }) && read.starts_with('x'));
        let is_untrue = |input: &InputName, read: &str| {
            let hash = blake3::hash(read.as_bytes()).to_hex();
            told.get(input).is_some_and(|told| !told.contains(' ') && *told != hash.as_str())
        };
        let mut untrue = made.filter(|(input, read)| is_untrue(&input.name, read));
        let (input, read) = untrue.next()?;
        Some(format!("the stamp of {} tells another `{}` than {read:?}", graph::target_name(target), input.name))
    }

    /// Whether a target, or anything that it is made from, failed or was declined in the run, or has no source: then what is
    /// there stays as it is.
    pub(super) fn is_given_up(&self, target: &TargetIx) -> bool {
        let plan = &self.state.scenario.plan;
        let sourceless = graph::reads_source(plan, target.0) && self.state.scenario.sourceless.contains(&target.1);
        sourceless
            || self.state.has_record(self.submission.run, target)
            || graph::parents(plan, target.0, &target.1).iter().any(|parent| self.is_given_up(parent))
    }
}
