//! The feeder of a run that is taken up again: what is open of it, chunk by chunk, all in one fresh wave.

use async_trait::async_trait;
use euterpe_actors::accounting::{TargetStatus, resume_messages};
use euterpe_actors::message::Target;
use euterpe_actors::plan::JobIx;

use super::passed::Passed;
use super::sink::{Feeder, Sink};
use super::statuses::{Batch, Sight, Statuses};

/// Feeds what is open of a run.
pub struct Resumption {
    /// Says what is open.
    pub sight: Sight,
    /// The number of the fresh wave.
    pub wave: u64,
}

#[async_trait(?Send)]
impl Feeder for Resumption {
    async fn feed(&mut self, sink: &Sink<'_>) -> anyhow::Result<Passed> {
        let (manifest, plan) = (&sink.running.manifest, &sink.workspace.nodes);
        let mut statuses = Statuses::open(sink.workspace, &self.sight, manifest).await?;
        while let Some(batch) = sink.running.keep_record(async || statuses.next().await).await? {
            // What stands in a chunk that cannot be read is named as such by the account at the end.
            let Batch::Entities(some) = batch else { continue };
            for (entity, standings) in some {
                let open: Vec<JobIx> = standings
                    .iter()
                    .filter(|(_, standing)| *standing == TargetStatus::Open)
                    .map(|(at, _)| *at)
                    .collect();
                if open.is_empty() {
                    continue;
                }
                // What is there of them, or above them, may be out of date, and good for nothing that hangs below.
                sink.running.presence.forget_made(plan, &open, &entity);
                let target = |at: &JobIx| Target { job: plan.job(*at).name.clone(), entity: entity.clone() };
                let targets: Vec<Target> = open.iter().map(target).collect();
                let messages = resume_messages(plan, manifest, &targets, self.wave, || sink.next_id());
                sink.running.tracker.expect(&open);
                sink.send(&entity, &open, &messages).await?;
            }
        }
        Ok(Passed::default())
    }
}
