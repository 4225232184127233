//! Servers that refuse: a checksum, a condition, everything; and proxies with no server behind them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use euterpe_actors::claims::{Claims, Leased, TTL};
use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::message::Target;
use euterpe_actors::storage::{Content, Stamp, Storage, StorageError, StorageErrorKind, Stored};

use super::claims::BucketClaims;
use super::fake_server::{Answer, FakeServer, Request, bare, refusal};
use super::findings::ConditionSupport;
use super::storage::S3Storage;

fn stamp() -> Stamp {
    let job = JobName::new("mel").expect("a plain name");
    Stamp {
        job: job.clone(),
        entity: None,
        runs: Arc::new([(job, RunId::new(5, 0))].into()),
        hash: String::new(),
        making: None,
    }
}

async fn store(store: &S3Storage, path: &str) -> Result<Stored, StorageError> {
    store.store(path, Content::Bytes("sound".into()), Some(stamp())).await
}

fn is_about_checksums(request: &Request) -> bool {
    request.headers.keys().any(|name| name.starts_with("x-amz-checksum"))
}

/// As some servers refuse checksums: each with another answer.
fn refuses_checksums(status: u16, code: &'static str) -> impl Fn(&Request) -> Option<Answer> + Send + Sync {
    move |request| is_about_checksums(request).then(|| refusal(status, code))
}

