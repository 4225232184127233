//! Killed at any moment, again and again.

use std::{os::unix::process::ExitStatusExt, thread, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::world::{RUN, WORKERS, World, children_of, diamond, ids, until};
use super::{CHECK, undisturbed};

/// How many kills in all, and at most how many in one series.
const KILLS: usize = 200;
const SERIES: usize = 20;
const ENTITIES: usize = 300;

#[test]
fn two_hundred_kills_at_random_moments_lose_nothing_and_leave_nothing_half_written() {
    let expected = undisturbed(ENTITIES);
    let mut kills = 0;
    let mut seed = 0;
    while kills < KILLS {
        seed += 1;
        let mut chance = StdRng::seed_from_u64(seed);
        let world = World::new(&diamond(4), &ids(ENTITIES));
        let mut series = 0;
        let mut args = RUN;
        let finished = loop {
            let mut node = world.start(args);
            if series == SERIES.min(KILLS - kills) {
                break node.wait().expect("ended");
            }
            let moment = Duration::from_micros(chance.random_range(1_000..500_000));
            thread::sleep(moment); // the one test whose very subject is the clock
            node.kill().expect("killed");
            let ended = node.wait().expect("ended");
            if ended.signal() != Some(9) {
                break ended; // it was done before
            }
            series += 1;
            let pid = node.id();
            until("its children are gone", || children_of(pid).is_empty());
            args = world.goes_on_by();
        };
        kills += series;
        let what = format!("seed {seed}, {series} kills");
        assert_eq!(finished.code(), Some(4), "{what}: {args:?}: {}", world.said());
        assert!(world.half_written().is_empty(), "{what}: {:?}", world.half_written());
        let (code, said) = world.ask(CHECK);
        assert_eq!(code, Some(4), "{what}: {said}");
        let mut seen = world.look();
        assert_eq!(seen.outputs, expected.outputs, "{what}");
        assert_eq!(seen.skips, expected.skips, "{what}");
        seen.letters.dedup();
        assert_eq!(seen.letters, expected.letters, "{what}");
        let extra = world.extra_starts();
        assert!(extra <= series * WORKERS, "{what}: {extra} works were done again");
    }
}
