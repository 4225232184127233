//! What the copies on this machine cost and spare: objects written and then read, with a cache and without.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use euterpe_actors::ids::{JobName, RunId};
use euterpe_actors::storage::{Content, Stamp, Storage};
use euterpe_storage::s3::{Cache, Tuning};
use futures::stream::{self, StreamExt};

use super::server::{Server, store_in};
use super::support::{Cost, median};
use super::timed;

const AT_ONCE: usize = 8;
const ROUNDS: usize = 5;
/// How many objects of how many bytes.
const OBJECTS: [(usize, usize); 4] = [(1000, 1_000), (1000, 30_000), (500, 300_000), (32, 8_000_000)];

pub async fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    println!(
        "kept: objects written and then read, {AT_ONCE} at once, with a cache beside without, medians of {ROUNDS} rounds"
    );
    for (objects, size) in OBJECTS {
        let server = Server::memory();
        let content = Bytes::from(vec![7; size]);
        let job = JobName::new("make").expect("a name");
        let runs = Arc::new(BTreeMap::from([(job.clone(), RunId::new(1, 0))]));
        let stamp = Stamp { job, entity: None, runs, hash: String::new(), making: None };
        let mut figures: [Vec<(Cost, Cost)>; 2] = Default::default();
        for round in 0..ROUNDS {
            for (has_cache, figures) in figures.iter_mut().enumerate() {
                let cache = (has_cache == 1).then(|| Cache::of(2 << 30));
                let prefix = format!("{round}-{has_cache}");
                let store = store_in(folder.path(), cache.clone(), &server.endpoint(), &prefix, Tuning::default());
                store.set_findings(store.probe(1).await.expect("probed"));
                let write = async |n: usize| {
                    store
                        .store(&format!("{n}"), Content::Bytes(content.clone()), Some(stamp.clone()))
                        .await
                        .expect("stored");
                };
                let read = async |n: usize| {
                    let object = store.open(&format!("{n}")).await.expect("opened");
                    assert_eq!(object.content.read().expect("read").len(), size);
                };
                let written = timed(async || each(objects, write).await).await;
                let read = timed(async || each(objects, read).await).await;
                assert_eq!(cache.map_or(0, |cache| cache.spared()), (has_cache * objects * size) as u64);
                figures.push((written, read));
            }
        }
        let of = |figures: &[(Cost, Cost)], cost: fn(&(Cost, Cost)) -> f64| median(figures.iter().map(cost).collect());
        let [without, with] = &figures;
        let ratio = |cost: fn(&(Cost, Cost)) -> f64| of(with, cost) / of(without, cost);
        println!(
            "{size:>9} bytes: writing {:.2} of the time, {:.2} of the CPU; reading {:.2}, {:.2}; both {:.2}, {:.2} ({:.0} us of CPU without)",
            ratio(|cost| cost.0.wall),
            ratio(|cost| cost.0.cpu),
            ratio(|cost| cost.1.wall),
            ratio(|cost| cost.1.cpu),
            ratio(|cost| cost.0.wall + cost.1.wall),
            ratio(|cost| cost.0.cpu + cost.1.cpu),
            of(without, |cost| cost.0.cpu + cost.1.cpu) * 1e6 / objects as f64,
        );
    }
}

async fn each(objects: usize, work: impl AsyncFn(usize)) {
    stream::iter(0..objects).for_each_concurrent(AT_ONCE, async |n| work(n).await).await;
}
