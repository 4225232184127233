//! Cases about stamps: kept with the object, and never lowered.

use std::sync::Arc;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{bytes, job, on_thread, read, run, stamp};
use euterpe_actors::storage::{InputPrints, Making, Stamp, Storage, Stored};

async fn placed(store: &dyn Storage, path: &str) -> Option<Stamp> {
    store.look(path).await.expect("looked").expect("it is there").stamp
}

/// The store fills in the hash of what it wrote, whatever the caller says.
pub async fn a_stamp_is_kept_and_its_hash_filled_in(store: Arc<dyn Storage>) {
    let lying = Stamp { hash: "0".repeat(64), ..stamp(5, 3) };
    store.store("mel/t-1.npy", bytes("content"), Some(lying)).await.expect("stored");
    let kept = placed(&*store, "mel/t-1.npy").await.expect("a stamp");
    assert_eq!(kept, Stamp { hash: blake3::hash(b"content").to_hex().to_string(), ..stamp(5, 3) });
    assert_eq!(store.open("mel/t-1.npy").await.expect("opened").info.stamp, Some(kept));
}

/// No stamp is kept where none was given, and one that was there goes with the object that it described.
pub async fn an_object_without_a_stamp_is_foreign(store: Arc<dyn Storage>) {
    store.store("a", bytes("foreign"), None).await.expect("stored");
    assert_eq!(placed(&*store, "a").await, None);
    store.store("a", bytes("ours"), Some(stamp(1, 1))).await.expect("stored");
    assert!(placed(&*store, "a").await.is_some());
    store.store("a", bytes("foreign again"), None).await.expect("stored");
    assert_eq!(placed(&*store, "a").await, None);
    store.store("a", bytes("ours"), Some(stamp(1, 1))).await.expect("stored");
    store.remove("a").await.expect("removed");
    store.store("a", bytes("ours"), None).await.expect("stored");
    assert_eq!(placed(&*store, "a").await, None);
}

/// A long graph makes a long stamp.
pub async fn a_stamp_of_a_hundred_ancestors_is_kept(store: Arc<dyn Storage>) {
    let ancestor = |at: u64| (job(&format!("a-job-with-a-rather-long-name-{at}")), run(at));
    let mut long = stamp(5, 3);
    Arc::make_mut(&mut long.runs).extend((0..100).map(ancestor));
    for content in ["first", "second"] {
        store.store("a", bytes(content), Some(long.clone())).await.expect("stored");
        let kept = placed(&*store, "a").await.expect("a stamp");
        assert_eq!(kept, Stamp { hash: blake3::hash(content.as_bytes()).to_hex().to_string(), ..long.clone() });
    }
    let older = store.store("a", bytes("older"), Some(stamp(4, 3))).await.expect("answered");
    assert_eq!(older, Stored::NewerInPlace);
    store.store("a", bytes("newer"), Some(stamp(6, 3))).await.expect("stored");
    assert_eq!(placed(&*store, "a").await.expect("a stamp").runs, stamp(6, 3).runs);
}

/// One by one, or together where there is no room.
pub async fn what_an_object_was_made_from_is_kept_however_long_its_stamp_is(store: Arc<dyn Storage>) {
    let ancestor = |at: u64| (job(&format!("a-job-with-a-rather-long-name-{at}")), run(at));
    for (ancestors, inputs) in [(0, 1), (0, 40), (100, 1), (100, 40)] {
        let input = |at: usize| (format!("input{at}").parse().expect("a name"), format!("冬 {at}.wav 5 17"));
        let prints: InputPrints = (0..inputs).map(input).collect();
        let making = Arc::new(Making::new("recipe".into(), prints.clone()));
        let mut whole = Stamp { making: Some(making), ..stamp(5, 3) };
        Arc::make_mut(&mut whole.runs).extend((0..ancestors).map(ancestor));
        store.store("a", bytes("content"), Some(whole.clone())).await.expect("stored");
        let kept = placed(&*store, "a").await.expect("a stamp");
        let making = kept.making.as_ref().unwrap_or_else(|| panic!("lost with {ancestors} and {inputs}"));
        assert_eq!((&kept.runs, making.recipe.as_str()), (&whole.runs, "recipe"), "{ancestors} and {inputs}");
        assert!(making.is_of(&prints) && !making.is_of(&InputPrints::new()), "{ancestors} and {inputs}: {making:?}");
    }
    store.store("a", bytes("newer"), Some(stamp(6, 3))).await.expect("stored");
    assert_eq!(placed(&*store, "a").await.expect("a stamp").making, None);
}