#[tokio::test]
async fn a_server_that_refuses_checksums_is_written_to_without_and_all_bytes_are_signed() {
    for (status, code) in [(501, "NotImplemented"), (400, "InvalidArgument")] {
        let server = FakeServer::start().await;
        server.decides(refuses_checksums(status, code));
        let bucket = server.store();
        for path in ["a", "b"] {
            assert_eq!(store(&bucket, path).await.expect("stored"), Stored::Kept);
        }
        assert_eq!(bucket.open("a").await.expect("opened").content.read().expect("read"), "sound");
        let puts: Vec<Request> = server.asked().into_iter().filter(|request| request.method == "PUT").collect();
        let summed: Vec<bool> = puts.iter().map(is_about_checksums).collect();
        assert_eq!(summed, [true, false, false], "it was tried once with each write");
        assert_ne!(puts[2].header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
        assert_eq!(puts[2].header("if-none-match"), "*", "the condition went with the checksum");
    }
}

#[tokio::test]
async fn an_upload_in_parts_goes_without_checksums_where_a_server_refuses_them() {
    let server = FakeServer::start().await;
    server.decides(refuses_checksums(501, "NotImplemented"));
    let content = Content::Bytes(vec![7; 3 << 19].into());
    server.store().store("large", content, Some(stamp())).await.expect("stored");
    let parts = server.asked().iter().filter(|request| request.query.contains("partNumber=")).count();
    assert_eq!(parts, 3);
}

#[tokio::test]
async fn the_probe_finds_what_real_writes_would_find() {
    let server = FakeServer::start().await;
    let all = server.store().probe(1).await.expect("probed");
    assert!(all.is_all_kept(), "{all:?}");
    let asked = server.asked();
    let is_like_work =
        |request: &Request| is_about_checksums(request) && !request.header("x-amz-meta-euterpe-stamp").is_empty();
    assert!(asked.iter().any(|request| is_like_work(request) && request.header("if-none-match") == "*"));
    assert!(asked.iter().any(|request| is_like_work(request) && !request.header("if-match").is_empty()));
    assert!(asked.iter().any(|request| request.header("x-amz-meta-euterpe-stamp").len() > 1600), "as long as may be");

    server.decides(refuses_checksums(400, "InvalidArgument"));
    let found = server.store().probe(2).await.expect("probed");
    assert!(found.checksums == Some(false) && found.has_atomic_conditions());
    assert!(found.text().contains("checksums are refused"), "{}", found.text());

    server.decides(|request| {
        let conditional = !request.header("if-none-match").is_empty() || !request.header("if-match").is_empty();
        (request.method == "PUT" && conditional).then(|| refusal(501, "NotImplemented"))
    });
    let found = server.store().probe(3).await.expect("probed");
    assert_eq!(
        (found.create_only, found.checksums),
        (ConditionSupport::Refused, Some(true)),
        "the one was taken for the other"
    );

    server.decides(|request| request.query.contains("upload").then(|| refusal(501, "NotImplemented")));
    let found = server.store().probe(4).await.expect("probed");
    assert!(!found.parts && found.text().contains("16 MiB"), "{}", found.text());

    server.decides(|request| {
        let stamped = request.method == "HEAD" && request.key.contains("probe/");
        stamped.then(|| Answer { status: 200, headers: vec![("etag".into(), "\"e\"".into())], ..Answer::default() })
    });
    assert!(server.store().probe(5).await.is_err(), "a key that nobody knows");
}

/// Whether a request has a condition.
fn is_conditional(request: &Request) -> bool {
    ["if-none-match", "if-match"].iter().any(|name| !request.header(name).is_empty())
}

#[tokio::test]
async fn an_answer_of_400_takes_the_condition_off_no_write() {
    let server = FakeServer::start().await;
    let bucket = server.store();
    store(&bucket, "there").await.expect("stored");
    server.decides(|request| {
        let is_write = request.method == "PUT" || request.query.contains("uploadId=") && request.method == "POST";
        (is_write && is_conditional(request)).then(|| refusal(400, "InvalidRequest"))
    });
    server.asked();
    let newer = Stamp { runs: Arc::new([(stamp().job, RunId::new(6, 0))].into()), ..stamp() };
    let errors = [
        store(&bucket, "absent").await.expect_err("refused"),
        bucket.store("there", Content::Bytes("new".into()), Some(newer)).await.expect_err("refused"),
        bucket.store("large", Content::Bytes(vec![7; 3 << 19].into()), Some(stamp())).await.expect_err("refused"),
    ];
    for error in errors {
        let text = error.to_string();
        assert!(error.kind == StorageErrorKind::Refused && text.contains("InvalidRequest"), "{text}");
    }
    let is_last_step = |request: &Request| match request.method.as_str() {
        "PUT" => !request.query.contains("partNumber="),
        method => method == "POST" && request.query.contains("uploadId="),
    };
    let last: Vec<Request> = server.asked().into_iter().filter(is_last_step).collect();
    assert!(last.len() >= 3 && last.iter().all(is_conditional), "{last:?}");
    assert_eq!(bucket.look("absent").await.expect("looked"), None);
}

#[tokio::test]
async fn a_store_that_says_that_it_has_no_conditions_is_written_to_without_unless_it_was_found_to_have_them() {
    let has_none = |request: &Request| {
        (request.method == "PUT" && is_conditional(request)).then(|| refusal(501, "NotImplemented"))
    };
    let server = FakeServer::start().await;
    server.decides(has_none);
    assert_eq!(store(&server.store(), "a").await.expect("stored"), Stored::Kept);

    server.decides(|_| None);
    let bucket = server.store();
    bucket.set_findings(bucket.probe(1).await.expect("probed"));
    server.decides(has_none);
    assert_eq!(store(&bucket, "b").await.expect_err("refused").kind, StorageErrorKind::Refused);
    assert_eq!(bucket.look("b").await.expect("looked"), None);
}

#[tokio::test]
async fn the_probe_takes_a_400_for_the_condition_only_if_it_comes_again() {
    let server = FakeServer::start().await;
    server.decides(|request| {
        (request.method == "PUT" && is_conditional(request)).then(|| refusal(400, "InvalidRequest"))
    });
    assert_eq!(server.store().probe(1).await.expect("probed").create_only, ConditionSupport::Refused);
    let seen = AtomicUsize::new(0);
    server.decides(move |request| {
        // With its checksum and without it: one write.
        let is_first = request.method == "PUT" && is_conditional(request) && seen.fetch_add(1, Ordering::Relaxed) < 2;
        is_first.then(|| refusal(400, "InvalidRequest"))
    });
    assert!(server.store().probe(2).await.expect("probed").has_atomic_conditions());
}

#[tokio::test]
async fn a_lease_is_removed_without_its_condition_only_where_the_store_says_that_it_has_none() {
    let target = Target { job: stamp().job, entity: "t-1".parse().expect("an id") };
    for (status, code, is_removed) in [(400, "InvalidRequest", false), (501, "NotImplemented", true)] {
        let server = FakeServer::start().await;
        let bucket = server.store();
        let claims = BucketClaims::new(&bucket, "node", TTL);
        let Leased::Yours(lease) = claims.lease(&target).await.expect("asked") else { panic!("nobody else asked") };
        server.decides(move |request| {
            (request.method == "DELETE" && is_conditional(request)).then(|| refusal(status, code))
        });
        server.asked();
        assert_eq!(lease.release().await.is_ok(), is_removed, "{status}");
        let all_conditional = server.asked().iter().filter(|asked| asked.method == "DELETE").all(is_conditional);
        assert_eq!(all_conditional, !is_removed, "{status}");
    }
}

#[tokio::test]
async fn what_was_found_earlier_does_not_decide_what_the_probe_finds() {
    let server = FakeServer::start().await;
    server.decides(refuses_checksums(501, "NotImplemented"));
    let bucket = server.store();
    let found = bucket.probe(1).await.expect("probed");
    assert_eq!(found.checksums, Some(false));
    bucket.set_findings(found);
    server.decides(|_| None);
    assert_eq!(bucket.probe(2).await.expect("probed").checksums, Some(true), "the server has learned it");
}

#[tokio::test]
async fn a_server_that_loses_the_stamps_of_objects_is_refused() {
    let server = FakeServer::start().await;
    let seen = AtomicUsize::new(0);
    server.decides(move |request| {
        let looked =
            request.method == "HEAD" && request.key.contains("key-00") && seen.fetch_add(1, Ordering::Relaxed) > 0;
        looked.then(|| Answer { status: 200, headers: vec![("etag".into(), "\"e\"".into())], ..Answer::default() })
    });
    let error = server.store().probe(1).await.expect_err("refused");
    assert!(error.kind == StorageErrorKind::Refused && error.to_string().contains("metadata"), "{error}");
}

#[tokio::test]
async fn each_answer_that_waiting_does_not_change_is_named_with_its_remedy_and_asked_for_once() {
    let statuses = [
        (400, StorageErrorKind::Refused, "verify"),
        (403, StorageErrorKind::Denied, "right"),
        (405, StorageErrorKind::Refused, "endpoint"),
        (409, StorageErrorKind::Refused, "retention"),
        (411, StorageErrorKind::Refused, "length"),
        (413, StorageErrorKind::Refused, "client_max_body_size"),
        (501, StorageErrorKind::Refused, "verify"),
    ];
    for (status, kind, remedy) in statuses {
        let server = FakeServer::start().await;
        server.decides(move |request| (request.method == "PUT").then(|| bare(status)));
        let error = store(&server.store(), "a").await.expect_err("refused");
        let text = error.to_string();
        assert_eq!(error.kind, kind, "{text}");
        assert!(error.is_trouble() && text.contains(&status.to_string()) && text.contains(remedy), "{text}");
        let puts = server.asked().iter().filter(|request| request.method == "PUT").count();
        assert!(puts <= 4, "{puts} writes for a {status}");
    }
}

#[tokio::test]
async fn a_condition_that_is_refused_each_time_ends_after_a_few_rounds() {
    let server = FakeServer::start().await;
    server.decides(|request| (request.method == "PUT").then(|| refusal(412, "PreconditionFailed")));
    let error = store(&server.store(), "a").await.expect_err("given up");
    assert!(error.is_trouble() && error.to_string().contains("condition"), "{error}");
    let puts = server.asked().iter().filter(|request| request.method == "PUT").count();
    assert!(puts <= 12, "{puts} writes");
}

/// What a proxy does whose server is away.
fn is_away(server: &FakeServer) {
    server.decides(|_| Some(bare(404)));
}

#[tokio::test]
async fn a_404_of_a_proxy_makes_nothing_absent() {
    let server = FakeServer::start().await;
    let bucket = server.store();
    store(&bucket, "a").await.expect("stored");
    is_away(&server);
    let mut errors = vec![
        bucket.look("a").await.map(|_| ()).expect_err("looked"),
        bucket.open("a").await.map(|_| ()).expect_err("opened"),
        bucket.remove("a").await.expect_err("removed"),
        bucket.list("", &mut |_| true).await.expect_err("listed"),
    ];
    errors.push(store(&bucket, "b").await.map(|_| ()).expect_err("stored"));
    for error in errors {
        assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("404"), "{error}");
    }
    server.decides(|_| None);
    assert!(bucket.look("a").await.expect("looked").is_some(), "it was removed all the same");
}

