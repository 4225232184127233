//! Work that kills its process costs a child process once it is suspect, and no neighbour.

use std::{
    cmp::Reverse,
    os::unix::process::ExitStatusExt,
    time::{Duration, Instant},
};

use euterpe_actors::outcome::Reason;
use euterpe_actors::state::{DeadLetter, LetterFilter};

use super::world::{RUN, World, children_of, processes, until, wait_for};

fn graph(with: &str) -> String {
    format!(
        r#"version: 1
graph: suspects
stores: {{out: ./out}}
defaults: {{backoff: 1ms, timeout: 60s}}
jobs:
  one: {{use: test.faulty, with: {{{with}}}, out: "out:one/{{id}}.txt"}}
  two: {{use: test.faulty, in: {{x: one}}, out: "out:two/{{id}}.txt"}}
"#
    )
}

/// The dead letters, one for each entity: a resumed run asks for it more than once, by messages of their own.
fn letters(world: &World) -> Vec<DeadLetter> {
    let letters = wait_for(async { world.state().letters(&LetterFilter::default()).await });
    let mut letters: Vec<_> = letters.expect("letters").into_iter().map(|(_, letter)| letter).collect();
    // The one that was written after the tries first: the others only repeat its verdict.
    letters.sort_by_key(|letter| (letter.entity.clone(), Reverse(letter.tries), Reverse(letter.stderr.len())));
    letters.dedup_by(|one, other| one.entity == other.entity);
    letters
}

/// Calls the binary until it ends by itself; how often it crashed.
fn crashes(world: &World, most: usize) -> usize {
    let mut args = RUN;
    for crashes in 0..=most {
        let ended = world.call(args, &[]);
        if ended.code() == Some(4) {
            return crashes;
        }
        assert_eq!(ended.signal(), Some(6), "{ended}");
        args = world.goes_on_by();
    }
    panic!("more than {most} crashes");
}

#[test]
fn twenty_entities_that_abort_among_two_thousand_cost_one_crash_and_no_neighbour() {
    let poisons: Vec<String> = (0..20).map(|n| format!("t-{:04}", n * 97 + 40)).collect();
    let ids: Vec<String> = (0..2000).map(|n| format!("t-{n:04}")).collect();
    let world = World::new(&graph(&format!("abort_on: [{}]", poisons.join(", "))), &ids);
    assert_eq!(crashes(&world, 20), 1, "once one crash is seen, the rest is done in children");
    let seen = world.look();
    assert_eq!(seen.outputs.len(), 2 * 1980, "every healthy entity has all of its outputs");
    let letters = letters(&world);
    assert!(letters.iter().all(|letter| letter.reason == Reason::KilledWorker && letter.tries == 3), "{letters:?}");
    assert!(letters.iter().all(|letter| letter.text.contains("SIGABRT")), "{letters:?}");
    assert!(letters.iter().all(|letter| letter.stderr.contains("about to abort")), "{letters:?}");
    let dead: Vec<String> = letters.into_iter().map(|letter| letter.entity).collect();
    assert_eq!(dead, poisons);
    // Known by their letters now, they do not even cost a crash each time that somebody runs the graph.
    assert_eq!(world.call(RUN, &[]).code(), Some(4));
}

