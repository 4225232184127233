//! The feeder of a new run: names are read ahead into the manifest, so that the whole is known early, and sent from there.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::accounting::{first_messages, origins, required};
use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::JobIx;
use euterpe_actors::points::reach;
use euterpe_actors::state::chunk_key;
use tokio::sync::Notify;

use super::feed::{Feeder, Line, why_not};
use super::ids::{Found, Ids, Next, Passed, Stream};
use super::survey::is_finished;

/// Feeds the entities of a new run.
pub struct Intake {
    /// Where they come from.
    pub ids: Ids,
    /// At most so many that are not finished yet.
    pub limit: Option<u64>,
    /// The time, for dead letters.
    pub clock: fn() -> u64,
}

/// Chunks that were read and are not sent yet. Beyond a few they wait in the manifest and not in memory.
#[derive(Default)]
struct Ahead {
    chunks: RefCell<VecDeque<Chunk>>,
    over: Cell<bool>,
    arrived: Notify,
}

enum Chunk {
    Here(Vec<EntityId>),
    /// The number of the chunk in the manifest, and which of its entities are meant, a bit for each.
    InManifest(u64, Vec<u64>),
}

/// How many chunks wait in memory: one is enough for a feeder that takes much longer over a chunk than the reader.
const IN_MEMORY: usize = 1;

#[async_trait(?Send)]
impl Feeder for Intake {
    async fn feed(&mut self, line: &Line) -> anyhow::Result<Passed> {
        let stream = std::mem::replace(&mut self.ids, Ids::These(Vec::new())).stream();
        let ahead = Ahead::default();
        let wanted = Wanted::default();
        let reading = async {
            let passed = self.read(line, &wanted, stream, &ahead).await;
            if passed.is_ok() {
                line.state.close_entities(line.manifest.run, line.tracker.tally().entities).await?;
            }
            ahead.over.set(true);
            ahead.arrived.notify_one();
            passed
        };
        let (passed, ()) = futures::future::try_join(reading, send(line, &wanted, &ahead)).await?;
        Ok(passed)
    }
}

impl Intake {
    async fn read(&self, line: &Line, wanted: &Wanted, mut stream: Stream, ahead: &Ahead) -> anyhow::Result<Passed> {
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut number = 0;
        while left > 0 {
            // Read where waiting is allowed; short, so that a run that is stopped need not wait for it.
            let read = move || (stream.next(Duration::from_millis(100)), stream);
            let (next, back) = tokio::task::spawn_blocking(read).await.context("the reader of ids is gone")?;
            stream = back;
            let batch = match next {
                Next::Batch(batch) => batch,
                Next::Later => continue,
                Next::End(passed) => return Ok(passed),
                Next::Failed(error) => return Err(error),
            };
            let mut ids = Vec::with_capacity(batch.len());
            let mut unfinished = Unfinished::default();
            for found in batch {
                if left == 0 {
                    break;
                }
                let entity = match found {
                    Found::Id(entity) => entity,
                    Found::Bad(name, why) => {
                        line.bury(&line.first_job(), &name, why, (self.clock)()).await?;
                        continue;
                    }
                };
                let jobs = match wanted.of(line, &entity) {
                    Ok(jobs) => jobs,
                    Err(why) => {
                        line.bury(&line.first_job(), entity.as_str(), why, (self.clock)()).await?;
                        continue;
                    }
                };
                if finished(line, &jobs, &entity) {
                    line.tracker.exists(&jobs);
                } else {
                    line.tracker.expect(&jobs);
                    unfinished.add(ids.len(), &entity);
                    left -= 1;
                }
                ids.push(entity);
            }
            if !ids.is_empty() {
                reach("before_chunk");
                line.state.add_entities(line.manifest.run, number, &ids).await?;
                reach("after_chunk");
            }
            ahead.put(number, unfinished);
            number += 1;
        }
        Ok(Passed::default())
    }
}

/// The entities of a chunk that are to be sent, twice: themselves, and their places in the chunk.
#[derive(Default)]
struct Unfinished {
    entities: Vec<EntityId>,
    places: Vec<u64>,
}

impl Unfinished {
    fn add(&mut self, place: usize, entity: &EntityId) {
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

async fn send(line: &Line, wanted: &Wanted, ahead: &Ahead) -> anyhow::Result<()> {
    while let Some(chunk) = ahead.next().await {
        let entities = match chunk {
            Chunk::Here(entities) => entities,
            Chunk::InManifest(number, places) => {
                let all = line.state.chunk(&chunk_key(line.manifest.run, number)).await?;
                let meant = |at: usize| places.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1);
                all.into_iter().enumerate().filter(|(at, _)| meant(*at)).map(|(_, entity)| entity).collect()
            }
        };
        for entity in &entities {
            let jobs = wanted.of(line, entity).map_err(anyhow::Error::msg)?;
            let messages = first_messages(&line.plan, &line.manifest, entity, || line.next_id());
            line.send(entity, &jobs, &messages).await?;
        }
        line.flush().await?;
    }
    Ok(())
}

fn finished(line: &Line, jobs: &[JobIx], entity: &EntityId) -> bool {
    let selection = &line.manifest.selection;
    !selection.ping && is_finished(&line.plan, &line.presence, jobs, entity, &selection.force, line.manifest.run)
}

/// The required jobs of entities by the jobs that they start at: computed once for each kind of entity.
#[derive(Default)]
struct Wanted(RefCell<HashMap<Vec<JobIx>, Arc<[JobIx]>>>);

impl Wanted {
    fn of(&self, line: &Line, entity: &EntityId) -> Result<Arc<[JobIx]>, String> {
        let (plan, selection) = (&line.plan, &line.manifest.selection);
        let origins = origins(plan, selection, entity);
        if let Some(why) = why_not(plan, &origins, entity) {
            return Err(why);
        }
        let mut known = self.0.borrow_mut();
        Ok(known.entry(origins).or_insert_with(|| required(plan, selection, entity).into()).clone())
    }
}
