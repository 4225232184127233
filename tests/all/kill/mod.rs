//! The real binary is killed, at every named point and at any moment: nothing is lost, nothing is half written.

mod disk;
mod moments;
mod suspects;
mod world;

use std::os::unix::process::ExitStatusExt;

use euterpe_actors::points::POINTS;
use world::{RUN, Seen, WORKERS, World, diamond, ids};

const CHECK: &[&str] = &["runs", "check", "graph.yaml", "last", "--hashes"];

/// What must lie there when nobody kills.
fn undisturbed(count: usize) -> Seen {
    let world = World::new(&diamond(0), &ids(count));
    assert_eq!(world.call(RUN, &[]).code(), Some(4));
    assert_eq!(world.extra_starts(), 0, "without a fault work was done twice");
    world.look()
}

/// Ends what was killed, and compares with what an undisturbed run leaves.
fn finishes(world: &World, kills: usize, expected: &Seen, what: &str) {
    let (code, said) = world.ask(world.goes_on_by());
    assert_eq!(code, Some(4), "{what}: going on ended otherwise: {said}");
    assert!(world.half_written().is_empty(), "{what}: {:?}", world.half_written());
    let (code, said) = world.ask(CHECK);
    assert_eq!(code, Some(4), "{what}: not everything is accounted for: {said}");
    let seen = world.look();
    assert_eq!(seen.outputs, expected.outputs, "{what}");
    assert_eq!(seen.skips, expected.skips, "{what}");
    let mut letters = seen.letters;
    letters.dedup(); // a letter that was there before a new run has another one of that run beside it
    assert_eq!(letters, expected.letters, "{what}");
    let extra = world.extra_starts();
    assert!(extra <= kills * WORKERS, "{what}: {extra} works were done again");
}

fn survives_at(points: &[&str]) {
    let count = 12;
    let expected = undisturbed(count);
    // Since work waits in hand for a store in trouble, a run of one process on folders puts nothing off. Nodes do, and die
    // there in `rabbit::chaos`.
    for point in points.iter().filter(|point| **point != "parked") {
        for nth in [1, 9] {
            let what = format!("killed at {point}:{nth}");
            let world = World::new(&diamond(0), &ids(count));
            let at = format!("{point}:{nth}");
            let ended = world.call(RUN, &[("EUTERPE_KILL_AT", &at)]);
            match ended.signal() {
                Some(9) => finishes(&world, 1, &expected, &what),
                _ => assert!(nth > 1 && ended.code() == Some(4), "{what}: it was never reached: {ended}"),
            }
        }
    }
}

// In parts, so that they run beside each other and a failure says where.
const PART: usize = POINTS.len().div_ceil(4);

#[test]
fn a_run_killed_while_it_writes_its_first_records_is_finished_by_the_next() {
    survives_at(&POINTS[..PART]);
}

#[test]
fn a_run_killed_between_its_records_and_its_first_work_is_finished_by_the_next() {
    survives_at(&POINTS[PART..2 * PART]);
}

#[test]
fn a_run_killed_around_work_and_what_follows_it_is_finished_by_the_next() {
    survives_at(&POINTS[2 * PART..3 * PART]);
}

#[test]
fn a_run_killed_around_failures_and_its_end_is_finished_by_the_next() {
    survives_at(&POINTS[3 * PART..]);
}

/// A chain without branches, in which one entity is in hand at one place at a time.
const CHAIN: &str = r#"version: 1
graph: chain
stores: {out: ./out}
jobs:
  one:   {use: test.faulty, out: "out:one/{id}.txt"}
  two:   {use: test.faulty, in: {x: one}, out: "out:two/{id}.txt"}
  three: {use: test.faulty, in: {x: two}, out: "out:three/{id}.txt"}
"#;

#[test]
fn what_was_in_place_when_the_process_was_killed_is_not_made_again() {
    for point in ["after_store", "decided", "before_publish", "after_publish", "before_ack", "after_ack"] {
        let world = World::new(CHAIN, &["t-1".into()]);
        let ended = world.call(RUN, &[("EUTERPE_KILL_AT", &format!("{point}:2"))]);
        assert_eq!(ended.signal(), Some(9), "{point}");
        let (code, said) = world.ask(world.goes_on_by());
        assert_eq!(code, Some(0), "{point}: {said}");
        let starts = world.starts();
        assert!(starts.len() == 3 && starts.values().all(|starts| *starts == 1), "{point}: {starts:?}");
    }
}

