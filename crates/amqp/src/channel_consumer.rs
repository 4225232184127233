//! Consumes one queue over one channel: deliveries into the buffer, settlements to the broker.

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::acks::Acks;
use super::batch::Batch;
use super::connection::{ANSWER, answer};
use super::epoch::{ChannelEpoch, Settle};
use super::error::ConnectionError;
use super::message::{is_suspect, read, trace};
use super::notifier::{Notice, Notifier};
use super::prefetch::{PrefetchBuffer, Prefetched};
use super::state::Phase;

/// How long a consumer may be silent before the broker is asked whether there was something to deliver.
pub(super) const SILENCE: Duration = Duration::from_secs(3);
/// What part of the prefetch may be settled before the acknowledgements are sent: the broker then delivers more while the
/// rest is being worked on.
const TOGETHER: u16 = 4;
/// How long an acknowledgement waits for more, so that many are sent together.
const LINGER: Duration = Duration::from_millis(2);

/// One channel that consumes one queue.
pub(super) struct ChannelConsumer<'c> {
    pub buffer: &'c Arc<PrefetchBuffer>,
    pub channel: &'c Channel,
    pub epoch: Arc<ChannelEpoch>,
    pub acks: Acks,
    pub notifier: &'c Notifier,
    /// Set when something was delivered.
    pub delivered: &'c Cell<bool>,
    pub outbox: &'c mpsc::UnboundedSender<Batch>,
    /// How many consumers this channel has had.
    pub consumers: u32,
    /// Deliveries whose copies are on the way back to the queue.
    pub returning: FuturesUnordered<Returning>,
}

/// Copies on their way to the queue.
pub(super) type Returning = BoxFuture<'static, Returned>;

/// The tags of deliveries, and whether the broker confirmed their copies.
pub(super) struct Returned {
    pub tags: Vec<u64>,
    pub confirmed: bool,
}

