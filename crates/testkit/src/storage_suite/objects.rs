//! Cases about objects: written whole, read back, removed, under keys of every sort.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{bytes, list, on_thread, read};
use euterpe_actors::storage::{Content, Storage, StorageErrorKind, Stored};
use euterpe_actors::transform::Scratch;

/// A finished write is seen by the next look, and its bytes come back.
pub async fn what_was_stored_is_seen_at_once_and_read_back_whole(store: Arc<dyn Storage>) {
    for (round, content) in ["first", "the second, which is longer", "3"].into_iter().enumerate() {
        assert_eq!(store.store("a/b/c.txt", bytes(content), None).await.expect("stored"), Stored::Kept);
        let info = store.look("a/b/c.txt").await.expect("looked").expect("it is there");
        assert_eq!(info.size, content.len() as u64, "round {round}");
        let object = store.open("a/b/c.txt").await.expect("opened");
        assert_eq!(object.info, info, "looking and opening tell the same");
        assert_eq!(read(&*store, "a/b/c.txt").await.expect("read"), content.as_bytes());
    }
}

/// Absence is an answer to `look`, and an error of its own kind to `open`.
pub async fn what_is_missing_is_not_there_to_look_at_and_not_found_to_open(store: Arc<dyn Storage>) {
    store.store("there/it.txt", bytes("x"), None).await.expect("stored");
    for path in ["nowhere", "there/other.txt", "there/deeper/it.txt", "ther", "there/it.tx"] {
        assert_eq!(store.look(path).await.expect("looked"), None, "{path}");
        let error = store.open(path).await.expect_err(path);
        assert_eq!(error.kind, StorageErrorKind::NotFound, "{path}: {error}");
        assert!(!error.is_trouble() && error.to_string().contains(path), "{error}");
    }
}

/// Removing is idempotent and removes nothing else.
pub async fn a_removed_object_is_gone_and_removing_it_again_is_no_error(store: Arc<dyn Storage>) {
    store.store("a/1", bytes("x"), None).await.expect("stored");
    store.store("a/2", bytes("y"), None).await.expect("stored");
    for _ in 0..2 {
        store.remove("a/1").await.expect("removed");
        assert_eq!(store.look("a/1").await.expect("looked"), None);
    }
    store.remove("never/was").await.expect("removed");
    assert_eq!(list(&*store, "").await, ["a/2"]);
    store.store("a/1", bytes("again"), None).await.expect("stored");
    assert_eq!(read(&*store, "a/1").await.expect("read"), "again");
}

/// What could mean two things, or leave the store, is no key.
pub async fn a_key_that_no_store_can_have_is_refused_by_every_call(store: Arc<dyn Storage>) {
    for path in ["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\0b"] {
        let refused = [
            store.look(path).await.expect_err("looked"),
            store.open(path).await.expect_err("opened"),
            store.store(path, bytes("x"), None).await.expect_err("stored"),
            store.remove(path).await.expect_err("removed"),
        ];
        for error in refused {
            assert_eq!(error.kind, StorageErrorKind::BadKey, "{path:?}: {error}");
            assert!(!error.is_trouble());
        }
    }
    assert!(list(&*store, "").await.is_empty());
}

/// No bytes are content too.
pub async fn an_object_may_be_empty(store: Arc<dyn Storage>) {
    store.store("empty", bytes(""), Some(super::stamp(1, 1))).await.expect("stored");
    let info = store.look("empty").await.expect("looked").expect("it is there");
    assert_eq!(info.size, 0);
    assert_eq!(info.stamp.expect("a stamp").hash, blake3::hash(b"").to_hex().to_string());
    assert!(read(&*store, "empty").await.expect("read").is_empty());
}

/// A content in a file is copied in, hashed, and not touched.
pub async fn sixteen_mebibytes_are_stored_from_a_file_that_stays_as_it_was(store: Arc<dyn Storage>) {
    let scratch = scratch("large");
    let file = scratch.path().expect("a folder").join("large.bin");
    let mut random = blake3::Hasher::new().update(b"sixteen mebibytes").finalize_xof();
    let mut content = vec![0_u8; 16 << 20];
    random.fill(&mut content);
    std::fs::write(&file, &content).expect("written");
    let stored = store.store("large.bin", Content::File(file.clone()), Some(super::stamp(1, 1))).await;
    assert_eq!(stored.expect("stored"), Stored::Kept);
    let info = store.look("large.bin").await.expect("looked").expect("it is there");
    assert_eq!(info.size, 16 << 20);
    assert_eq!(info.stamp.expect("a stamp").hash, blake3::hash(&content).to_hex().to_string());
    assert!(read(&*store, "large.bin").await.expect("read") == content, "other bytes came back");
    assert!(std::fs::read(&file).expect("still there") == content, "the file was changed");
}

