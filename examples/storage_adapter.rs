//! A storage adapter of one's own: a store in front of another one that counts what is asked of it. It passes the suite of
//! the storage port (at the end of this file; `tests/all/library.rs` runs it), and a run uses it in place of the store that the graph file names.
//!
//! ```sh
//! cargo run --example storage_adapter
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::ids::{EntityId, StoreName};
use euterpe_actors::storage::{
    Content, Object, ObjectInfo, Page, Stamp, Storage, StorageError, Stored, memory::MemoryStorage,
};
use euterpe_engine::{Access, Engine, ForceNames, IdsFrom, Opening, RunRequest, Unwatched, builtin};
use euterpe_graph_file::{Surroundings, check_text};

/// Counts the calls of a store.
#[derive(Debug)]
struct Counted {
    inner: Arc<dyn Storage>,
    looks: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
    listings: AtomicU64,
}

impl Counted {
    fn over(inner: Arc<dyn Storage>) -> Self {
        let none = || AtomicU64::new(0);
        Self { inner, looks: none(), reads: none(), writes: none(), listings: none() }
    }
}

#[async_trait]
impl Storage for Counted {
    async fn look(&self, path: &str) -> Result<Option<ObjectInfo>, StorageError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.inner.look(path).await
    }

    async fn open(&self, path: &str) -> Result<Object, StorageError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.inner.open(path).await
    }

    async fn store(&self, path: &str, content: Content, stamp: Option<Stamp>) -> Result<Stored, StorageError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.inner.store(path, content, stamp).await
    }

    async fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.inner.remove(path).await
    }

    async fn list(
        &self,
        prefix: &str,
        page: &mut (dyn for<'p> FnMut(&'p Page) -> bool + Send),
    ) -> Result<(), StorageError> {
        self.listings.fetch_add(1, Ordering::Relaxed);
        self.inner.list(prefix, page).await
    }

    fn place(&self) -> String {
        format!("counted {}", self.inner.place())
    }
}

const GRAPH: &str = r#"
version: 1
graph: example
stores: {made: ./made}
jobs:
  tone:     {use: synth.track, with: {seconds: 1, rate: 22050, channels: 1}, out: "made:tone/{id}.flac"}
  loudness: {use: audio.loudness, in: {audio: tone}, out: "made:loudness/{id}.json"}
"#;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let registry = builtin::registry();
    let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
    let plan = check_text(GRAPH, &folder.path().join("graph.yaml"), surroundings)
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let store = Arc::new(Counted::over(Arc::new(MemoryStorage::default())));
    let stores = vec![(StoreName::new("made")?, store.clone() as Arc<dyn Storage>)];
    let session = Engine::open(plan, &registry, &Opening { access: Access::Hold, stores, ..Opening::default() })?;
    actix::System::new().block_on(async {
        let selection = session.selection(None, false, None, &ForceNames::None, false)?;
        let ids = session.ids(&selection, IdsFrom::Named(vec![EntityId::new("t-1")?, EntityId::new("t-2")?]))?;
        let request = RunRequest { selection, ids, limit: None, max_dead: None, over: None };
        let ended = session.run(request, &Unwatched).await?;
        anyhow::ensure!(ended.ended.complete, "the run was stopped");
        anyhow::Ok(())
    })?;
    let number = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let Counted { looks, reads, writes, listings, .. } = &*store;
    println!(
        "2 tracks: {} looks, {} reads, {} writes, {} listings",
        number(looks),
        number(reads),
        number(writes),
        number(listings)
    );
    anyhow::ensure!(number(writes) == 4, "two outputs of two tracks were not written once each");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    euterpe_testkit::storage_suite!((Arc::new(Counted::over(Arc::new(MemoryStorage::default()))), ()));
}
