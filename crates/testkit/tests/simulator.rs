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
use euterpe_testkit::sim::{Report, simulate};

/// Within how many seeds a wrong variant must be caught.
const SEEDS_FOR_A_MUTANT: u64 = 3_000;

/// The number that an environment variable holds, if it is set.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")))
}

fn how_to_replay(report: &Report) -> String {
    format!(
        "seed {}: {}\nreplay it with: EUTERPE_SEED={} cargo test -p euterpe-testkit simulate -- --nocapture",
        report.seed,
        report.violations.join("\n    "),
        report.seed
    )
}

/// Simulates the seeds from 0 on all cores, each with `mutant`; `judge` says of each report whether to go on.
fn simulate_all(count: u64, mutant: Option<Mutant>, judge: impl Fn(Report) -> bool + Sync) {
    let next = AtomicU64::new(0);
    let threads = thread::available_parallelism().map_or(2, |cores| cores.get());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count || !judge(with(mutant, || simulate(seed, false))) {
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
    if let Some(seed) = number("EUTERPE_SEED") {
        let report = simulate(seed, true);
        assert!(report.violations.is_empty(), "{}", how_to_replay(&report));
        return;
    }
    let count = number("EUTERPE_SEEDS").unwrap_or(1_500);
    let (began, totals) = (Instant::now(), Mutex::new(Totals::default()));
    simulate_all(count, None, |report| {
        let mut totals = totals.lock().expect("no thread panicked");
        totals.steps += report.steps;
        totals.executions += report.executions as u64;
        totals.faulty += u64::from(!report.calm);
        totals.faults += report.faults;
        if !report.violations.is_empty() {
            totals.failures.push(how_to_replay(&report));
        } else if !report.calm && report.faults < 10 {
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
    assert_ne!(simulate(1, false).trace, simulate(2, false).trace);
}

/// The first violation of a kind under a wrong variant, and its seed.
fn caught(mutant: Mutant, by: &str) -> Option<(u64, String)> {
    let found: Mutex<Option<(u64, String)>> = Mutex::default();
    simulate_all(SEEDS_FOR_A_MUTANT, Some(mutant), |report| {
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
    assert_eq!(caught_by.map(|(mutant, _)| mutant), Mutant::ALL);
    let mut missed = Vec::new();
    for (mutant, by) in caught_by {
        match caught(mutant, by) {
            Some((seed, violation)) => println!("{mutant:?} caught by seed {seed}: {violation}"),
            None => missed.push((mutant, by)),
        }
    }
    assert!(missed.is_empty(), "not caught within {SEEDS_FOR_A_MUTANT} seeds: {missed:?}");
}
