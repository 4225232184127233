//! What a bucket keeps of what S3 promises is found out; one that lies is found out too, and lived with.

use std::time::{Duration, Instant};

use euterpe_actors::storage::{Content, Storage, Stored};
use euterpe_storage::s3::{ConditionSupport, Findings};

use super::bucket::Bucket;
use super::server::Server;

async fn found(server: &Server) -> Findings {
    let store = server.store("data");
    let findings = store.probe(7).await.expect("probed");
    assert!(server.store("").list("", &mut |page| panic!("left behind: {page:?}")).await.is_ok());
    findings
}

#[tokio::test]
async fn a_server_that_keeps_its_word_is_believed() {
    let findings = found(&Server::memory()).await;
    let all = Findings {
        unseen: 0,
        create_only: ConditionSupport::Atomic,
        replace_only: ConditionSupport::Atomic,
        listed: true,
        ordered: true,
        checksums: Some(true),
        parts: true,
    };
    assert_eq!(findings, all);
    assert!(findings.is_consistent() && findings.has_atomic_conditions(), "{findings:?}");
}

/// s3s-fs looks whether something is there and then writes: right, unless two do so at once.
#[tokio::test]
async fn s3s_fs_is_found_to_let_several_through_who_write_at_once() {
    let findings = found(&Server::folder()).await;
    assert_eq!(findings.create_only, ConditionSupport::Racy, "{findings:?}");
    assert!(findings.is_consistent() && findings.listed && findings.ordered, "{findings:?}");
}

#[tokio::test]
async fn moto_is_found_to_show_writes_at_once_and_to_heed_a_condition() {
    let server = Bucket::at_moto();
    let findings = server.store("data").probe(7).await.expect("probed");
    assert!(findings.is_consistent() && findings.listed && findings.ordered, "{findings:?}");
    assert!(matches!(findings.create_only, ConditionSupport::Atomic | ConditionSupport::Racy), "{findings:?}");
}

#[tokio::test]
async fn a_server_that_ignores_conditions_is_found_out() {
    let server = Server::memory();
    server.tell("ignore-conditions 1");
    let findings = found(&server).await;
    assert_eq!((findings.create_only, findings.replace_only), (ConditionSupport::Ignored, ConditionSupport::Ignored));
    assert!(
        !findings.has_atomic_conditions() && findings.text().contains("create-only writes are ignored"),
        "{}",
        findings.text()
    );
}

#[tokio::test]
async fn a_server_that_shows_writes_late_is_found_out_and_each_write_waited_for() {
    let server = Server::memory();
    server.tell("stale-millis 700");
    let findings = found(&server).await;
    assert!(!findings.is_consistent(), "{findings:?}");
    let store = server.store("data");
    store.set_findings(findings);
    let begun = Instant::now();
    let stamp = super::stamp(5);
    let stored = store.store("a", Content::Bytes("late".into()), Some(stamp)).await.expect("stored");
    assert!(begun.elapsed() > Duration::from_millis(500), "nobody waited");
    let seen = server.store("data").look("a").await.expect("looked");
    assert!(stored == Stored::Kept && seen.is_some(), "told before it was seen");
}

#[tokio::test]
async fn a_new_small_object_costs_one_request_where_conditions_hold() {
    let server = Server::memory();
    let store = server.store("data");
    store.set_findings(store.probe(7).await.expect("probed"));
    server.tell("forget");
    for n in 0..10 {
        store.store(&format!("new/{n}"), Content::Bytes("x".into()), Some(super::stamp(5))).await.expect("stored");
    }
    assert_eq!(server.asked().values().sum::<u64>(), 10, "{:?}", server.asked());
    let older = store.store("new/1", Content::Bytes("older".into()), Some(super::stamp(4))).await.expect("answered");
    assert_eq!(older, Stored::NewerInPlace);
}

#[tokio::test]
async fn where_conditions_are_ignored_an_older_run_is_kept_away_by_looking() {
    let server = Server::memory();
    server.tell("ignore-conditions 1");
    let store = server.store("data");
    store.set_findings(store.probe(7).await.expect("probed"));
    store.store("a", Content::Bytes("newer".into()), Some(super::stamp(5))).await.expect("stored");
    let older = store.store("a", Content::Bytes("older".into()), Some(super::stamp(4))).await.expect("answered");
    assert_eq!(older, Stored::NewerInPlace);
    assert_eq!(store.open("a").await.expect("opened").content.read().expect("read"), "newer");
}