/// The later write loses where its run is the earlier one.
pub async fn an_older_run_never_replaces_a_newer_one(store: Arc<dyn Storage>) {
    assert_eq!(store.store("a", bytes("new"), Some(stamp(5, 1))).await.expect("stored"), Stored::Kept);
    assert_eq!(store.store("a", bytes("old"), Some(stamp(4, 1))).await.expect("answered"), Stored::NewerInPlace);
    assert_eq!(read(&*store, "a").await.expect("read"), "new");
    assert_eq!(placed(&*store, "a").await.expect("a stamp").run(), Some(run(5)));
    assert_eq!(store.store("a", bytes("again"), Some(stamp(5, 1))).await.expect("stored"), Stored::Kept);
    assert_eq!(store.store("a", bytes("newer"), Some(stamp(6, 1))).await.expect("stored"), Stored::Kept);
    assert_eq!(read(&*store, "a").await.expect("read"), "newer");
}

/// The one made from newer ancestors stays, whether the other is of the same run or of a later one.
pub async fn an_older_ancestor_never_replaces_a_newer_one(store: Arc<dyn Storage>) {
    assert_eq!(store.store("a", bytes("new"), Some(stamp(5, 3))).await.expect("stored"), Stored::Kept);
    assert_eq!(store.store("a", bytes("old"), Some(stamp(5, 2))).await.expect("answered"), Stored::NewerInPlace);
    assert_eq!(store.store("a", bytes("slow"), Some(stamp(6, 2))).await.expect("answered"), Stored::NewerInPlace);
    assert_eq!(read(&*store, "a").await.expect("read"), "new");
    assert_eq!(store.store("a", bytes("newer"), Some(stamp(5, 4))).await.expect("stored"), Stored::Kept);
    assert_eq!(read(&*store, "a").await.expect("read"), "newer");
}

/// Who saw the object in place and makes it anew of older inputs may replace it, and nothing that came meanwhile.
pub async fn what_was_seen_may_be_replaced_and_nothing_else(store: Arc<dyn Storage>) {
    let seen = stamp(5, 3);
    store.store("a", bytes("seen"), Some(seen.clone())).await.expect("stored");
    let mine = stamp(5, 2).replacing(&placed(&*store, "a").await.expect("a stamp"));
    store.store("a", bytes("meanwhile"), Some(stamp(5, 4))).await.expect("stored");
    assert_eq!(store.store("a", bytes("mine"), Some(mine)).await.expect("answered"), Stored::NewerInPlace);
    let mine = stamp(5, 2).replacing(&placed(&*store, "a").await.expect("a stamp"));
    assert_eq!(store.store("a", bytes("mine"), Some(mine)).await.expect("answered"), Stored::Kept);
    assert_eq!(read(&*store, "a").await.expect("read"), "mine");
    assert_eq!(placed(&*store, "a").await.expect("a stamp").runs, stamp(5, 2).runs);
}

/// Looking at the stamp in place and replacing the object is one step.
pub async fn of_many_writers_at_once_the_greatest_run_stays(store: Arc<dyn Storage>) {
    const WRITERS: u64 = 8;
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..10 {
        let path = format!("round/{round}");
        let mut greatest = 0;
        let start = Arc::new(std::sync::Barrier::new(WRITERS as usize));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let runs: Vec<u64> = (0..6).map(|_| random.random_range(1..1_000_000)).collect();
                greatest = greatest.max(*runs.iter().max().expect("six of them"));
                let (path, start) = (path.clone(), start.clone());
                on_thread(&store, move |store| async move {
                    start.wait();
                    let mut last = 0;
                    for millis in runs {
                        store
                            .store(&path, bytes(format!("by {millis}")), Some(stamp(millis, 0)))
                            .await
                            .expect("stored");
                        last = last.max(millis);
                        let now = placed(&*store, &path).await.and_then(|s| s.run()).expect("a stamp");
                        assert!(now >= run(last), "the stamp went back");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("a writer failed");
        }
        assert_eq!(placed(&*store, &path).await.and_then(|s| s.run()), Some(run(greatest)), "round {round}");
        assert_eq!(read(&*store, &path).await.expect("read"), format!("by {greatest}"), "round {round}");
    }
}
