//! What is peculiar to S3: parts, versions, foreign keys, servers that decline or are not there.

use std::time::Duration;

use euterpe_actors::storage::{Content, ListedProblem, Page, Storage, StorageErrorKind};
use euterpe_storage::s3::Tuning;

use super::server::{BUCKET, Server, store};

const MIB: usize = 1 << 20;

fn bytes(size: usize) -> Vec<u8> {
    let mut content = vec![0; size];
    blake3::Hasher::new().update(b"peculiar").finalize_xof().fill(&mut content);
    content
}

/// Small parts, so that a few MiB are many of them.
fn in_parts() -> Tuning {
    Tuning { in_parts_from: 3 * MIB as u64, part: MIB as u64, tries: 3, ..Tuning::default() }
}

#[tokio::test]
async fn a_large_object_goes_in_parts_comes_back_by_ranges_and_its_file_goes_with_its_reader() {
    let server = Server::memory(); // which takes parts of less than 5 MiB, as others do not
    let large = store(&server.endpoint(), "data", in_parts());
    let content = bytes(7 * MIB + 11);
    large.store("large", Content::Bytes(content.clone().into()), Some(super::stamp(5))).await.expect("stored");
    let object = large.open("large").await.expect("opened");
    let Content::File(file) = &object.content else { panic!("held in memory") };
    let file = file.clone();
    assert!(std::fs::read(&file).expect("read") == content, "other bytes came back");
    assert_eq!(object.info.stamp.as_ref().expect("a stamp").hash, blake3::hash(&content).to_hex().to_string());
    let copy = object.clone();
    drop(object);
    assert!(file.exists(), "a reader lost its file");
    drop(copy);
    assert!(!file.exists(), "a file that nobody reads stayed");
}

#[tokio::test]
async fn a_server_that_at_times_ignores_ranges_spoils_nothing() {
    let server = Server::memory();
    let large = store(&server.endpoint(), "data", Tuning { tries: 5, ..in_parts() });
    let content = bytes(7 * MIB + 11);
    large.store("large", Content::Bytes(content.clone().into()), None).await.expect("stored");
    server.tell("ignores-ranges 3");
    let object = large.open("large").await.expect("opened");
    assert!(object.content.read().expect("read") == content, "other bytes came back");
    server.tell("ignores-ranges 1000");
    let error = large.open("large").await.expect_err("never a part");
    assert!(error.is_trouble() && error.to_string().contains("other bytes than were asked for"), "{error}");
}

#[tokio::test]
async fn a_server_that_answers_with_another_part_than_the_first_is_found_out() {
    let server = Server::memory();
    let store = store(&server.endpoint(), "data", in_parts());
    server.tell("skips-bytes 5");
    for (path, size) in [("small", 100), ("large", 2 * MIB)] {
        store.store(path, Content::Bytes(bytes(size).into()), None).await.expect("stored");
        let error = store.open(path).await.expect_err("other bytes came");
        assert!(error.is_trouble() && error.to_string().contains("other bytes than were asked for"), "{error}");
    }
}

#[tokio::test]
async fn objects_that_are_read_one_after_the_other_keep_their_bytes() {
    let server = Server::memory();
    let store = server.store("data");
    let contents = [700_000, 600_000, 900_000].map(bytes);
    let put = |n: usize| Content::Bytes(contents[n].iter().map(|byte| byte ^ n as u8).collect());
    for n in 0..contents.len() {
        store.store(&format!("{n}"), put(n), None).await.expect("stored");
    }
    let held = store.open("0").await.expect("opened");
    for n in [1, 2, 1, 0, 2] {
        // Each is let go before the next, which may use its memory.
        let again = store.open(&format!("{n}")).await.expect("opened").content;
        assert!(again.read().expect("read") == put(n).read().expect("read"), "other bytes came back for {n}");
    }
    assert!(held.content.read().expect("read") == put(0).read().expect("read"), "what was held has changed");
}

#[tokio::test]
async fn an_upload_that_is_declined_leaves_no_parts() {
    let server = Server::memory();
    let large = store(&server.endpoint(), "data", in_parts());
    server.tell("declines-completing 1");
    let error = large.store("large", Content::Bytes(bytes(5 * MIB).into()), None).await.expect_err("declined");
    assert_eq!(error.kind, StorageErrorKind::Unavailable, "{error}");
    assert_eq!(large.look("large").await.expect("looked"), None, "an upload that was not completed is seen");
    let asked = server.asked();
    assert_eq!((asked["UploadPart"], asked["AbortMultipartUpload"]), (5, 1), "{asked:?}");
}

#[tokio::test]
async fn a_tenth_of_all_requests_declined_is_not_seen_by_anybody() {
    let server = Server::memory();
    let store = server.store("data");
    server.tell("declined-per-mille 100");
    for n in 0..150 {
        store.store(&format!("{n}"), Content::Bytes("x".into()), Some(super::stamp(5))).await.expect("stored");
        store.look(&format!("{n}")).await.expect("looked").expect("it is there");
    }
}

#[tokio::test]
async fn a_server_that_declines_everything_is_trouble_and_no_absence() {
    let server = Server::memory();
    let store = store(&server.endpoint(), "", Tuning { tries: 2, ..Tuning::default() });
    store.look("a").await.expect("looked");
    server.tell("declined-per-mille 1000");
    let error = store.look("a").await.expect_err("declined");
    assert!(error.is_trouble() && error.kind == StorageErrorKind::Unavailable, "{error}");
    server.tell("declined-per-mille 0");
    assert_eq!(store.look("a").await.expect("looked"), None);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_trouble_and_so_is_one_that_never_answers() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = nobody.local_addr().expect("an address").port();
    let quick = || Tuning { tries: 2, patience: Duration::from_millis(300), ..Tuning::default() };
    let silent = store(&format!("http://127.0.0.1:{port}"), "", quick()).look("a").await.expect_err("silent");
    assert!(silent.is_trouble() && silent.to_string().contains("did not answer in time"), "{silent}");
    drop(nobody);
    let gone = store(&format!("http://127.0.0.1:{port}"), "", quick()).look("a").await.expect_err("gone");
    assert!(gone.is_trouble(), "{gone}");
}

#[tokio::test]
async fn a_name_in_a_graph_file_that_leads_to_a_metadata_address_is_not_followed() {
    // The system's resolver reads numbers too: this is 169.254.169.254. No name is needed, and no network.
    let quick = Tuning { tries: 1, patience: Duration::from_secs(2), ..Tuning::default() };
    let error = store("http://2852039166", "", quick).look("a").await.expect_err("followed");
    assert!(error.to_string().contains("link-local or metadata address"), "{error}");
}

#[tokio::test]
async fn keys_of_others_that_are_no_paths_are_listed_with_their_problem_and_folders_not_at_all() {
    let server = Server::memory();
    for key in ["data//a", "data/x/../b", "data/.euterpe/stamps/x", "database/c", "data/good"] {
        server.tell(&format!("seed {key}# - 1"));
    }
    server.tell("seed data/folder# / 1");
    let mut lines = Vec::new();
    let mut page = |page: &Page| {
        lines.extend(page.iter().map(|listed| (listed.path.to_owned(), listed.problem)));
        true
    };
    server.store("data").list("", &mut page).await.expect("listed");
    let problem = Some(ListedProblem::NoKey);
    let expected = [("/a#000000-", problem), ("good#000000-", None), ("x/../b#000000-", problem)];
    assert_eq!(lines, expected.map(|(path, problem)| (path.to_owned(), problem)), "in {BUCKET}");
}
