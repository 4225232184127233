//! Rests where workers of a job wait for a core: nothing is held ready for them, and each asks for a delivery when it has one.
//!
//! What was held ready goes back as a copy, so that it does not count as delivered before.

use futures::future::FutureExt;
use lapin::Consumer;
use lapin::options::BasicGetOptions;
use tokio::sync::oneshot;

use euterpe_actors::broker::Outgoing;
use euterpe_actors::ids::JobName;

use super::batch::Batch;
use super::channel_consumer::{ChannelConsumer, Returned};
use super::connection::answer;
use super::error::ConnectionError;
use super::prefetch::{Answer, Prefetched};

impl ChannelConsumer<'_> {
    /// Ends the consumer where a worker rests, begins to consume again where none does, and answers those that ask.
    pub(super) async fn rest_or_go_on(
        &mut self,
        consumer: Option<Consumer>,
    ) -> Result<Option<Consumer>, ConnectionError> {
        let consumer = match (consumer, self.buffer.is_at_rest()) {
            (Some(consumer), true) => {
                self.end_consumer(consumer).await?;
                None
            }
            (None, false) => Some(self.start_consumer().await?),
            (same, _) => same,
        };
        while let Some(ask) = self.buffer.next_ask() {
            if ask.is_closed() {
                continue;
            }
            let delivery = match self.buffer.take() {
                Some(ready) => Some(ready),
                None => {
                    let got = self.channel.basic_get(self.buffer.queue.as_str().into(), BasicGetOptions::default());
                    let got = answer("could not ask for a message", got).await?;
                    got.map(|got| self.take_in(got.delivery))
                }
            };
            // Where nobody waits for the answer any more, it is dropped, and ready for others.
            drop(ask.send(delivery.map(|delivery| Answer::of(delivery, self.buffer))));
        }
        if consumer.is_none() {
            self.return_unread().await?;
        }
        Ok(consumer)
    }

    /// Sends back what no worker took.
    async fn return_unread(&mut self) -> Result<(), ConnectionError> {
        let (mut messages, mut tags) = (Vec::new(), Vec::new());
        for unread in self.buffer.take_back() {
            let tag = unread.tag;
            match copy_of(unread) {
                Some(copy) => {
                    messages.push(copy);
                    tags.push(tag);
                }
                None => self.give_back(tag).await?,
            }
        }
        if messages.is_empty() {
            return Ok(());
        }
        let (done, confirmed) = oneshot::channel();
        if self.outbox.send(Batch { messages, done }).is_err() {
            return self.returned(Returned { tags, confirmed: false }).await;
        }
        let returning = async move { Returned { tags, confirmed: matches!(confirmed.await, Ok(Ok(()))) } };
        self.returning.push(returning.boxed());
        Ok(())
    }

    /// Copies were confirmed, or never will be: then the deliveries themselves go back.
    pub(super) async fn returned(&mut self, Returned { tags, confirmed }: Returned) -> Result<(), ConnectionError> {
        for tag in tags {
            match confirmed {
                true => self.acks.settle(tag),
                false => self.give_back(tag).await?,
            }
        }
        Ok(())
    }
}

/// A copy to publish; none for a message of no possible job. What was delivered before may have ended a process, and keeps
/// that mark.
fn copy_of(unread: Prefetched) -> Option<Outgoing> {
    let Prefetched { key, body, format, parks, redelivered, trace, .. } = unread;
    let job = JobName::new(&key).ok()?;
    Some(Outgoing { format, parks, suspect: redelivered, trace, ..Outgoing::now(job, body) })
}

#[cfg(test)]
mod tests {
    use euterpe_actors::broker::BodyFormat;
    use euterpe_actors::trace::TraceContext;

    use super::*;
    use crate::epoch::ChannelEpoch;

    #[test]
    fn a_copy_is_the_same_message_with_the_mark_that_it_was_delivered_before() {
        let unread = |redelivered| {
            let (epoch, _) = ChannelEpoch::new();
            let (key, body) = ("mel".into(), bytes::Bytes::from_static(b"t-1"));
            let (format, trace) = (BodyFormat::Envelope, Some(TraceContext { trace: 7, span: 9, sampled: true }));
            copy_of(Prefetched { key, body, format, parks: 3, redelivered, trace, tag: 7, epoch })
        };
        let copy = unread(false).expect("a copy");
        assert_eq!((copy.job.as_str(), &*copy.body, copy.parks), ("mel", &b"t-1"[..], 3));
        assert_eq!(copy.trace.map(|trace| trace.span), Some(9), "the span that caused it is forgotten");
        assert!(copy.delay.is_zero() && !copy.suspect);
        assert!(unread(true).expect("a copy").suspect, "the mark that it was delivered before is lost");
    }
}
