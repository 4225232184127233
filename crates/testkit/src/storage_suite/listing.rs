//! Cases about listings: complete, by prefix, stopped when enough, and never showing what is half written.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{bytes, list, on_thread, read};
use euterpe_actors::storage::{Page, Storage};

/// Over many pages, folders and levels.
pub async fn a_listing_shows_each_object_once(store: Arc<dyn Storage>) {
    let mut expected = Vec::new();
    for at in 0..1_200_u32 {
        let path = match at % 3 {
            0 => format!("flat/{at:05}"),
            1 => format!("deep/{}/{}/{at}.json", at % 7, at % 11),
            _ => format!("{at}.top"),
        };
        store.store(&path, bytes("x"), None).await.expect("stored");
        expected.push(path);
    }
    expected.sort();
    assert_eq!(list(&*store, "").await, expected);
}

/// The content may be older than the object: of a copy. Servers tell whole seconds.
pub async fn a_listing_tells_when_each_object_was_written_and_came(store: Arc<dyn Storage>) {
    store.store("mel/t-1.npy", bytes("x"), None).await.expect("stored");
    let modified = store.look("mel/t-1.npy").await.expect("looked").expect("it is there").modified.expect("a time");
    let modified = modified.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
    let mut seen = Vec::new();
    let learn = &mut |page: &Page| {
        seen.extend(page.iter().map(|listed| (listed.path.to_owned(), listed.dates)));
        true
    };
    store.list_dated("mel/", learn).await.expect("listed");
    let [(path, dates)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(path, "mel/t-1.npy");
    assert!(dates.written > 0 && dates.written <= dates.arrived, "{dates:?}");
    assert!(dates.written.abs_diff(modified) < 1_000_000_000, "{dates:?} and {modified}");
}

/// `mel/t` is what lies in `mel` and starts with `t`, and nothing else.
pub async fn a_listing_goes_by_the_text_before_which_may_end_within_a_segment(store: Arc<dyn Storage>) {
    let all = ["mel/t-1.npy", "mel/t-2.npy", "mel/t/3.npy", "mel/u-1.npy", "mela", "mel-2/t", "other/mel/t"];
    for path in all {
        store.store(path, bytes("x"), None).await.expect("stored");
    }
    let cases: [(&str, &[&str]); 12] = [
        ("mel/t", &["mel/t-1.npy", "mel/t-2.npy", "mel/t/3.npy"]),
        ("mel/t/", &["mel/t/3.npy"]),
        ("mel/", &["mel/t-1.npy", "mel/t-2.npy", "mel/t/3.npy", "mel/u-1.npy"]),
        ("mel", &["mel-2/t", "mel/t-1.npy", "mel/t-2.npy", "mel/t/3.npy", "mel/u-1.npy", "mela"]),
        ("mel/t-1.npy", &["mel/t-1.npy"]),
        ("mel/t-1.npy/", &[]),
        ("mela/", &[]),
        ("nowhere/", &[]),
        ("nowhere/at/all", &[]),
        ("../", &[]),
        ("mel//", &[]),
        ("./mel", &[]),
    ];
    for (prefix, expected) in cases {
        assert_eq!(list(&*store, prefix).await, expected, "under {prefix:?}");
    }
}

/// After `false` no further page comes.
pub async fn a_listing_ends_when_its_reader_has_seen_enough(store: Arc<dyn Storage>) {
    for at in 0..300 {
        store.store(&format!("folder-{}/{at}", at % 40), bytes("x"), None).await.expect("stored");
    }
    let mut pages = 0;
    let mut stop = |_: &euterpe_actors::storage::Page| {
        pages += 1;
        false
    };
    store.list("", &mut stop).await.expect("listed");
    assert_eq!(pages, 1);
}

/// Nothing stored, nothing listed, and no error.
pub async fn a_listing_of_an_empty_store_is_empty(store: Arc<dyn Storage>) {
    assert!(list(&*store, "").await.is_empty());
    assert!(list(&*store, "mel/").await.is_empty());
}

/// Whatever a listing shows can be opened and is whole, whoever is writing.
pub async fn what_is_half_written_is_never_listed(store: Arc<dyn Storage>) {
    const SIZE: usize = 300_000;
    let over = Arc::new(AtomicBool::new(false));
    let mut expected = HashSet::new();
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let paths: Vec<String> = (0..15).map(|at| format!("w/{writer}-{at}")).collect();
            expected.extend(paths.iter().cloned());
            on_thread(&store, move |store| async move {
                for path in paths {
                    store.store(&path, bytes(vec![7_u8; SIZE]), Some(super::stamp(1, 1))).await.expect("stored");
                }
            })
        })
        .collect();
    let complete = expected.clone();
    let reader = {
        let over = over.clone();
        on_thread(&store, move |store| async move {
            while !over.load(Ordering::Relaxed) {
                for path in list(&*store, "").await {
                    assert!(expected.contains(&path), "`{path}` is no key that anybody stored");
                    let content = read(&*store, &path).await.expect("listed and cannot be opened");
                    assert_eq!(content.len(), SIZE, "`{path}` is half written");
                }
            }
        })
    };
    for writer in writers {
        writer.join().expect("a writer failed");
    }
    over.store(true, Ordering::Relaxed);
    reader.join().expect("the reader failed");
    assert_eq!(list(&*store, "").await.into_iter().collect::<HashSet<_>>(), complete);
}
