//! The counts of a forced run, whichever reports arrive.

use super::*;
use crate::run::two_jobs::{job, plan};

/// The tally of a run that redoes `force`, in which both jobs of one entity end with these outcomes, told in this order.
fn tally_of(force: Force, told: &[(usize, Outcome)]) -> Tally {
    let tracker = Tracker::new(Arc::new(plan()), force, Roots::new(None));
    let (entity, both) = (EntityId::new("t-1").expect("an id"), [JobIx(0), JobIx(1)]);
    tracker.expect(&both);
    assert!(tracker.begin(&entity, &both));
    for (at, outcome) in told {
        let (job, entity, text) = (job(*at), entity.clone(), String::new());
        tracker.ended(&Note { job, entity, outcome: *outcome, reason: None, text, attempt: 1, millis: None });
    }
    tracker.tally()
}

/// `done` and `exists` of each job.
fn counts(tally: &Tally) -> Vec<(u64, u64)> {
    tally.jobs.iter().map(|job| (job.done, job.exists)).collect()
}

#[test]
fn what_a_forced_run_finds_there_was_made_by_it_whoever_told() {
    use Outcome::{Done, Exists};
    // The node that made the second output lost its connection before it could tell; the message came again.
    let tally = tally_of(Force::All, &[(0, Done), (1, Exists)]);
    assert_eq!((counts(&tally), tally.open), (vec![(1, 0), (1, 0)], 0));
    // Both reports arrive, in either order: it was made once.
    for told in [[(0, Done), (0, Exists), (1, Done)], [(0, Exists), (0, Done), (1, Done)]] {
        assert_eq!(counts(&tally_of(Force::All, &told)), [(1, 0), (1, 0)], "{told:?}");
    }
    // A job that the run does not redo may have been made by anybody.
    let tally = tally_of(Force::Jobs(vec![job(1)]), &[(0, Exists), (1, Exists)]);
    assert_eq!(counts(&tally), [(0, 1), (1, 0)]);
    assert_eq!(counts(&tally_of(Force::None, &[(0, Done), (1, Exists)])), [(1, 0), (0, 1)]);
}
