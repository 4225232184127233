//! What must hold when a simulation is quiet; each thing that does not is a sentence.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    accounting::{Books, Place, Verdict, allowed, forced, required},
    graph,
    ledger::Ledger,
    scenario::{Ask, Scenario},
};
use euterpe_actors::message::{Base, Force};

/// All that is wrong, but for what is still open.
pub(super) fn violations(
    scenario: &Scenario,
    books: &Books<'_>,
    ledger: &Ledger,
    asked: &[(u64, Ask)],
    deleted: bool,
    fired: u64,
) -> Vec<String> {
    let mut wrong = ledger.violations.clone();
    if !deleted {
        // Who waits for an output that is made and then deleted is served by resuming, under a new request.
        let unanswered = ledger.unanswered();
        wrong.extend(unanswered.map(|target| format!("unanswered: {target} asked for inputs and heard nothing")));
    }
    wrong.extend(scenario.targets().filter_map(|(job, entity)| books.wrong(ledger, &(job, entity.clone()))));
    for (_, ask) in asked {
        // A later run counts for an earlier one, whichever was published first.
        let since = asked.iter().filter(|(_, other)| other.run >= ask.run).map(|(step, _)| *step).min().unwrap_or(0);
        for place in required(&scenario.plan, ask) {
            if books.verdict(ask, &place) == Verdict::Done
                && let Some(text) = books.stale(ledger, ask, since, &place)
            {
                wrong.push(format!("stale for {}: {text}", ask.run));
            }
        }
    }
    wrong.extend(books.unexplained(deleted));
    wrong.extend(unasked(scenario, ledger, asked, deleted));
    if scenario.is_calm() {
        wrong.extend(repeated(scenario, ledger, asked));
        if scenario.nodes == 1 {
            wrong.extend(too_many_messages(scenario, ledger, asked));
        }
    } else if scenario.claims && !deleted {
        wrong.extend(repeated_beyond_faults(scenario, ledger, asked, fired));
    }
    wrong
}

/// What ran although nobody asked for it, nor for anything that needs it.
fn unasked(scenario: &Scenario, ledger: &Ledger, asked: &[(u64, Ask)], deleted: bool) -> Vec<String> {
    let may_run: BTreeSet<Place> = asked.iter().flat_map(|(_, ask)| allowed(scenario, ask, deleted)).collect();
    let ran: BTreeSet<Place> =
        ledger.execs.iter().filter(|e| e.run.is_some()).map(|e| (e.job, e.entity.clone())).collect();
    ran.difference(&may_run)
        .map(|(job, e)| format!("nobody asked for {}({e}), and it ran", graph::name(job.0)))
        .collect()
}

/// Where nothing goes wrong, and there is one node or all claim what they work on: what ran more than once for a run, or more often than it was forced.
fn repeated(scenario: &Scenario, ledger: &Ledger, asked: &[(u64, Ask)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for ((job, entity), by_run) in ledger.successes() {
        let total: u32 = by_run.values().sum();
        let forcing = asked.iter().filter(|(_, ask)| !forced(&scenario.plan, ask, job).is_empty()).count() as u32;
        if total > 1 + forcing || by_run.values().any(|times| *times > 1) {
            wrong.push(format!("double work without a fault: {}({entity}) ran {by_run:?}", graph::name(job.0)));
        }
    }
    if ledger.doubled > 0 {
        wrong.push(format!("{} times two workers of one node had one entity in hand", ledger.doubled));
    }
    wrong
}

/// Where things go wrong and all claim: each fault costs at most what the workers of one node have in hand.
fn repeated_beyond_faults(scenario: &Scenario, ledger: &Ledger, asked: &[(u64, Ask)], fired: u64) -> Option<String> {
    let again = |((job, _), by_run): ((_, _), BTreeMap<_, u32>)| {
        let total: u32 = by_run.values().sum();
        let forcing = asked.iter().filter(|(_, ask)| !forced(&scenario.plan, ask, job).is_empty()).count() as u32;
        u64::from(total.saturating_sub(1 + forcing))
    };
    let twice: u64 = ledger.successes().into_iter().map(again).sum();
    let workers: usize = scenario.plan.jobs.iter().map(|job| job.workers).sum();
    let most = fired * workers as u64;
    (twice > most).then(|| format!("{twice} times work was done again, after {fired} faults at {workers} workers"))
}

/// On one node where nothing goes wrong and one thing is asked for: one message down each edge of the wave, and along
/// each edge over which an output is asked for one request and one wake-up.
fn too_many_messages(scenario: &Scenario, ledger: &Ledger, asked: &[(u64, Ask)]) -> Option<String> {
    let [(_, ask)] = asked else { return None };
    if ask.force != Force::None {
        return None;
    }
    let plan = &scenario.plan;
    let reached = required(plan, &Ask { ping: false, ..ask.clone() });
    let mut down = 0;
    // Each message of the wave may be the one that asks, where several see the same.
    let mut most_arrivals = 1;
    if let Base::Down(wave) = &ask.base {
        let mut arrivals: BTreeMap<Place, u64> = ask.targets.iter().map(|place| (place.clone(), 1)).collect();
        for (job, entity) in &reached {
            for child in &plan.job(*job).children {
                if wave.only.as_ref().is_none_or(|only| only.contains(&plan.job(*child).name)) {
                    *arrivals.entry((*child, entity.clone())).or_default() += 1;
                    down += 1;
                }
            }
        }
        most_arrivals = arrivals.into_values().max().unwrap_or(1);
    }
    let needed = if ask.ping { BTreeSet::new() } else { allowed(scenario, ask, false) };
    let in_wave = |place: &Place, parent: &Place| {
        let both = reached.contains(parent) && reached.contains(place);
        matches!(ask.base, Base::Down(_)) && both && parent.1 == place.1
    };
    let mut asking = 0;
    for place in &needed {
        let parents: BTreeSet<Place> = graph::parents(plan, place.0, &place.1).into_iter().collect();
        let missing = parents.iter().filter(|parent| needed.contains(*parent) && !in_wave(place, parent));
        asking += 2 * missing.count() as u64;
    }
    let most = (1.05 * (down + most_arrivals * asking) as f64) as u64;
    (ledger.passed > most).then(|| format!("{} messages passed on, {most} are enough", ledger.passed))
}
