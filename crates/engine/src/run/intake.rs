//! The feeder of a new run: names are read ahead into the manifest, so that the whole is known early, and sent from there.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::accounting::first_messages;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::ids::EntityId;
use euterpe_actors::points::reach;
use euterpe_actors::state::{IdSum, chunk_key};
use tokio::sync::Notify;

use super::addressing::{Address, Addressed, Addresses};
use super::doubtful::look_at_doubtful;
use super::dropped_names::DroppedNames;
use super::found::{BadName, Found};
use super::ids::Ids;
use super::limit::Limit;
use super::passed::Passed;
use super::running::Running;
use super::sink::{Feeder, Sink};
use super::stream::Next;
use super::survey::is_finished;
use super::walk::WalkedIds;

/// Feeds the entities of a new run.
pub struct Intake {
    /// Where they come from.
    pub ids: Ids,
    /// At most so many of which something is left to do.
    pub limit: Option<u64>,
}

/// Chunks that were read and are not sent yet. Beyond a few they wait in the manifest and not in memory.
#[derive(Default)]
struct Ahead {
    chunks: RefCell<VecDeque<Chunk>>,
    /// The ids that were written.
    written: Cell<IdSum>,
    over: Cell<bool>,
    arrived: Notify,
}

enum Chunk {
    Here(Vec<Addressed>),
    /// The number of the chunk in the manifest, and which of its entities are meant, a bit for each.
    InManifest(u64, Vec<u64>),
}

/// How many chunks wait in memory: one is enough for a feeder that takes much longer over a chunk than the reader.
const IN_MEMORY: usize = 1;

#[async_trait(?Send)]
impl Feeder for Intake {
    fn feeds_all(&self) -> bool {
        true
    }

    async fn feed(&mut self, sink: &Sink<'_>) -> anyhow::Result<Passed> {
        let ids = std::mem::replace(&mut self.ids, Ids::These(Vec::new()));
        let mut dropped = DroppedNames::in_sources(ids.sources());
        let stream = ids.walked(sink.running.walk.clone());
        let ahead = Ahead::default();
        let addresses = Addresses::default();
        let reading = async {
            let passed = self.read(sink, &addresses, stream, &mut dropped, &ahead).await;
            if passed.is_ok() {
                let (run, entities) = (sink.running.manifest.run, sink.running.tracker.tally().entities);
                let state = &sink.workspace.state;
                let ids = ahead.written.get();
                sink.running.keep_record(async || state.close_entities(run, entities, ids).await).await?;
            }
            ahead.over.set(true);
            ahead.arrived.notify_one();
            passed
        };
        let (passed, ()) = futures::future::try_join(reading, send(sink, &addresses, &ahead)).await?;
        Ok(passed)
    }
}

impl Intake {
    async fn read(
        &self,
        sink: &Sink<'_>,
        addresses: &Addresses,
        mut stream: WalkedIds,
        dropped: &mut DroppedNames,
        ahead: &Ahead,
    ) -> anyhow::Result<Passed> {
        let mut limit = Limit::of(self.limit, sink.workspace, sink.running).await?;
        let mut number = 0;
        while !limit.is_reached() {
            // Read where waiting is allowed; short, so that a run that is stopped need not wait for it.
            let read = move || (stream.next(Duration::from_millis(100)), stream);
            let (next, back) = on_blocking_thread(read).await.context("no thread for the reader of ids")?;
            stream = back;
            let batch = match next {
                Next::Batch(batch) => batch,
                Next::Later => continue,
                Next::End(passed) => {
                    dropped.end_those_gone(sink).await?;
                    return Ok(dropped.counted(passed));
                }
                Next::Failed(error) => return Err(error),
            };
            let mut glances = look_at_doubtful(sink, addresses, &batch).await?.into_iter();
            let mut ids = Vec::with_capacity(batch.len());
            let mut unfinished = Unfinished::default();
            for found in batch {
                let seen = glances.next().unwrap_or_default();
                if limit.is_reached() {
                    break;
                }
                let found = match found {
                    Found::Addressed(found) => Ok(found),
                    Found::Id(entity, written) => addressed(sink, addresses, entity, written),
                    Found::File(entity, _) => addressed(sink, addresses, entity, None),
                    Found::Name(entity, written) => {
                        let state = &sink.workspace.state;
                        sink.running.keep_record(async || state.keep_name(&entity, &written).await).await?;
                        continue;
                    }
                    Found::Bad(bad) => Err(bad),
                    Found::Passed(..) => continue, // counted by the reader
                };
                let found = match found {
                    Ok(found) => found,
                    Err(bad) => {
                        if !dropped.has(sink, &bad.name).await? {
                            sink.bury(&sink.first_job(), bad).await?;
                        }
                        continue;
                    }
                };
                if let Some(written) = &found.written {
                    let state = &sink.workspace.state;
                    sink.running.keep_record(async || state.keep_name(&found.entity, written).await).await?;
                }
                if seen.is_finished || finished(sink, &found) {
                    sink.running.tracker.exists(&found.to.required);
                } else {
                    sink.running.tracker.expect(&found.to.required);
                    for (at, why) in &seen.out_of_date {
                        sink.running.out_of_date.borrow_mut().add(*at, &found.entity, why);
                    }
                    unfinished.add(ids.len(), &found);
                    limit.count(&found.entity).await;
                }
                ids.push(found.entity);
            }
            if !ids.is_empty() {
                reach("before_chunk");
                let (state, run) = (&sink.workspace.state, sink.running.manifest.run);
                sink.running.keep_record(async || state.add_entities(run, number, &ids).await).await?;
                let mut written = ahead.written.get();
                ids.iter().for_each(|id| written.add(id));
                ahead.written.set(written);
                reach("after_chunk");
            }
            ahead.put(number, unfinished);
            number += 1;
        }
        Ok(dropped.counted(Passed::default()))
    }
}