#[test]
fn every_way_to_end_a_process_becomes_a_dead_letter_that_says_how() {
    let with = "abort_on: [t-1], overflow_stack_on: [t-2], allocate_on: [t-3], exit_on: [t-4], panic_on: [t-5], print_on: [t-6]";
    let ids: Vec<String> = (0..10).map(|n| format!("t-{n}")).collect();
    let world = World::new(&graph(with), &ids);
    // A transform that leaves by `exit` ends the first run in silence, with its own code: that is for the children too.
    let mut args = RUN;
    for _ in 0..3 {
        if world.call(args, &[]).code() == Some(4) {
            break;
        }
        args = world.goes_on_by();
    }
    let letters = letters(&world);
    let said =
        |id: &str| letters.iter().find(|letter| letter.entity == id).unwrap_or_else(|| panic!("no letter of {id}"));
    assert!(said("t-1").text.ends_with("killed by SIGABRT"));
    assert!(said("t-2").stderr.contains("has overflowed its stack"), "{}", said("t-2").stderr);
    assert!(said("t-3").stderr.contains("memory allocation of"), "{}", said("t-3").stderr);
    assert!(said("t-4").text.ends_with("ended by itself with exit code 7"));
    assert_eq!(said("t-5").reason, Reason::Panicked);
    for id in ["t-1", "t-2", "t-3", "t-4"] {
        assert_eq!((said(id).reason, said(id).tries), (Reason::KilledWorker, 3), "{id}");
    }
    assert_eq!(letters.len(), 5);
    let outputs = world.look().outputs;
    assert_eq!(outputs["one/t-6.txt"], "t-6", "what it prints is no answer");
    assert_eq!(outputs.len(), 2 * 5);
}

#[test]
fn a_killed_node_leaves_no_child_process_behind() {
    let ids: Vec<String> = (0..8).map(|n| format!("t-{n}")).collect();
    let world = World::new(&graph("hang_on: [t-5, t-6, t-7]"), &ids);
    let ended = world.call(RUN, &[("EUTERPE_KILL_AT", "before_work:1")]);
    assert_eq!(ended.signal(), Some(9));
    let mut node = world.start(world.goes_on_by());
    let pid = node.id();
    let hanging = || (5..8).filter(|n| world.starts().contains_key(&("one".to_owned(), format!("t-{n}")))).count();
    until("its children hang", || children_of(pid).len() >= 2 && hanging() >= 2);
    node.kill().expect("killed");
    node.wait().expect("ended");
    let killed = Instant::now();
    until("its children are gone", || children_of(pid).is_empty());
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
}

#[test]
fn a_child_that_is_over_its_time_is_killed_and_the_next_work_gets_another() {
    let ids: Vec<String> = (0..4).map(|n| format!("t-{n}")).collect();
    let graph = graph("hang_on: [t-1]").replace("timeout: 60s", "timeout: 5s, retries: 0");
    let world = World::new(&graph, &ids);
    assert_eq!(world.call(RUN, &[("EUTERPE_KILL_AT", "before_work:1")]).signal(), Some(9));
    let mut node = world.start(world.goes_on_by());
    let pid = node.id();
    assert_eq!(node.wait().expect("ended").code(), Some(4));
    until("its children are gone", || children_of(pid).is_empty());
    let letters = letters(&world);
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].entity.as_str(), letters[0].reason), ("t-1", Reason::Timeout));
    assert_eq!(world.look().outputs.len(), 2 * 3);
}

#[test]
fn a_job_that_is_always_isolated_costs_no_crash_at_all() {
    let ids: Vec<String> = (0..6).map(|n| format!("t-{n}")).collect();
    let graph = graph("abort_on: [t-1], exit_on: [t-2]").replace("one: {", "one: {isolation: process, ");
    let world = World::new(&graph, &ids);
    assert_eq!(crashes(&world, 0), 0);
    assert_eq!(letters(&world).len(), 2);
    assert_eq!(world.look().outputs.len(), 2 * 4);
}

#[test]
fn a_killed_node_leaves_no_program_behind() {
    let graph = r#"version: 1
graph: programs
stores: {out: ./out}
jobs:
  one: {use: command, with: {argv: [tail, -f, /dev/null, "{output}"]}, out: "out:one/{id}.txt"}
"#;
    let world = World::new(graph, &["t-1".into()]);
    let mark = world.path(".euterpe/programs/scratch").display().to_string();
    let programs = || processes(|line| line.starts_with(b"tail\0") && String::from_utf8_lossy(line).contains(&mark));
    let mut node = world.start(RUN);
    until("the program runs", || !programs().is_empty());
    node.kill().expect("killed");
    node.wait().expect("ended");
    let killed = Instant::now();
    until("the program is gone", || programs().is_empty());
    assert!(killed.elapsed() < Duration::from_secs(2), "{:?}", killed.elapsed());
}