/// A file that is not there is no trouble of the store, and no object comes of it.
pub async fn a_content_that_is_gone_is_told_and_leaves_no_object(store: Arc<dyn Storage>) {
    let scratch = scratch("gone");
    let file = scratch.path().expect("a folder").join("never-written.bin");
    let error = store.store("a/b", Content::File(file), None).await.expect_err("stored");
    assert_eq!(error.kind, StorageErrorKind::NotFound, "{error}");
    assert!(error.to_string().contains("never-written.bin"), "{error}");
    assert_eq!(store.look("a/b").await.expect("looked"), None);
    assert!(list(&*store, "").await.is_empty());
}

/// A message about a key is short, and cannot steer a terminal.
pub async fn a_message_shows_a_key_cut_and_escaped(store: Arc<dyn Storage>) {
    let key = format!("a/\u{1b}[31m\u{202e}\n{}", "é/".repeat(1 << 19));
    let told = store.open(&key).await.expect_err("opened").to_string();
    assert!(told.len() < 2000 && told.contains("bytes"), "{} bytes", told.len());
    assert!(!told.contains(['\u{1b}', '\u{202e}', '\n']), "{told:?}");
    assert!(told.contains("é/é"), "{told}");
}

/// Every name below is one object of its own.
pub async fn odd_characters_are_kept_and_kept_apart(store: Arc<dyn Storage>) {
    let names = [
        "plain",
        "Plain",
        "with space",
        " leading",
        "trailing ",
        "per%20cent",
        "per cent",
        "quote'\"`",
        "$(touch x)",
        "; rm -rf",
        "--help",
        "-n",
        "...",
        ".hidden",
        "a.b.c",
        "new\nline",
        "tab\t",
        "*",
        "?",
        "[a]",
        "{id}",
        "back\\slash",
        "~",
        "a:b",
        "\u{e9}",
        "e\u{301}",
        "日本語",
        "\u{1F3B5}",
        "\u{202e}abc",
        "a\u{200b}b",
    ];
    for (at, name) in names.iter().enumerate() {
        store.store(&format!("odd/{name}/{name}"), bytes(format!("{at}")), None).await.expect(name);
    }
    for (at, name) in names.iter().enumerate() {
        assert_eq!(read(&*store, &format!("odd/{name}/{name}")).await.expect(name), format!("{at}"), "{name:?}");
    }
    let mut expected: Vec<_> = names.iter().map(|name| format!("odd/{name}/{name}")).collect();
    expected.sort();
    assert_eq!(list(&*store, "").await, expected);
}

/// Segments of 200 bytes, 1,000 bytes in all.
pub async fn a_key_may_be_long(store: Arc<dyn Storage>) {
    let path = ["s".repeat(200), "é".repeat(100), "t".repeat(200), "u".repeat(200), "v".repeat(196)].join("/");
    assert_eq!(path.len(), 1000);
    store.store(&path, bytes("long"), Some(super::stamp(1, 1))).await.expect("stored");
    assert_eq!(read(&*store, &path).await.expect("read"), "long");
    assert_eq!(list(&*store, &path[..500]).await, [path]);
}

/// Replacing is atomic: whoever reads gets one version and never parts of two.
pub async fn a_reader_sees_one_whole_version_while_writers_replace_it(store: Arc<dyn Storage>) {
    // Version k is 1,000 * (k + 1) times the byte k.
    store.store("one", bytes(vec![0_u8; 1000]), None).await.expect("stored");
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3_u8)
        .map(|writer| {
            on_thread(&store, move |store| async move {
                for round in 0..40_u8 {
                    let version = (writer * 40 + round) % 100;
                    let content = vec![version; 1000 * (usize::from(version) + 1)];
                    store.store("one", bytes(content), None).await.expect("stored");
                }
            })
        })
        .collect();
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let over = over.clone();
            on_thread(&store, move |store| async move {
                while !over.load(Ordering::Relaxed) {
                    let content = read(&*store, "one").await.expect("always there");
                    let version = content[0];
                    assert_eq!(content.len(), 1000 * (usize::from(version) + 1), "parts of versions were seen");
                    assert!(content.iter().all(|byte| *byte == version), "two versions were mixed");
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().expect("a writer failed");
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().expect("a reader failed");
    }
}

/// A folder of this case alone.
fn scratch(case: &str) -> Scratch {
    use std::sync::atomic::AtomicU32;
    static MADE: AtomicU32 = AtomicU32::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    Scratch::at(std::env::temp_dir().join(format!("euterpe-storage-suite-{case}-{}-{made}", std::process::id())))
}