#[test]
fn the_account_of_a_run_killed_while_it_reads_its_ids_says_so_even_after_it_is_resumed() {
    let world = World::new(CHAIN, &["t-1".into()]);
    let ended = world.call(RUN, &[("EUTERPE_KILL_AT", "before_chunk:1")]);
    assert_eq!(ended.signal(), Some(9));
    for verb in ["check", "resume", "check"] {
        let (code, said) = world.ask(&["runs", verb, "graph.yaml", "last"]);
        assert_eq!(code, Some(1), "{verb}: {said}");
        assert!(said.contains("0 entities") && said.contains("had not read are in no account"), "{verb}: {said}");
    }
    let (_, listed) = world.ask(&["runs", "ls", "graph.yaml"]);
    assert!(listed.contains("stopped, ids unread") && !listed.contains("complete"), "{listed}");
    let (_, shown) = world.ask(&["runs", "show", "graph.yaml", "last"]);
    assert!(shown.contains(", stopped, 0 entities") && shown.contains("it did not read"), "{shown}");
    assert_eq!(world.call(RUN, &[]).code(), Some(0));
    let (code, said) = world.ask(CHECK);
    assert!(code == Some(0) && !said.contains("in no account"), "{said}");
}

#[test]
fn a_forced_run_that_is_killed_after_its_write_does_each_job_once() {
    for point in ["after_store", "before_publish", "before_ack"] {
        let world = World::new(CHAIN, &["t-1".into()]);
        assert_eq!(world.call(RUN, &[]).code(), Some(0));
        std::fs::remove_file(world.path("ledger")).expect("a ledger");
        let force = [RUN, &["--force"]].concat();
        let ended = world.call(&force, &[("EUTERPE_KILL_AT", &format!("{point}:2"))]);
        assert_eq!(ended.signal(), Some(9), "{point}");
        world.resumes(0, point);
        let starts = world.starts();
        assert!(starts.len() == 3 && starts.values().all(|starts| *starts == 1), "{point}: {starts:?}");
    }
}

#[test]
fn a_write_that_is_killed_leaves_what_was_there_before() {
    for point in ["temp_made", "half_written", "written", "stamped", "synced", "before_rename"] {
        for at in [format!("{point}:1:one/"), format!("{point}:1:three/"), format!("{point}:3")] {
            let world = World::new(CHAIN, &["t-1".into()]);
            assert_eq!(world.call(RUN, &[]).code(), Some(0));
            let before = world.look();
            let force = [RUN, &["--force"]].concat();
            let ended = world.call(&force, &[("EUTERPE_KILL_AT", &at)]);
            assert_eq!(ended.signal(), Some(9), "{at}");
            if let Some((_, job)) = at.split_once(":1:") {
                let left = std::fs::read_dir(world.path("out").join(job)).expect("a folder").count() - 1;
                assert_eq!(left, 1, "{at}: it was killed in a write of this output");
            }
            let after = world.look(); // which also holds that each is whole
            assert_eq!(after, before, "{at}");
            let (code, said) = world.ask(world.goes_on_by());
            assert_eq!(code, Some(0), "{at}: {said}");
        }
    }
}

#[test]
fn an_entity_whose_dead_letter_was_written_before_the_kill_is_dead_once() {
    let graph =
        CHAIN.replace("one:   {use: test.faulty,", "one:   {use: test.faulty, retries: 0, with: {fail_on: [t-1]},");
    for point in ["after_letter", "before_ack", "after_ack"] {
        let world = World::new(&graph, &["t-1".into()]);
        let ended = world.call(RUN, &[("EUTERPE_KILL_AT", &format!("{point}:1"))]);
        assert_eq!(ended.signal(), Some(9), "{point}");
        world.resumes(4, point);
        assert_eq!(world.look().letters, [("one".to_owned(), "t-1".to_owned())], "{point}");
        assert_eq!(world.starts().values().sum::<usize>(), 1, "{point}");
    }
}
