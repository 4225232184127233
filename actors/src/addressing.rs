//! Which jobs an entity of a run is for, and the messages that start or repair the run.

use std::sync::Arc;

use crate::ids::{EntityId, JobName, RunId};
use crate::message::{Base, EntityMessage, Force, MAX_MESSAGE_BYTES, Target, Wave};
use crate::plan::{JobIx, NodePlan, Route};
use crate::state::{Manifest, Selection};

/// The jobs that must come to an end for an entity of a selection: the origins, and in a wave all that it reaches.
///
/// A ping requires nothing.
pub fn required(plan: &NodePlan, selection: &Selection, entity: &EntityId) -> Vec<JobIx> {
    required_from(plan, selection, &origins(plan, selection, entity))
}

/// The same for all entities whose first messages go to `origins`.
pub fn required_from(plan: &NodePlan, selection: &Selection, origins: &[JobIx]) -> Vec<JobIx> {
    if selection.ping {
        return Vec::new();
    }
    if selection.bottom_up {
        return origins.to_vec();
    }
    let names = origins.iter().map(|at| plan.job(*at).name.clone()).collect();
    plan.reach(&Wave { id: 0, origins: names, only: selection.only.clone() })
}

/// The jobs to which an entity's first messages go.
pub fn origins(plan: &NodePlan, selection: &Selection, entity: &EntityId) -> Vec<JobIx> {
    match &selection.job {
        Some(job) => plan.find(job.as_str()).into_iter().collect(),
        None => origins_among(plan, &starts(plan, selection), entity),
    }
}

/// Those of the jobs `starts` that start a run to which an entity's first messages go.
pub fn origins_among(plan: &NodePlan, starts: &[JobIx], entity: &EntityId) -> Vec<JobIx> {
    let roots = plan.origins_of(entity);
    // What has parents is for the entities of the jobs that lead to it.
    let is_below = |root: &JobIx, at: JobIx| {
        let (above, below) = (plan.job(*root), plan.job(at));
        above.form == below.form && below.ancestors.contains(root)
    };
    let takes =
        |at: JobIx| roots.contains(&at) || (plan.has_same_parent(at) && roots.iter().any(|root| is_below(root, at)));
    starts.iter().copied().filter(|at| takes(*at)).collect()
}

/// The jobs that start a run: its roots, and each job that `only` names although no wave would come to it, since a job in
/// between is not named. What that one lacks it asks for.
pub fn starts(plan: &NodePlan, selection: &Selection) -> Vec<JobIx> {
    let mut starts = roots(plan, selection);
    let Some(only) = &selection.only else { return starts };
    let is_reached = |at: JobIx, starts: &[JobIx]| {
        let origins = starts.iter().map(|at| plan.job(*at).name.clone()).collect();
        plan.reach(&Wave { id: 0, origins, only: Some(only.clone()) }).contains(&at)
    };
    for at in plan.job_indices().filter(|at| only.contains(&plan.job(*at).name)) {
        if !is_reached(at, &starts) {
            starts.push(at);
        }
    }
    starts
}

/// The jobs that start a run for which no job is named: all without a parent over an identity edge. `only` leaves those
/// that it names, and those above a job that it names without one of the jobs that start it.
pub fn roots(plan: &NodePlan, selection: &Selection) -> Vec<JobIx> {
    let roots: Vec<JobIx> = plan.job_indices().filter(|at| !plan.has_same_parent(*at)).collect();
    let Some(only) = &selection.only else { return roots };
    let named: Vec<JobIx> = only.iter().filter_map(|name| plan.find(name.as_str())).collect();
    let leads_to = |root: JobIx, job: JobIx| {
        let below = Wave { id: 0, origins: vec![plan.job(root).name.clone()], only: None };
        plan.reach(&below).contains(&job)
    };
    let mut wanted: Vec<JobIx> = Vec::new();
    for job in &named {
        let above: Vec<JobIx> = roots.iter().copied().filter(|root| leads_to(*root, *job)).collect();
        match above.iter().any(|root| named.contains(root)) {
            true => wanted.extend(above.iter().filter(|root| named.contains(root))),
            false => wanted.extend(above),
        }
    }
    roots.into_iter().filter(|root| wanted.contains(root)).collect()
}

