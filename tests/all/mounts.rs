//! Folders as stores, on disks that are unmounted and mounted again while they are open.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use euterpe_actors::storage::{Content, STORE_MARKER, Storage, StorageError, StorageErrorKind};
use euterpe_storage::local::{LocalSettings, LocalStorage};

use crate::disk::Disk;

/// Three disks with what `fill` writes there, and a folder that shows one after the other.
struct Place {
    disks: Vec<Disk>, // gone before their folder
    folder: tempfile::TempDir,
}

impl Place {
    fn new(fill: impl Fn(&Path, usize)) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut disks = Vec::new();
        for number in 0..3 {
            let at = folder.path().join(format!("disk-{number}"));
            disks.push(Disk::at(&at, 1)?);
            fill(&at, number);
        }
        fs::create_dir(folder.path().join("store")).expect("made");
        Some(Self { disks, folder })
    }

    fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("store")
    }

    fn mount(&self, number: usize) {
        self.disks[number].show_at(&self.store());
    }

    fn unmount(&self) {
        Disk::unmount(&self.store());
    }
}

fn open(folder: &Path) -> LocalStorage {
    LocalStorage::open(folder, LocalSettings::default()).expect("opened")
}

async fn refused(store: &LocalStorage) -> (StorageErrorKind, String) {
    let listed = store.list("", &mut |page| panic!("{page:?}")).await;
    let looked = store.look("missing").await.map(drop);
    let stored = store.store("new", Content::Bytes("x".into()), None).await.map(drop);
    let errors: Vec<StorageError> =
        [listed, looked, stored].into_iter().map(|answer| answer.expect_err("refused")).collect();
    let kinds: Vec<StorageErrorKind> = errors.iter().map(|error| error.kind).collect();
    assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{errors:?}");
    (kinds[0], errors[0].to_string())
}

#[tokio::test]
async fn a_source_goes_on_when_its_disk_is_mounted_again_with_another_number() {
    let fill = |disk: &Path, number: usize| {
        if number < 2 {
            fs::write(disk.join("t-1"), number.to_string()).expect("written");
        }
    };
    let Some(place) = Place::new(fill) else { return };
    place.mount(0);
    let store = open(&place.store());
    assert!(store.look("missing").await.expect("looked").is_none());
    place.unmount();
    let (kind, text) = refused(&store).await;
    assert!(kind == StorageErrorKind::Unavailable && text.contains("another disk"), "{text}");
    place.mount(2);
    let (kind, text) = refused(&store).await;
    assert!(kind == StorageErrorKind::Unavailable && text.contains("and empty"), "{text}");
    place.unmount();
    place.mount(1);
    assert!(store.look("missing").await.expect("it is mounted again").is_none());
    assert_eq!(store.open("t-1").await.expect("opened").content.read().expect("read"), "1");
    place.unmount();
    refused(&store).await;
    assert!(fs::read_dir(place.store()).expect("a folder").next().is_none(), "written to the disk below");
}

#[tokio::test]
async fn a_store_that_is_written_to_goes_on_with_the_same_marker_only() {
    let fill = |disk: &Path, number: usize| {
        let marker = disk.join(STORE_MARKER);
        fs::create_dir_all(marker.parent().expect("a folder")).expect("made");
        fs::write(marker, format!("{{\"id\": \"{}\"}}", number % 2)).expect("written");
    };
    let Some(place) = Place::new(fill) else { return };
    place.mount(0);
    let store = open(&place.store());
    place.unmount();
    assert_eq!(refused(&store).await.0, StorageErrorKind::Unavailable);
    place.mount(1);
    let (kind, text) = refused(&store).await;
    assert!(kind == StorageErrorKind::Replaced && text.contains("another store"), "{text}");
    place.unmount();
    place.mount(2);
    store.store("t-1", Content::Bytes("x".into()), None).await.expect("it is the same store, mounted again");
    assert!(place.store().join("t-1").exists());
    store.list("", &mut |_| true).await.expect("listed");
    place.unmount();
}