impl ChannelConsumer<'_> {
    /// Moves deliveries to the buffer and settlements to the broker, until everything is to end or the channel breaks.
    pub async fn run(
        mut self,
        mut settles: mpsc::UnboundedReceiver<Settle>,
        mut phase: watch::Receiver<Phase>,
    ) -> Result<(), ConnectionError> {
        // None while workers rest.
        let mut consumer = match self.buffer.is_at_rest() {
            true => None,
            false => Some(self.start_consumer().await?),
        };
        let mut last_sign = Instant::now();
        let mut silences = 0;
        let mut taking = true;
        let silence = tokio::time::sleep_until(last_sign + SILENCE);
        let sending = tokio::time::sleep_until(last_sign);
        tokio::pin!(silence, sending);
        loop {
            let now = *phase.borrow_and_update();
            if taking && now > Phase::Open {
                taking = false;
                self.stop_taking(consumer.take()).await?;
            }
            if now == Phase::Closed {
                // A worker that still has a delivery was told to stop: the delivery goes back with the channel.
                while let Ok(settle) = settles.try_recv() {
                    self.settle(settle, &mut settles).await?;
                }
                return self.send_acks().await;
            }
            tokio::select! {
                biased;
                Some(settle) = settles.recv() => {
                    if self.acks.unsent() == 0 {
                        sending.as_mut().reset(Instant::now() + LINGER);
                    }
                    self.settle(settle, &mut settles).await?;
                    if self.acks.unsent() >= usize::from(self.buffer.prefetch / TOGETHER) {
                        self.send_acks().await?;
                    }
                }
                delivery = next_of(&mut consumer), if taking && consumer.is_some() => {
                    let mut next = Some(delivery);
                    while let Some(delivery) = next {
                        match delivery {
                            Some(Ok(delivery)) => self.arrived(delivery),
                            Some(Err(error)) => return Err(ConnectionError::refused("deliveries ended", &error)),
                            None => return Err(ConnectionError::Broken("the broker ended the consumer; its queue was removed?".into())),
                        }
                        next = next_of(&mut consumer).now_or_never(); // the broker sends deliveries in bursts
                    }
                    last_sign = Instant::now();
                    silences = 0;
                }
                () = &mut sending, if self.acks.unsent() > 0 => self.send_acks().await?,
                _ = phase.changed() => {}
                () = self.buffer.changed.notified(), if taking => {
                    consumer = self.rest_or_go_on(consumer).await?;
                    last_sign = Instant::now();
                }
                Some(returned) = self.returning.next(), if !self.returning.is_empty() => {
                    if self.acks.unsent() == 0 {
                        sending.as_mut().reset(Instant::now() + LINGER);
                    }
                    self.returned(returned).await?;
                }
                () = &mut silence, if taking && consumer.is_some() => {
                    if last_sign.elapsed() >= SILENCE {
                        last_sign = Instant::now();
                        silences = self.ask_after_queue(silences).await?;
                    }
                    silence.as_mut().reset(last_sign + SILENCE);
                }
            }
        }
    }

    fn arrived(&mut self, delivery: Delivery) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let published = delivery.properties.timestamp().unwrap_or(now);
        let prefetched = self.take_in(delivery);
        if self.buffer.push(prefetched, now.saturating_sub(published)) {
            self.notifier.notify(Notice::Arrived(self.buffer.clone()));
        }
    }

    /// Takes note of a delivery, which is to be settled from now on.
    pub(super) fn take_in(&mut self, delivery: Delivery) -> Prefetched {
        let (format, parks) = read(&delivery.properties);
        self.acks.delivered(delivery.delivery_tag);
        self.delivered.set(true);
        Prefetched {
            key: delivery.routing_key.to_string(),
            body: Bytes::from(delivery.data),
            format,
            parks,
            redelivered: delivery.redelivered || is_suspect(&delivery.properties),
            trace: trace(&delivery.properties),
            tag: delivery.delivery_tag,
            epoch: self.epoch.clone(),
        }
    }

    /// Takes note of a settlement, and of all that came meanwhile. What is given back is sent at once: an acknowledgement of
    /// several tags must not include it.
    async fn settle(
        &mut self,
        first: Settle,
        more: &mut mpsc::UnboundedReceiver<Settle>,
    ) -> Result<(), ConnectionError> {
        let mut next = Some(first);
        while let Some(settle) = next {
            match settle {
                Settle::Ack(tag) => self.acks.settle(tag),
                Settle::GiveBack(tag) => self.give_back(tag).await?,
            }
            next = more.try_recv().ok();
        }
        Ok(())
    }

    /// Sends the acknowledgements of all that was settled.
    async fn send_acks(&mut self) -> Result<(), ConnectionError> {
        for ack in self.acks.take() {
            let acked = self.channel.basic_ack(ack.tag, BasicAckOptions { multiple: ack.multiple });
            answer("could not acknowledge", acked).await?;
        }
        Ok(())
    }

    pub(super) async fn give_back(&mut self, tag: u64) -> Result<(), ConnectionError> {
        self.acks.give_back(tag);
        let back = self.channel.basic_nack(tag, BasicNackOptions { requeue: true, multiple: false });
        answer("could not give back", back).await
    }

    /// Begins to consume, under a tag that this channel never had: RabbitMQ 3.10 ends a channel that consumes anew under the
    /// tag of a consumer which it cancelled while deliveries of that one were not settled.
    pub(super) async fn start_consumer(&mut self) -> Result<Consumer, ConnectionError> {
        self.consumers += 1;
        let (queue, options) = (self.buffer.queue.as_str().into(), BasicConsumeOptions::default());
        let tag = format!("worker-{}", self.consumers);
        let consumer = self.channel.basic_consume(queue, tag.as_str().into(), options, FieldTable::default());
        answer("could not consume", consumer).await
    }

    /// Ends the consumer. What it was sent before that is in the buffer then.
    pub(super) async fn end_consumer(&mut self, mut consumer: Consumer) -> Result<(), ConnectionError> {
        let cancelled = self.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default());
        answer("could not end the consumer", cancelled).await?;
        let rest = async {
            while let Some(Ok(delivery)) = consumer.next().await {
                self.arrived(delivery);
            }
        };
        match tokio::time::timeout(ANSWER, rest).await {
            Ok(()) => Ok(()),
            Err(_) => Err(ConnectionError::Silent("could not end the consumer")),
        }
    }

    /// Ends the consumer for good. Deliveries that no worker took go back at once, so that other nodes get them.
    async fn stop_taking(&mut self, consumer: Option<Consumer>) -> Result<(), ConnectionError> {
        if let Some(consumer) = consumer {
            self.end_consumer(consumer).await?;
        }
        for unread in self.buffer.take_back() {
            self.give_back(unread.tag).await?;
        }
        Ok(())
    }

    /// Asks the broker after the queue, because nothing came for a while. The error makes the caller open a new channel: where
    /// the queue does not know this consumer, or where messages were ready and did not come although there was room, twice
    /// in a row. Returns for how many silences in a row that has been so.
    async fn ask_after_queue(&self, silences: u32) -> Result<u32, ConnectionError> {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let asked = self.channel.queue_declare(self.buffer.queue.as_str().into(), options, FieldTable::default());
        let queue = answer("could not ask after the queue", asked).await?;
        if queue.consumer_count() == 0 {
            return Err(ConnectionError::Broken("the queue has no consumer".into()));
        }
        if queue.message_count() == 0 {
            self.buffer.set_idle();
        }
        let has_room = self.acks.open() < usize::from(self.buffer.prefetch);
        match has_room && queue.message_count() > 0 {
            false => Ok(0),
            true if silences < 1 => Ok(silences + 1),
            true => Err(ConnectionError::Broken(format!("{} messages are ready and none came", queue.message_count()))),
        }
    }
}

/// The next delivery of a consumer; never where there is none.
async fn next_of(consumer: &mut Option<Consumer>) -> Option<Result<Delivery, lapin::Error>> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => std::future::pending().await,
    }
}