/// The jobs that a bare "force" names: bottom-up the job asked for, else all that the wave reaches.
pub fn reached(plan: &NodePlan, selection: &Selection) -> Vec<JobName> {
    if let (true, Some(job)) = (selection.bottom_up, &selection.job) {
        return vec![job.clone()];
    }
    let origins = match &selection.job {
        Some(job) => vec![job.clone()],
        None => starts(plan, selection).into_iter().map(|at| plan.job(at).name.clone()).collect(),
    };
    let wave = Wave { id: 0, origins, only: selection.only.clone() };
    plan.reach(&wave).into_iter().map(|at| plan.job(at).name.clone()).collect()
}

/// The force of a bare "force": that of the jobs that the run reaches. Where these are all jobs, and too many to be named in
/// a message, they are not named.
pub fn forced(plan: &NodePlan, selection: &Selection) -> Force {
    let jobs = reached(plan, selection);
    let is_all = jobs.len() == plan.jobs.len() && overflows(plan, &jobs);
    if is_all { Force::All } else { Force::Jobs(jobs) }
}

/// Whether the names of these jobs may not fit into a message, which carries them once for itself and once for each of those
/// who wait for it.
pub fn overflows(plan: &NodePlan, jobs: &[JobName]) -> bool {
    let mut depths: Vec<usize> = Vec::with_capacity(plan.jobs.len());
    for job in &plan.jobs {
        let above = job.inputs.iter().filter_map(|input| match &input.from {
            Route::Job { job, .. } => Some(depths[job.0] + 1),
            Route::Source { .. } => None,
        });
        depths.push(above.max().unwrap_or(0));
    }
    let deepest = depths.into_iter().max().unwrap_or(0);
    let names: usize = jobs.iter().map(|job| job.as_str().len() + 1).sum();
    names * (deepest + 1) > MAX_MESSAGE_BYTES / 10 * 9
}

/// The first messages of an entity of a run, one for each of the jobs `origins` that it goes to.
pub fn first_messages(
    plan: &NodePlan,
    manifest: &Manifest,
    origins: &[JobIx],
    entity: &EntityId,
    next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    messages_to(plan, &manifest.selection, (manifest.run, manifest.wave), origins, entity, next_id)
}

/// The messages that bring an entity to the jobs of a selection.
pub fn messages_of(
    plan: &NodePlan,
    selection: &Selection,
    run: RunId,
    wave: u64,
    entity: &EntityId,
    next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    messages_to(plan, selection, (run, wave), &origins(plan, selection, entity), entity, next_id)
}

fn messages_to(
    plan: &NodePlan,
    selection: &Selection,
    (run, wave): (RunId, u64),
    origins: &[JobIx],
    entity: &EntityId,
    mut next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    let base = match selection.bottom_up {
        true => Base::Stop,
        false => {
            let names = origins.iter().map(|at| plan.job(*at).name.clone()).collect();
            Base::Down(Arc::new(Wave { id: wave, origins: names, only: selection.only.clone() }))
        }
    };
    let message = |at: &JobIx| {
        let target = Target { job: plan.job(*at).name.clone(), entity: entity.clone() };
        let mut message = EntityMessage::new(next_id(), run, target, plan.digest, base.clone());
        message.force = selection.force.clone();
        message.refresh = selection.refresh.clone();
        message.ping = selection.ping;
        message
    };
    origins.iter().map(message).collect()
}