#[tokio::test]
async fn a_disk_below_the_root_of_a_store_may_be_mounted_again() {
    let fill = |disk: &Path, number: usize| {
        if number < 2 {
            fs::write(disk.join("t-1"), "x").expect("written");
        }
    };
    let Some(place) = Place::new(fill) else { return };
    place.mount(0);
    let store = open(place.folder.path());
    assert!(store.look("store/t-1").await.expect("looked").is_some());
    place.unmount();
    for number in [None, Some(2)] {
        number.into_iter().for_each(|number| place.mount(number));
        let error = store.look("store/t-2").await.expect_err("looked");
        assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("mounted"), "{error}");
        store.list("store/", &mut |page| panic!("{page:?}")).await.expect_err("listed");
    }
    place.unmount();
    place.mount(1);
    assert!(store.look("store/t-2").await.expect("it is mounted again").is_none());
    store.list("store/", &mut |_| true).await.expect("listed");
    place.unmount();
}

#[tokio::test]
async fn an_empty_disk_that_is_mounted_over_a_folder_of_a_store_makes_nothing_absent() {
    let fill = |disk: &Path, number: usize| {
        if number == 1 {
            fs::write(disk.join("t-9"), "x").expect("written");
        }
    };
    let Some(place) = Place::new(fill) else { return };
    let root = place.folder.path();
    for folder in ["store", "listed", "other"] {
        fs::create_dir_all(root.join(folder)).expect("made");
        fs::write(root.join(folder).join("t-1"), "x").expect("written");
    }
    for is_read in [true, false] {
        let store = open(root);
        match is_read {
            true => assert!(store.look("store/t-1").await.expect("looked").is_some()),
            false => store.list("", &mut |_| true).await.expect("listed"),
        }
        place.mount(0);
        let errors = [
            store.look("store/t-1").await.map(drop).expect_err("looked"),
            store.open("store/t-1").await.map(drop).expect_err("opened"),
            store.store("store/t-2", Content::Bytes("x".into()), None).await.map(drop).expect_err("stored"),
            store.list("store/", &mut |page| panic!("{page:?}")).await.expect_err("listed"),
            store.list("", &mut |_| true).await.expect_err("listed"),
        ];
        for error in errors {
            assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("mounted"), "{error}");
        }
        assert!(store.look("other/t-2").await.expect("it lies beside").is_none());
        place.unmount();
        assert!(store.look("store/t-1").await.expect("looked").is_some());
        assert!(store.look("store/t-2").await.expect("looked").is_none(), "written to the disk above");
        // People mount disks, too: what holds something is believed.
        place.mount(1);
        assert!(store.look("store/t-1").await.expect("looked").is_none());
        assert!(store.look("store/t-9").await.expect("looked").is_some());
        place.unmount();
        store.look("store/t-8").await.expect_err("that disk is gone now");
    }
}

#[tokio::test]
async fn a_link_to_a_file_of_a_disk_that_is_not_mounted_any_more_is_not_absent() {
    let fill = |disk: &Path, number: usize| {
        if number < 2 {
            fs::write(disk.join("t-1"), number.to_string()).expect("written");
        }
    };
    let Some(place) = Place::new(fill) else { return };
    let sources = place.folder.path().join("sources");
    fs::create_dir(&sources).expect("made");
    symlink("../store/t-1", sources.join("t-1")).expect("linked");
    symlink(sources.join("nothing"), sources.join("t-2")).expect("linked");
    let follow = LocalSettings { follow_links: true, ..LocalSettings::default() };
    for is_read in [true, false] {
        place.mount(0);
        let store = LocalStorage::open(&sources, follow.clone()).expect("opened");
        match is_read {
            true => assert!(store.look("t-1").await.expect("looked").is_some()),
            false => store.list("", &mut |_| true).await.expect("listed"),
        }
        place.unmount();
        for error in [
            store.look("t-1").await.map(drop).expect_err("looked"),
            store.open("t-1").await.map(drop).expect_err("opened"),
            store.list("", &mut |_| true).await.expect_err("listed"),
        ] {
            assert!(error.kind == StorageErrorKind::Unavailable && error.to_string().contains("mounted"), "{error}");
        }
        assert!(store.look("t-2").await.expect("looked").is_none(), "it leads to no disk");
        assert!(store.look("t-3").await.expect("looked").is_none());
        place.mount(1);
        assert_eq!(store.open("t-1").await.expect("mounted again").content.read().expect("read"), "1");
        place.unmount();
        store.look("t-1").await.expect_err("away again");
    }
}
