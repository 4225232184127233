//! Records that a process holds in a bucket, alone or with others: who comes second is told who has them.

use std::time::Duration;

use euterpe_actors::claims::TTL;
use euterpe_actors::storage::{Content, Storage};
use euterpe_storage::s3::{BucketLock, BucketLockError, S3Storage};

use super::server::{Server, late_in_a_second};
use crate::rabbit::soon;

#[track_caller]
fn refused(taken: Result<BucketLock, BucketLockError>) -> String {
    match taken {
        Err(BucketLockError::Held { by, .. }) => by,
        other => panic!("{other:?}"),
    }
}

async fn locks(state: &S3Storage) -> usize {
    let mut count = 0;
    let mut page = |page: &euterpe_actors::storage::Page| {
        count += page.len();
        true
    };
    state.list("lock/", &mut page).await.expect("listed");
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_it_alone_keeps_out_all_others_until_it_lets_go() {
    let server = Server::memory();
    let (state, own) = (server.store("state/g"), format!("process {} on ", std::process::id()));
    let alone = BucketLock::exclusive(&state).await.expect("nobody has it");
    assert!(refused(BucketLock::exclusive(&state).await).starts_with(&own));
    assert!(refused(BucketLock::shared(&state).await).starts_with(&own));
    BucketLock::exclusive(&server.store("state/other")).await.map(drop).expect("another graph's");
    drop(alone);
    assert_eq!(locks(&state).await, 0, "something is left");
    BucketLock::exclusive(&state).await.map(drop).expect("free at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_share_it_keep_out_who_wants_it_alone() {
    let server = Server::memory();
    let state = server.store("state/g");
    let one = BucketLock::shared(&state).await.expect("nobody has it");
    let other = BucketLock::shared(&state).await.expect("it is shared");
    assert!(refused(BucketLock::exclusive(&state).await).starts_with("process "));
    drop(one);
    assert!(refused(BucketLock::exclusive(&state).await).starts_with("process "));
    drop(other);
    BucketLock::exclusive(&state).await.map(drop).expect("free");
    assert_eq!(locks(&state).await, 0, "something is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_renewed_and_one_that_was_taken_over_is_let_alone() {
    let server = Server::memory();
    let state = server.store("state/g");
    let alone = BucketLock::exclusive(&state).await.expect("nobody has it");
    server.tell("forget");
    soon("it is renewed", TTL, || server.asked().contains_key("PutObject"));
    elsewhere(&state, "lock/alone").await;
    drop(alone);
    assert_eq!(locks(&state).await, 1, "who was taken over removed its successor's");
    assert_eq!(refused(BucketLock::exclusive(&state).await), "process 7 on elsewhere");
}

/// A lease as a process on another machine has left it.
async fn elsewhere(state: &S3Storage, name: &str) {
    let note = r#"{"by": "process 7 on elsewhere", "to": "the state", "ttl_millis": 15000, "lease": "x", "renewed": 3,
        "process": {"machine": "elsewhere", "pid": 7, "boot": "another", "began": "1"}}"#;
    state.store(name, Content::Bytes(note.into()), None).await.expect("stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_elsewhere_no_longer_renews_is_taken_over_by_its_age() {
    let server = Server::memory();
    let state = server.store("state/g");
    let start = late_in_a_second();
    let at = |later: Duration| server.tell(&format!("clock-millis {}", (start + later).as_millis()));
    at(Duration::ZERO);
    elsewhere(&state, "lock/alone").await;
    elsewhere(&state, "lock/shared/y").await;
    at(TTL); // as the server tells it; a second may be cut off from what has passed
    assert_eq!(refused(BucketLock::exclusive(&state).await), "process 7 on elsewhere");
    assert_eq!(refused(BucketLock::shared(&state).await), "process 7 on elsewhere");
    assert_eq!(locks(&state).await, 2, "who was refused left something");
    at(TTL + Duration::from_secs(2));
    let alone = BucketLock::exclusive(&state).await.expect("both are old");
    assert_eq!(locks(&state).await, 1, "what is old is cleared away");
    drop(alone);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_renews_any_more_is_swept_once_it_is_old_enough() {
    const LONG: Duration = Duration::from_secs(600); // a server refuses who is further than a quarter of an hour from its clock
    let server = Server::memory();
    let state = server.store("state/g");
    let start = late_in_a_second();
    let at = |later: Duration| server.tell(&format!("clock-millis {}", (start + later).as_millis()));
    at(Duration::ZERO);
    for name in ["claims/mel/7f", "lock/shared/y", "lock/alone"] {
        elsewhere(&state, name).await;
    }
    state.store("runs/record", Content::Bytes("of a run".into()), None).await.expect("stored");
    at(LONG);
    let held = BucketLock::shared(&state).await.expect("the other one is old");
    let count = async |age, dry_run| state.sweep_leases(age, dry_run).await.expect("swept").files;
    assert_eq!((count(2 * LONG, false).await, count(LONG / 2, true).await, locks(&state).await), (0, 3, 3));
    assert_eq!(
        (count(LONG / 2, false).await, locks(&state).await),
        (3, 1),
        "also what is held, or not all that is old"
    );
    at(LONG + TTL / 2);
    assert_eq!((count(Duration::ZERO, false).await, locks(&state).await), (0, 1), "what is held was swept");
    assert!(state.look("runs/record").await.expect("looked at").is_some());
    drop(held);
}
