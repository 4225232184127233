//! How many messages wait in a graph's queues. Asking changes nothing.

use euterpe_actors::ids::JobName;
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;

use super::connection::{Connection, answer};
use super::error::ConnectionError;
use super::names::{Names, WAITS};
use super::settings::ConnectionSettings;

/// Asks how many messages wait, over a connection of its own.
pub struct QueueDepths {
    connection: Connection,
    names: Names,
}

impl QueueDepths {
    /// Connects to the broker of `graph`.
    ///
    /// # Errors
    /// [`ConnectionError`] where the broker cannot be reached or refuses.
    pub async fn open(settings: &ConnectionSettings, graph: &str) -> Result<Self, ConnectionError> {
        Ok(Self { connection: Connection::open(settings, "asking").await?, names: Names::of(graph) })
    }

    /// How many messages of a job wait; `None` where it has no queue.
    ///
    /// # Errors
    /// [`ConnectionError`] where the connection breaks or the broker refuses.
    pub async fn ready(&mut self, job: &JobName) -> Result<Option<u64>, ConnectionError> {
        self.messages(&self.names.queue(job)).await
    }

    /// How many messages the broker itself gave up on and no node has taken yet; `None` where there is no such queue.
    ///
    /// # Errors
    /// [`ConnectionError`] where the connection breaks or the broker refuses.
    pub async fn dead_letters(&mut self) -> Result<Option<u64>, ConnectionError> {
        self.messages(&self.names.dead_letters()).await
    }

    /// How many messages wait in delay queues until their time is over and they go back to the queues of their jobs: for their
    /// next try, or for the work of another node.
    ///
    /// # Errors
    /// [`ConnectionError`] where the connection breaks or the broker refuses.
    pub async fn delayed(&mut self) -> Result<u64, ConnectionError> {
        let mut all = 0;
        for wait in WAITS {
            all += self.messages(&self.names.delay(wait)).await?.unwrap_or(0);
        }
        Ok(all)
    }

    async fn messages(&self, queue: &str) -> Result<Option<u64>, ConnectionError> {
        // A channel of its own: the broker closes it where there is no such queue.
        let channel = self.connection.channel().await?;
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let asked = channel.queue_declare(queue.into(), passive, FieldTable::default());
        match answer("could not ask after a queue", asked).await {
            Ok(found) => {
                answer("could not close a channel", channel.close(200, "asked".into())).await?;
                Ok(Some(found.message_count().into()))
            }
            Err(ConnectionError::Refused { said, .. }) if said.contains("NOT_FOUND") => Ok(None),
            Err(error) => Err(error),
        }
    }
}
