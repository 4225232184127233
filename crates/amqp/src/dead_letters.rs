//! Messages that the broker itself gave up on, by its delivery limit, each with the job that it was for.

use euterpe_actors::broker::Delivery;

use super::prefetch::Reader;

/// A consumer of the graph's dead-letter queue.
pub struct DeadLetterConsumer(Reader);

impl DeadLetterConsumer {
    pub(crate) fn new(reader: Reader) -> Self {
        Self(reader)
    }

    /// The next message, with the name of the job that it was for; `None` when the adapter is closed.
    pub async fn next(&mut self) -> Option<(String, Delivery)> {
        self.0.next_with_key().await
    }
}