/// The messages that repair a run: every open target again, all in one fresh wave whose origins are the open jobs.
pub fn resume_messages(
    plan: &NodePlan,
    manifest: &Manifest,
    open: &[Target],
    wave: u64,
    mut next_id: impl FnMut() -> u64,
) -> Vec<EntityMessage> {
    let selection = &manifest.selection;
    let mut origins: Vec<_> = open.iter().map(|target| target.job.clone()).collect();
    origins.sort_unstable();
    origins.dedup();
    let base = match selection.bottom_up {
        true => Base::Stop,
        false => Base::Down(Arc::new(Wave { id: wave, origins, only: selection.only.clone() })),
    };
    let message = |target: &Target| {
        let mut message = EntityMessage::new(next_id(), manifest.run, target.clone(), plan.digest, base.clone());
        message.force = selection.force.clone();
        message.refresh = selection.refresh.clone();
        message.resumed = true;
        message
    };
    open.iter().map(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StoreName;
    use crate::plan::{InputPlan, JobSpec, Mapping, OutputPlan};
    use crate::retry::RetryPolicy;
    use crate::template::{EntityForm, Template};
    use crate::transform::{Product, inline};

    fn name(name: &str) -> JobName {
        JobName::new(name).expect("a name")
    }

    /// Jobs, each with its parents by their numbers.
    fn plan(jobs: &[(&str, &[usize])]) -> NodePlan {
        let form = EntityForm::default();
        let input = |at: &usize| InputPlan {
            name: format!("i{at}").parse().expect("a name"),
            from: Route::Job { job: JobIx(*at), output: 0, entity: Mapping::Same },
        };
        let key = |job: &str| Template::parse(&format!("{job}/{{id}}"), &form).expect("a template");
        let spec = |(job, parents): &(&str, &[usize])| JobSpec {
            name: name(job),
            form: form.clone(),
            inputs: parents.iter().map(input).collect(),
            outputs: vec![OutputPlan { store: StoreName::new("m").expect("a name"), key: key(job) }],
            transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
            workers: 1,
            timeout: std::time::Duration::from_secs(1),
            retry: RetryPolicy::default(),
            claim: false,
            settings: 0,
        };
        NodePlan::new(jobs.iter().map(spec).collect())
    }

    #[test]
    fn only_leaves_the_jobs_that_start_a_run_which_it_names_or_which_lead_to_what_it_names() {
        let plan = plan(&[("wav", &[]), ("loud", &[]), ("normal", &[0]), ("card", &[1, 2]), ("tags", &[1])]);
        let started_by = |only: Option<&[&str]>| -> Vec<String> {
            let only = only.map(|names| names.iter().map(|job| name(job)).collect());
            let roots = roots(&plan, &Selection { only, ..Selection::default() });
            roots.iter().map(|at| plan.job(*at).name.to_string()).collect()
        };
        assert_eq!(started_by(None), ["wav", "loud"]);
        assert_eq!(started_by(Some(&["wav", "normal"])), ["wav"]);
        assert_eq!(started_by(Some(&["wav", "normal", "card"])), ["wav"], "loud is asked for where it is missing");
        assert_eq!(started_by(Some(&["wav", "tags"])), ["wav", "loud"], "nothing named begins what leads to tags");
        assert_eq!(started_by(Some(&["normal"])), ["wav"]);
        assert_eq!(started_by(Some(&["card"])), ["wav", "loud"]);
    }

    #[test]
    fn a_named_job_that_no_wave_would_come_to_starts_the_run_for_the_entities_of_what_leads_to_it() {
        let plan = plan(&[("wav", &[]), ("loud", &[]), ("normal", &[0]), ("card", &[1, 2]), ("page", &[3])]);
        let started_by = |only: &[&str]| -> Vec<String> {
            let only = Some(only.iter().map(|job| name(job)).collect());
            let selection = Selection { only, ..Selection::default() };
            let entity = EntityId::new("t-1").expect("an id");
            let origins = origins(&plan, &selection, &entity);
            assert!(origins.iter().all(|at| required(&plan, &selection, &entity).contains(at)));
            origins.iter().map(|at| plan.job(*at).name.to_string()).collect()
        };
        assert_eq!(started_by(&["normal"]), ["wav"], "the wave comes to it");
        assert_eq!(started_by(&["wav", "card"]), ["wav", "card"], "normal lies between");
        assert_eq!(started_by(&["card"]), ["wav", "loud"], "loud leads to it at once");
        assert_eq!(started_by(&["wav", "card", "page"]), ["wav", "card"], "the wave goes on from card");
        assert_eq!(started_by(&["page"]), ["wav", "loud", "page"]);
    }

    #[test]
    fn a_bare_force_names_each_job_unless_they_are_all_and_too_many_for_a_message() {
        let small = plan(&[("a", &[]), ("b", &[0])]);
        assert_eq!(forced(&small, &Selection::default()), Force::Jobs(vec![name("a"), name("b")]));
        let names: Vec<String> = (0..400).map(|at| format!("job-{at:03}-of-a-long-name")).collect();
        let above: Vec<Vec<usize>> =
            (0..400).map(|at| if (1..12).contains(&at) { vec![at - 1] } else { vec![] }).collect();
        let jobs: Vec<(&str, &[usize])> =
            names.iter().zip(&above).map(|(job, above)| (job.as_str(), above.as_slice())).collect();
        let large = plan(&jobs);
        assert_eq!(forced(&large, &Selection::default()), Force::All);
        let some = Selection { job: Some(name(&names[11])), ..Selection::default() };
        assert_eq!(forced(&large, &some), Force::Jobs(vec![name(&names[11])]));
        assert!(overflows(&large, &large.jobs.iter().map(|job| job.name.clone()).collect::<Vec<_>>()));
    }
}
