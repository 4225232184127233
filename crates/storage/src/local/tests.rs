//! What is peculiar to folders: links, names, roots that vanish, things in the way.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, os::unix::fs::symlink, path::Path, sync::Arc};

use euterpe_actors::storage::{Content, ListedProblem, Page, STORE_MARKER, Storage, StorageError, StorageErrorKind};

use super::{LocalSettings, LocalStorage, StampsIn};

fn open(root: &Path) -> LocalStorage {
    LocalStorage::open(root, LocalSettings { fsync: false, ..LocalSettings::default() }).expect("opened")
}

fn bytes(text: &str) -> Content {
    Content::Bytes(text.to_owned().into())
}

async fn lines(store: &LocalStorage, prefix: &str) -> Vec<(String, Option<ListedProblem>)> {
    let mut found = Vec::new();
    let mut page = |page: &Page| {
        found.extend(page.iter().map(|listed| (listed.path.to_owned(), listed.problem)));
        true
    };
    store.list(prefix, &mut page).await.expect("listed");
    found
}

async fn paths(store: &LocalStorage, prefix: &str) -> Vec<String> {
    lines(store, prefix).await.into_iter().map(|(path, _)| path).collect()
}

fn bad_key<T: std::fmt::Debug>(answer: Result<T, StorageError>, says: &str) {
    let error = answer.expect_err("refused");
    assert_eq!(error.kind, StorageErrorKind::BadKey, "{error}");
    assert!(error.to_string().contains(says), "`{error}` does not say `{says}`");
}

mod old_kernel {
    use super::*;

    euterpe_testkit::storage_suite!({
        let root = tempfile::tempdir().expect("a folder");
        let store = open(root.path());
        store.folder.root.pretend_old_kernel();
        (Arc::new(store) as Arc<dyn Storage>, root)
    });
}

/// A store beside a secret, with links of every kind.
fn planted() -> (tempfile::TempDir, LocalStorage) {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("root");
    fs::create_dir_all(root.join("real/deep")).expect("made");
    fs::create_dir_all(place.path().join("root-2")).expect("made");
    fs::write(place.path().join("secret"), "secret").expect("written");
    fs::write(place.path().join("root-2/secret"), "secret").expect("written");
    fs::write(root.join("real/file"), "inside").expect("written");
    for (target, link) in [
        ("real/file", "file-link"),
        ("real", "folder-link"),
        ("../real/file", "real/up-and-back"),
        ("../secret", "leaves"),
        ("../root-2/secret", "leaves-to-a-twin"),
        ("..", "leaves-by-folder"),
        ("nothing", "dangling"),
        ("loop", "loop"),
        ("/etc/passwd", "absolute"),
    ] {
        symlink(target, root.join(link)).expect("linked");
    }
    symlink(root.join("real/file"), root.join("absolute-and-inside")).expect("linked");
    let store = open(&root);
    (place, store)
}

#[tokio::test]
async fn links_are_followed_below_the_root_and_refused_where_they_leave_it() {
    for old_kernel in [false, true] {
        let (place, store) = planted();
        if old_kernel {
            store.folder.root.pretend_old_kernel();
        }
        for inside in ["real/file", "file-link", "folder-link/file", "real/up-and-back", "absolute-and-inside"] {
            assert_eq!(store.look(inside).await.expect("looked").expect(inside).size, 6);
            let object = store.open(inside).await.expect("opened");
            assert_eq!(object.content.read().expect("read"), "inside", "{inside}");
            let Content::File(file) = object.content else { panic!("not a file") };
            assert_eq!(file, place.path().canonicalize().expect("real").join("root/real/file"), "{inside}");
        }
        for leaves in ["leaves", "leaves-to-a-twin", "leaves-by-folder/secret", "absolute"] {
            bad_key(store.look(leaves).await, "leads out of the store");
            bad_key(store.open(leaves).await, "leads out of the store");
            bad_key(store.store(leaves, bytes("overwritten"), None).await, "leads out of the store");
        }
        bad_key(store.store("leaves-by-folder/new", bytes("x"), None).await, "leads out of the store");
        bad_key(store.remove("leaves-by-folder/secret").await, "leads out of the store");
        bad_key(store.look("loop").await, "too many links");
        assert_eq!(store.look("dangling").await.expect("looked"), None);
        let trouble = store.store("dangling/new", bytes("x"), None).await.expect_err("refused");
        assert!(trouble.to_string().contains("link to nothing"), "{trouble}");
        assert_eq!(fs::read_to_string(place.path().join("secret")).expect("read"), "secret");
        assert_eq!(fs::read_dir(place.path()).expect("read").count(), 3, "something was made outside");
    }
}

