//! Thousands of seeds without a violation, the same seed twice alike, and every wrong variant caught.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use euterpe_actors::mutants::{Mutant, with};
use euterpe_testkit::sim::{Report, simulate, simulate_changes};

/// Within how many seeds a wrong variant must be caught.
const SEEDS_FOR_A_MUTANT: u64 = 10_000;

/// The number that an environment variable holds, if it is set.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")))
}

/// A way to simulate a seed.
#[derive(Clone, Copy)]
struct Simulation {
    /// The test of it.
    name: &'static str,
    run: fn(u64, bool) -> Report,
    /// Where anything goes wrong, so much does at least.
    fewest_faults: u64,
}

/// Nothing changes but by the runs.
const STILL: Simulation = Simulation { name: "simulate_finds_no_violation", run: simulate, fewest_faults: 10 };
/// Sources and jobs change.
const CHANGING: Simulation =
    Simulation { name: "simulate_finds_nothing_out_of_date", run: simulate_changes, fewest_faults: 1 };

impl Simulation {
    fn how_to_replay(self, report: &Report) -> String {
        format!(
            "seed {}: {}\nreplay it with: EUTERPE_SEED={} cargo test -p euterpe-testkit {} -- --nocapture",
            report.seed,
            report.violations.join("\n    "),
            report.seed,
            self.name
        )
    }
}

/// Simulates the seeds from 0 on all cores, each with `mutant`; `judge` says of each report whether to go on.
fn simulate_all(simulation: Simulation, count: u64, mutant: Option<Mutant>, judge: impl Fn(Report) -> bool + Sync) {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(2, |cores| cores.get());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count || !judge(with(mutant, || (simulation.run)(seed, false))) {
                next.store(count, Ordering::Relaxed);
                return;
            }
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
}

#[derive(Default)]
struct Totals {
    steps: u64,
    executions: u64,
    faulty: u64,
    faults: u64,
    failures: Vec<String>,
}

#[test]
fn simulate_finds_no_violation_on_any_seed() {
    finds_none(STILL, number("EUTERPE_SEEDS").unwrap_or(1_500));
}

#[test]
fn simulate_finds_nothing_out_of_date_where_sources_and_jobs_change() {
    finds_none(CHANGING, number("EUTERPE_SEEDS").unwrap_or(1_500) / 2);
}

fn finds_none(simulation: Simulation, count: u64) {
    if let Some(seed) = number("EUTERPE_SEED") {
        let report = (simulation.run)(seed, true);
        assert!(report.violations.is_empty(), "{}", simulation.how_to_replay(&report));
        return;
    }
    let (began, totals) = (Instant::now(), Mutex::new(Totals::default()));
    simulate_all(simulation, count, None, |report| {
        let mut totals = totals.lock().expect("no thread panicked");
        totals.steps += report.steps;
        totals.executions += report.executions as u64;
        totals.faulty += u64::from(!report.calm);
        totals.faults += report.faults;
        if !report.violations.is_empty() {
            totals.failures.push(simulation.how_to_replay(&report));
        } else if !report.calm && report.faults < simulation.fewest_faults {
            totals.failures.push(format!("seed {}: only {} faults", report.seed, report.faults));
        }
        totals.failures.len() < 20
    });
    let totals = totals.into_inner().expect("no thread panicked");
    println!(
        "{count} seeds in {:?}: {} steps, {} executions, {} faults in {} seeds",
        began.elapsed(),
        totals.steps,
        totals.executions,
        totals.faults,
        totals.faulty
    );
    assert!(totals.failures.is_empty(), "{} seeds failed\n{}", totals.failures.len(), totals.failures.join("\n"));
}

#[test]
fn simulate_gives_the_same_trace_for_the_same_seed() {
    for seed in 0..1_000 {
        let (once, again) = (simulate(seed, false), simulate(seed, false));
        assert_eq!(once, again, "seed {seed} ran differently the second time");
    }
    for seed in 0..300 {
        let (once, again) = (simulate_changes(seed, false), simulate_changes(seed, false));
        assert_eq!(once, again, "seed {seed} ran differently the second time");
    }
    assert_ne!(simulate(1, false).trace, simulate(2, false).trace);
}

/// The first violation of a kind under a wrong variant, and its seed.
fn caught(simulation: Simulation, mutant: Mutant, by: &str) -> Option<(u64, String)> {
    let found: Mutex<Option<(u64, String)>> = Mutex::default();
    simulate_all(simulation, SEEDS_FOR_A_MUTANT, Some(mutant), |report| {
        let Some(violation) = report.violations.into_iter().find(|violation| violation.contains(by)) else {
            return true;
        };
        found.lock().expect("no thread panicked").get_or_insert((report.seed, violation));
        false
    });
    found.into_inner().expect("no thread panicked")
}

#[test]
fn simulate_catches_every_wrong_variant_by_what_it_does() {
    let caught_by = [
        (Mutant::AckOnReceipt, "open for"),
        (Mutant::PassOnBeforeWrite, "said done three times"),
        (Mutant::RememberAbsence, "said done three times"),
        (Mutant::DropInFlight, "open for"),
        (Mutant::AskOneParent, "open for"),
        (Mutant::AskForAllAgain, "messages passed on"),
        (Mutant::OneContinuation, "nobody asked for"),
        (Mutant::BareForce, "its output is stale"),
        (Mutant::TellNoWaiter, "unanswered"),
        (Mutant::NoSingleHolder, "double work without a fault"),
        (Mutant::TrustTheClaim, "double work without a fault"),
        (Mutant::TrustOwnAnswers, "outlasted the answer"),
        (Mutant::ClaimBeforeCore, "without a core for it"),
        (Mutant::WorkWhileDraining, "after it was told to end"),
        (Mutant::TrustTheFuture, "its output is stale"),
    ];
    let amid_changes = [
        (Mutant::TrustTheOutput, "out of date after"),
        (Mutant::PrintAfterWork, "out of date after"),
        (Mutant::PrintBeforeOpening, "the stamp of"),
        (Mutant::WorkForOtherSetups, "out of date after"),
        (Mutant::RememberBelowMissing, "out of date after"),
        (Mutant::NoSecondLook, "out of date after"),
        (Mutant::TrustTheRun, "out of date after"),
    ];
    let all = caught_by.iter().chain(&amid_changes).map(|(mutant, _)| *mutant);
    assert_eq!(all.collect::<Vec<_>>(), Mutant::ALL);
    let still = caught_by.into_iter().map(|(mutant, by)| (STILL, mutant, by));
    let changing = amid_changes.into_iter().map(|(mutant, by)| (CHANGING, mutant, by));
    let mut missed = Vec::new();
    for (simulation, mutant, by) in still.chain(changing) {
        match caught(simulation, mutant, by) {
            Some((seed, violation)) => println!("{mutant:?} caught by seed {seed}: {violation}"),
            None => missed.push((mutant, by)),
        }
    }
    assert!(missed.is_empty(), "not caught within {SEEDS_FOR_A_MUTANT} seeds: {missed:?}");
}
