//! How many messages wait in a graph's queues, asked without changing anything.

use euterpe_actors::ids::JobName;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::link::{Link, LinkError, answer};
use super::names::Names;
use super::settings::Dial;

/// Asks after queues.
pub struct Depths {
    link: Link,
    names: Names,
}

impl Depths {
    /// Connects.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn open(dial: &Dial, graph: &str) -> Result<Self, LinkError> {
        Ok(Self { link: Link::open(dial, "asking").await?, names: Names::of(graph) })
    }

    /// How many messages of a job wait; none where it has no queue.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn ready(&mut self, job: &JobName) -> Result<Option<u64>, LinkError> {
        self.messages(&self.names.queue(job)).await
    }

    /// How many messages the broker gave up on and no node has taken yet; none where there is no such queue.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn blown(&mut self) -> Result<Option<u64>, LinkError> {
        self.messages(&self.names.fuse()).await
    }

    async fn messages(&self, queue: &str) -> Result<Option<u64>, LinkError> {
        // A channel of its own: the broker closes it where there is no such queue.
        let channel = self.link.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let asked = channel.queue_declare(queue.into(), passive, FieldTable::default());
        match answer("could not ask after a queue", asked).await {
            Ok(found) => {
                answer("could not close a channel", channel.close(200, "asked".into())).await?;
                Ok(Some(found.message_count().into()))
            }
            Err(LinkError::Refused { said, .. }) if said.contains("NOT_FOUND") => Ok(None),
            Err(error) => Err(error),
        }
    }
}