#[tokio::test]
async fn a_listing_shows_links_to_files_inside_and_names_those_that_leave() {
    for old_kernel in [false, true] {
        let (_place, store) = planted();
        if old_kernel {
            store.folder.root.pretend_old_kernel();
        }
        let expected = [
            ("absolute", Some(ListedProblem::LeavesStore)),
            ("absolute-and-inside", None),
            ("dangling", Some(ListedProblem::LeadsNowhere)),
            ("file-link", None),
            ("folder-link", Some(ListedProblem::ListedElsewhere)),
            ("leaves", Some(ListedProblem::LeavesStore)),
            ("leaves-by-folder", Some(ListedProblem::LeavesStore)),
            ("leaves-to-a-twin", Some(ListedProblem::LeavesStore)),
            ("loop", Some(ListedProblem::LeadsNowhere)),
            ("real/file", None),
            ("real/up-and-back", None),
        ]
        .map(|(path, problem)| (path.to_owned(), problem));
        assert_eq!(lines(&store, "").await, expected);
        // Named by the prefix, a folder may be a link.
        assert_eq!(paths(&store, "folder-link/").await, ["folder-link/file", "folder-link/up-and-back"]);
        let error = store.list("leaves-by-folder/", &mut |_: &Page| true).await.expect_err("listed");
        assert_eq!(error.kind, StorageErrorKind::BadKey);
    }
}

#[tokio::test]
async fn writing_over_a_link_replaces_the_link_and_not_its_target() {
    let (place, store) = planted();
    store.store("file-link", bytes("new"), None).await.expect("stored");
    assert_eq!(fs::read_to_string(place.path().join("root/real/file")).expect("read"), "inside");
    assert_eq!(store.open("file-link").await.expect("opened").content.read().expect("read"), "new");
}

#[tokio::test]
async fn a_missing_root_is_trouble_and_never_an_empty_store() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("disk");
    let error = LocalStorage::open(&root, LocalSettings::default()).expect_err("opened nothing");
    assert!(
        error.kind == StorageErrorKind::Unavailable && error.to_string().contains("is the disk mounted?"),
        "{error}"
    );

    let made = LocalSettings { create: true, ..LocalSettings::default() };
    let store = LocalStorage::open(&root, made).expect("made and opened");
    store.store("a/b", bytes("x"), None).await.expect("stored");
    fs::remove_dir_all(&root).expect("removed");
    let errors = [
        store.look("a/b").await.expect_err("looked"),
        store.open("a/b").await.expect_err("opened"),
        store.store("a/b", bytes("x"), None).await.expect_err("stored"),
        store.remove("a/b").await.expect_err("removed"),
        store.list("", &mut |_: &Page| true).await.expect_err("listed"),
        store.list("a/", &mut |_: &Page| true).await.expect_err("listed"),
        store.list("../", &mut |_: &Page| true).await.expect_err("listed"),
    ];
    for error in errors {
        assert_eq!(error.kind, StorageErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains("is the disk mounted?"), "{error}");
    }
    fs::write(&root, "a file").expect("written");
    let error = store.look("a/b").await.expect_err("looked");
    assert!(error.to_string().contains("is not a folder"), "{error}");
    fs::remove_file(&root).expect("removed");

    fs::create_dir(&root).expect("made");
    assert_eq!(store.look("a/b").await.expect("a new folder is a store again"), None);
    store.store("a/b", bytes("x"), None).await.expect("stored");
    assert!(root.join("a/b").exists());
}

