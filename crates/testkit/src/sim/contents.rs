//! What is wrong with the contents of outputs: each names the execution that made it, and through it what it was made from.

use super::{
    execution_log::ExecutionLog,
    final_state::FinalState,
    graph::{self, TargetIx},
    requirements::forced,
    scenario::Submission,
    versions::Versions,
};

impl FinalState<'_> {
    /// Why an output was not made as a submission forces it to be: what it was made from is older than the submission.
    pub(super) fn stale(
        &self,
        log: &ExecutionLog,
        submission: &Submission,
        asked_at: u64,
        target: &TargetIx,
    ) -> Option<String> {
        let (content, _) = self.outputs.get(target)?;
        self.stale_content(log, submission, asked_at, target, content)
    }

    fn stale_content(
        &self,
        log: &ExecutionLog,
        submission: &Submission,
        asked_at: u64,
        target: &TargetIx,
        text: &str,
    ) -> Option<String> {
        let plan = &self.scenario.plan;
        let forced = forced(plan, submission, target.0);
        if forced.is_empty() {
            return None;
        }
        let name = format!("{}({})", graph::name(target.0.0), target.1);
        let Some(execution) = log.execution_of(text) else { return Some(format!("{name} is a foreign object")) };
        if forced.contains(&target.0) && execution.step < asked_at {
            return Some(format!("{name} was made at {}, before it was forced at {asked_at}", execution.step));
        }
        if forced.iter().all(|job| *job == target.0) {
            return None;
        }
        let Some(inputs) = &execution.inputs else { return Some(format!("{name} was there before")) };
        let parents = graph::parents(plan, target.0, &target.1);
        // Sources stand among the inputs, and not among the parents.
        let texts = inputs.iter().filter(|text| !text.starts_with("source"));
        parents.iter().zip(texts).find_map(|(parent, text)| self.stale_content(log, submission, asked_at, parent, text))
    }

    /// What is wrong with the content of an output, whoever made it.
    pub(super) fn wrong(&self, log: &ExecutionLog, target: &TargetIx) -> Option<String> {
        let (content, _) = self.outputs.get(target)?;
        if content == "foreign" {
            return None;
        }
        let name = format!("{}({})", graph::name(target.0.0), target.1);
        let Some(execution) = log.execution_of(content) else { return Some(format!("{name} holds {content:?}")) };
        if (execution.job, &execution.entity) != (target.0, &target.1) {
            return Some(format!("{name} holds what was made for {:?}({})", execution.job, execution.entity));
        }
        let inputs = execution.inputs.as_ref()?;
        let parents = graph::parents(&self.scenario.plan, target.0, &target.1);
        let (sources, made): (Vec<_>, Vec<_>) = inputs.iter().partition(|text| text.starts_with("source"));
        if made.len() != parents.len() || sources.iter().any(|text| !Versions::is_source_of(&target.1, text)) {
            return Some(format!("{name} was made from {inputs:?}"));
        }
        let fits = |(parent, text): (&TargetIx, &&String)| {
            text.as_str() == "foreign"
                || log
                    .execution_of(text)
                    .is_some_and(|execution| (execution.job, &execution.entity) == (parent.0, &parent.1))
        };
        (!parents.iter().zip(&made).all(fits)).then(|| format!("{name} was made from others' outputs {inputs:?}"))
    }
}