/// The entities of a chunk that are to be sent, twice: themselves, and their places in the chunk.
#[derive(Default)]
struct Unfinished {
    entities: Vec<Addressed>,
    places: Vec<u64>,
}

impl Unfinished {
    fn add(&mut self, place: usize, entity: &Addressed) {
        self.places.resize(self.places.len().max(place / 64 + 1), 0);
        self.places[place / 64] |= 1 << (place % 64);
        self.entities.push(entity.clone());
    }
}

impl Ahead {
    fn put(&self, number: u64, unfinished: Unfinished) {
        if unfinished.entities.is_empty() {
            return;
        }
        let mut chunks = self.chunks.borrow_mut();
        let in_memory = chunks.iter().filter(|chunk| matches!(chunk, Chunk::Here(_))).count();
        chunks.push_back(match in_memory < IN_MEMORY {
            true => Chunk::Here(unfinished.entities),
            false => Chunk::InManifest(number, unfinished.places),
        });
        drop(chunks);
        self.arrived.notify_one();
    }

    async fn next(&self) -> Option<Chunk> {
        loop {
            if let Some(chunk) = self.chunks.borrow_mut().pop_front() {
                return Some(chunk);
            }
            if self.over.get() {
                return None;
            }
            self.arrived.notified().await;
        }
    }
}

async fn send(sink: &Sink<'_>, addresses: &Addresses, ahead: &Ahead) -> anyhow::Result<()> {
    let (plan, manifest) = (&sink.workspace.nodes, &sink.running.manifest);
    while let Some(chunk) = ahead.next().await {
        let entities = match chunk {
            Chunk::Here(entities) => entities,
            Chunk::InManifest(number, places) => {
                let key = chunk_key(manifest.run, number);
                let all = sink.running.keep_record(async || sink.workspace.state.chunk(&key).await).await?;
                let meant = |at: usize| places.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1);
                let meant = all.into_iter().enumerate().filter(|(at, _)| meant(*at)).map(|(_, entity)| entity);
                let addressed = |entity: EntityId| {
                    let to = address(sink, addresses, &entity).map_err(anyhow::Error::msg)?;
                    anyhow::Ok(Addressed { entity, to, written: None })
                };
                meant.map(addressed).collect::<Result<_, _>>()?
            }
        };
        for Addressed { entity, to, .. } in &entities {
            let messages = first_messages(plan, manifest, &to.origins, entity, || sink.next_id());
            sink.send(entity, &to.required, &messages).await?;
        }
        sink.flush().await?;
    }
    Ok(())
}

fn addressed(
    sink: &Sink<'_>,
    addresses: &Addresses,
    entity: EntityId,
    written: Option<String>,
) -> Result<Addressed, BadName> {
    match address(sink, addresses, &entity) {
        Ok(to) => Ok(Addressed { entity, to, written }),
        Err(why) => Err(BadName::new(entity.as_str(), why)),
    }
}

fn address(sink: &Sink<'_>, addresses: &Addresses, entity: &EntityId) -> Result<Arc<Address>, String> {
    addresses.of(&sink.workspace.nodes, &sink.running.manifest.selection, entity)
}

fn finished(sink: &Sink<'_>, Addressed { entity, to, .. }: &Addressed) -> bool {
    let Running { manifest, presence, .. } = sink.running;
    let selection = &manifest.selection;
    !selection.ping
        && is_finished(&sink.workspace.nodes, presence, &to.required, entity, &selection.force, manifest.run)
}