#[tokio::test]
async fn a_root_on_another_disk_than_before_is_trouble() {
    use std::os::unix::fs::MetadataExt;
    let place = tempfile::tempdir().expect("a folder");
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return }; // no second file system to test with
    let device = |path: &Path| fs::metadata(path).expect("there").dev();
    if device(other.path()) == device(place.path()) {
        return;
    }
    fs::create_dir(place.path().join("disk")).expect("made");
    let root = place.path().join("mounted");
    symlink("disk", &root).expect("linked");
    let store = open(&root);
    store.store("a", bytes("x"), None).await.expect("stored");
    fs::remove_file(&root).expect("removed");
    symlink(other.path(), &root).expect("linked");
    for error in [
        store.look("missing").await.expect_err("looked"),
        store.store("a", bytes("x"), None).await.expect_err("stored"),
    ] {
        assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("another disk"), "{error}");
    }
}

#[tokio::test]
async fn a_root_whose_file_system_died_is_opened_where_another_is_mounted_in_its_place() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("mounted");
    fs::create_dir(&root).expect("made");
    fs::write(root.join("a"), "x").expect("written");
    let store = open(&root);
    store.folder.root.pretend_dead();
    for error in [
        store.look("a").await.expect_err("looked"),
        store.list("", &mut |page: &Page| panic!("{page:?}")).await.expect_err("listed"),
    ] {
        assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("not connected"), "{error}");
    }
    fs::rename(&root, place.path().join("dead")).expect("renamed");
    fs::create_dir(&root).expect("made");
    fs::write(root.join("a"), "as large").expect("written");
    assert_eq!(store.look("a").await.expect("looked").expect("there").size, 8);
    store.store("b", bytes("x"), None).await.expect("stored");
    assert_eq!(paths(&store, "").await, ["a", "b"]);
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let root = tempfile::tempdir().expect("a folder");
    let store = open(root.path());
    store.store("a/b/c", bytes("x"), None).await.expect("stored");
    assert_eq!(store.look("a/b").await.expect("looked"), None, "a folder is no object");
    assert_eq!(store.open("a/b").await.expect_err("opened").kind, StorageErrorKind::NotFound);
    bad_key(store.store("a/b", bytes("x"), None).await, "a folder is in its place");
    store.remove("a/b").await.expect("no object, no error");
    bad_key(store.store("a/b/c/d/e", bytes("x"), None).await, "`a/b/c` is a file where a folder is needed");
    assert_eq!(store.look("a/b/c/d/e").await.expect("looked"), None);
    let long = "x".repeat(256);
    bad_key(store.look(&long).await, "too long");
    bad_key(store.store(&long, bytes("x"), None).await, "too long");
    bad_key(store.store(&format!("{long}/y"), bytes("x"), None).await, "too long");
    let deep = vec!["y".repeat(200); 25].join("/");
    bad_key(store.store(&deep, bytes("x"), None).await, "too long");
    assert_eq!(paths(&store, "").await, ["a/b/c"]);
}

#[tokio::test]
async fn names_of_the_programs_own_are_no_keys_and_are_not_listed() {
    let root = tempfile::tempdir().expect("a folder");
    let store = open(root.path());
    for ours in [".euterpe/runs/1", "a/.euterpe", ".euterpe-tmp-1-1", "a/.euterpe-tmp-/b"] {
        bad_key(store.store(ours, bytes("x"), None).await, "this program uses itself");
        bad_key(store.look(ours).await, "this program uses itself");
        let path = root.path().join(ours);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, "x").expect("written");
    }
    store.store("a/.euterpean", bytes("x"), None).await.expect("stored");
    store.store(STORE_MARKER, bytes("{}"), None).await.expect("this one is an object");
    assert!(store.look(STORE_MARKER).await.expect("looked").is_some());
    assert_eq!(paths(&store, "").await, ["a/.euterpean"]);
    assert!(paths(&store, ".euterpe/").await.is_empty());
}