#[tokio::test]
async fn a_bare_404_for_an_object_is_believed_once_the_bucket_answers() {
    let server = FakeServer::start().await;
    let bucket = server.store();
    server.decides(|request| (!request.key.is_empty() && request.method != "PUT").then(|| bare(404)));
    assert_eq!(bucket.look("a").await.expect("looked"), None);
    assert_eq!(bucket.open("a").await.map(|_| ()).expect_err("absent").kind, StorageErrorKind::NotFound);
    bucket.remove("a").await.expect("it is not there");
    server.asked();
    let looks = (0..20).map(|number| {
        let bucket = bucket.clone();
        async move { bucket.look(&format!("t-{number}")).await.expect("looked") }
    });
    assert!(futures::future::join_all(looks).await.iter().all(Option::is_none));
    let asked = server.asked();
    let of_the_bucket = asked.iter().filter(|request| request.key.is_empty()).count();
    assert!((1..20).contains(&of_the_bucket), "{of_the_bucket} of {} requests", asked.len());
}

#[tokio::test]
async fn an_object_that_a_head_shows_is_not_missing_for_the_404_of_a_proxy() {
    let server = FakeServer::start().await;
    let bucket = server.store();
    store(&bucket, "a").await.expect("stored");
    server.decides(|request| (request.method == "GET" && request.key == "a").then(|| bare(404)));
    let error = bucket.open("a").await.map(|_| ()).expect_err("it cannot be read");
    assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("behind a proxy"), "{error}");
    server.decides(|_| None);
    bucket.open("a").await.expect("it was there all the time");
}

#[tokio::test]
async fn a_404_in_the_words_of_s3_needs_no_second_request() {
    let server = FakeServer::start().await;
    let bucket = server.store();
    bucket.look("a").await.expect("looked");
    server.decides(|request| {
        let headers = vec![("x-amz-request-id".to_owned(), "17".to_owned())];
        (request.method == "HEAD" && !request.key.is_empty()).then(|| Answer {
            status: 404,
            headers,
            ..Answer::default()
        })
    });
    server.asked();
    assert_eq!(bucket.look("a").await.expect("looked"), None);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(bucket.open("a").await.map(|_| ()).expect_err("absent").kind, StorageErrorKind::NotFound);
}

#[tokio::test]
async fn credentials_that_have_expired_are_told_with_what_to_do() {
    let server = FakeServer::start().await;
    let bucket = server.store();
    bucket.look("a").await.expect("looked");
    server.decides(|_| Some(refusal(400, "ExpiredToken")));
    let error = bucket.store("a", Content::Bytes("x".into()), None).await.expect_err("expired");
    assert!(error.kind == StorageErrorKind::Denied && error.to_string().contains("renew the credentials"), "{error}");
}
