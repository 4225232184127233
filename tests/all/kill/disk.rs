//! A disk that is full for a while.

use super::undisturbed;
use super::world::{RUN, World, diamond, ids};

#[test]
fn work_that_finds_no_room_is_put_off_and_done_when_there_is_room_again() {
    let expected = undisturbed(12);
    let world = World::new(&diamond(0), &ids(12));
    let ended = world.call(RUN, &[("EUTERPE_DISK_FULL", "300..316")]);
    assert_eq!(ended.code(), Some(4), "only what was to fail failed");
    assert_eq!(world.look(), expected);
}

#[test]
fn a_disk_that_is_full_from_the_start_keeps_the_run_from_starting() {
    let world = World::new(&diamond(0), &ids(12));
    let ended = world.call(RUN, &[("EUTERPE_DISK_FULL", "0..100000")]);
    assert_eq!(ended.code(), Some(1));
    assert!(world.starts().is_empty(), "no work without a manifest");
}