#[tokio::test]
async fn a_pipe_is_no_object_and_nobody_waits_for_it() {
    let root = tempfile::tempdir().expect("a folder");
    let store = open(root.path());
    let made = std::process::Command::new("mkfifo").arg(root.path().join("pipe")).status().expect("mkfifo");
    assert!(made.success());
    assert_eq!(store.look("pipe").await.expect("looked"), None);
    assert_eq!(lines(&store, "").await, [("pipe".to_owned(), Some(ListedProblem::NoFile))]);
}

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_listed_as_a_problem() {
    let root = tempfile::tempdir().expect("a folder");
    let store = open(root.path());
    fs::create_dir(root.path().join("a")).expect("made");
    for name in [&b"caf\xe8.ogg"[..], b"caf\xe9.ogg", b"good.ogg"] {
        fs::write(root.path().join("a").join(OsStr::from_bytes(name)), "x").expect("written");
    }
    // A folder of such a name is not walked into, and is not taken for a file.
    fs::create_dir(root.path().join(OsStr::from_bytes(b"Bj\xf6rk"))).expect("made");
    fs::write(root.path().join(OsStr::from_bytes(b"Bj\xf6rk")).join("t.ogg"), "x").expect("written");
    assert_eq!(lines(&store, "Bj").await, [(r"Bj\xF6rk".to_owned(), Some(ListedProblem::FolderNotUtf8))]);
    fs::remove_dir_all(root.path().join(OsStr::from_bytes(b"Bj\xf6rk"))).expect("removed");
    let problem = Some(ListedProblem::NotUtf8);
    let expected = [(r"a/caf\xE8.ogg", problem), (r"a/caf\xE9.ogg", problem), ("a/good.ogg", None)];
    let expected = expected.map(|(path, problem)| (path.to_owned(), problem));
    assert_eq!(lines(&store, "").await, expected);
    assert_eq!(lines(&store, "a/caf").await, expected[..2]);
    assert!(ListedProblem::NotUtf8.text().contains("rename"));
}

#[tokio::test]
async fn a_listing_is_in_order_within_a_folder_and_complete_beyond_one_batch() {
    let root = tempfile::tempdir().expect("a folder");
    let store = open(root.path());
    let (flat, folders) = (root.path().join("flat"), root.path().join("folders"));
    fs::create_dir_all(&flat).expect("made");
    for at in 0..5_000 {
        fs::write(flat.join(format!("t-{at:06}.npy")), "x").expect("written");
    }
    for at in 0..500 {
        fs::create_dir_all(folders.join(format!("{}/{}", at % 20, at))).expect("made");
        fs::write(folders.join(format!("{}/{}/x", at % 20, at)), "x").expect("written");
    }
    let found = paths(&store, "flat/").await;
    let in_order = |part: &[String]| part.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(in_order(&found[..1_000]), "the first batch is not in order");
    let mut sorted = found;
    sorted.sort();
    assert!(sorted == (0..5_000).map(|at| format!("flat/t-{at:06}.npy")).collect::<Vec<_>>());
    let found = paths(&store, "folders/").await;
    assert_eq!(found.len(), 500);
    assert!(in_order(&found), "folders are not walked in order");
}

#[tokio::test]
async fn stamps_that_lie_beside_go_with_their_version_only() {
    let root = tempfile::tempdir().expect("a folder");
    let aside = tempfile::tempdir().expect("a folder");
    let settings = LocalSettings {
        fsync: false,
        stamps: StampsIn::Files,
        stamp_folder: Some(aside.path().to_owned()),
        ..LocalSettings::default()
    };
    let store = LocalStorage::open(root.path(), settings).expect("opened");
    let job = euterpe_actors::ids::JobName::new("mel").expect("a name");
    let run = euterpe_actors::ids::RunId::new(1, 1);
    let stamp = euterpe_actors::storage::Stamp {
        runs: std::sync::Arc::new([(job.clone(), run)].into()),
        job,
        entity: None,
        hash: String::new(),
        making: None,
    };
    store.store("a", bytes("ours"), Some(stamp)).await.expect("stored");
    assert!(store.look("a").await.expect("looked").expect("there").stamp.is_some());
    fs::write(root.path().join("a"), "somebody else's").expect("written");
    assert!(store.look("a").await.expect("looked").expect("there").stamp.is_none());
    assert_eq!(fs::read_dir(aside.path()).expect("read").count(), 1);
    assert_eq!(paths(&store, "").await, ["a"]);
}
