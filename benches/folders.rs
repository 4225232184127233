//! What a folder as a store costs: listing many files, looking at one, storing one, claiming; beside the plain way to do
//! it.
//!
//! `EUTERPE_FILES` says how many files are listed (by default 100,000, in 100 folders).

mod support;

use std::{fs, path::Path, sync::Arc};

use euterpe_actors::claims::{Claimed, Claims, TTL};
use euterpe_actors::ids::{EntityId, JobName, RunId};
use euterpe_actors::message::Target;
use euterpe_actors::storage::{Content, Page, Stamp, Storage};
use euterpe_storage::local::{FolderClaims, LocalSettings, LocalStorage};
use support::{Cost, measure, median};

const ROUNDS: usize = 5;
const LOOKS: usize = 20_000;
const STORES: usize = 2_000;
const CLAIMS: usize = 5_000;

fn main() {
    let files = std::env::var("EUTERPE_FILES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    let place = tempfile::tempdir().expect("a folder");
    for at in 0..files {
        let folder = place.path().join(format!("mel/{:02}", at % 100));
        if at < 100 {
            fs::create_dir_all(&folder).expect("made");
        }
        fs::File::create(folder.join(format!("t-{at:07}.npy"))).expect("made");
    }
    println!("folders: medians of {ROUNDS} rounds, us each: CPU, by the clock");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store =
        LocalStorage::open(place.path(), LocalSettings { fsync: false, ..LocalSettings::default() }).expect("opened");

    let listed = || {
        let mut found = 0;
        let mut count = |page: &Page| {
            found += page.paths().map(|path| usize::from(!path.is_empty())).sum::<usize>();
            true
        };
        runtime.block_on(store.list("mel/", &mut count)).expect("listed");
        assert_eq!(found, files);
    };
    row("list", files, "read_dir and metadata", listed, || assert_eq!(with_metadata(place.path()), files));

    let key = |at: usize| format!("mel/{:02}/t-{at:07}.npy", at % 100);
    let looked = || {
        for at in 0..LOOKS {
            assert!(runtime.block_on(store.look(&key(at))).expect("looked").is_some());
        }
    };
    row("look", LOOKS, "metadata", looked, || {
        for at in 0..LOOKS {
            assert!(fs::metadata(place.path().join(key(at))).expect("there").is_file());
        }
    });
    let missing = || {
        for at in 0..LOOKS {
            assert!(runtime.block_on(store.look(&format!("{}.not", key(at)))).expect("looked").is_none());
        }
    };
    row("look, missing", LOOKS, "metadata", missing, || {
        for at in 0..LOOKS {
            assert!(fs::metadata(place.path().join(format!("{}.not", key(at)))).is_err());
        }
    });

    let job = JobName::new("mel").expect("a name");
    let stamp = Stamp {
        runs: Arc::new([(job.clone(), RunId::new(1, 1))].into()),
        job,
        entity: None,
        hash: String::new(),
        making: None,
    };
    let bytes = bytes::Bytes::from(vec![7; 4096]);
    let stored = || {
        for at in 0..STORES {
            let content = Content::Bytes(bytes.clone());
            runtime.block_on(store.store(&format!("new/{at}"), content, Some(stamp.clone()))).expect("stored");
        }
    };
    fs::create_dir(place.path().join("plain")).expect("made");
    row("store 4 KiB, no fsync", STORES, "write and rename", stored, || {
        for at in 0..STORES {
            let temp = place.path().join(format!("plain/{at}.tmp"));
            fs::write(&temp, &bytes).expect("written");
            fs::rename(&temp, place.path().join(format!("plain/{at}"))).expect("renamed");
        }
    });

    claim(place.path(), &runtime);
}

/// What every work costs more where there are several nodes: a claim is taken and released.
fn claim(state: &Path, runtime: &tokio::runtime::Runtime) {
    let claims = FolderClaims::open(state, "bench", TTL).expect("opened");
    let target = |at: usize| Target {
        job: JobName::new("mel").expect("a name"),
        entity: EntityId::new(&format!("t-{at:07}")).expect("an id"),
    };
    let claimed = || {
        runtime.block_on(async {
            for at in 0..CLAIMS {
                match claims.claim(&target(at), Box::new(|| {})).await.expect("asked") {
                    Claimed::Yours(claim) => claim.release().await,
                    Claimed::Held { by } => panic!("held by {by}"),
                }
            }
        });
    };
    row("claim and release", CLAIMS, "write and remove", claimed, || {
        for at in 0..CLAIMS {
            let file = state.join(format!("plain/claim-{at}"));
            fs::write(&file, "who, what").expect("written");
            fs::remove_file(&file).expect("removed");
        }
    });
}

fn row(what: &str, times: usize, plain: &str, ours: impl Fn(), theirs: impl Fn()) {
    let each = |work: &dyn Fn()| {
        let costs: Vec<Cost> = (0..ROUNDS).map(|_| measure(work)).collect();
        let per = |of: fn(&Cost) -> f64| median(costs.iter().map(of).collect()) / times as f64 * 1e6;
        (per(|cost| cost.cpu), per(|cost| cost.wall))
    };
    let ((cpu, wall), (plain_cpu, plain_wall)) = (each(&ours), each(&theirs));
    let ratio = cpu / plain_cpu;
    println!(
        "{what:<22} {cpu:>8.2} {wall:>8.2}   {plain:<22} {plain_cpu:>8.2} {plain_wall:>8.2}   CPU ratio {ratio:>5.2}"
    );
}

/// The plain way: every entry looked at.
fn with_metadata(folder: &Path) -> usize {
    let mut found = 0;
    for entry in fs::read_dir(folder).expect("read").map(|entry| entry.expect("an entry")) {
        let metadata = entry.metadata().expect("there");
        found += if metadata.is_dir() { with_metadata(&entry.path()) } else { 1 };
    }
    found
}
