//! Takes deliveries from the queues: a channel for each job, looked after by what it delivers and not by what it says.

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::acks::Acks;
use super::backoff::Backoff;
use super::feed::{Arrived, Feed, Incarnation, Settle};
use super::link::{ANSWER, Link, LinkError, answer};
use super::message::read;
use super::porter::{News, Porter};
use super::topology::Topology;
use super::{Phase, Weather};

/// How long a consumer may be silent before the broker is asked whether there was something to deliver.
const SILENCE: Duration = Duration::from_secs(3);
/// What part of the prefetch may be settled before the broker is told: it then hands out more while the rest is at work.
const TOGETHER: u16 = 4;
/// How long what was settled waits for more, so that the broker is told of many at once.
const LINGER: Duration = Duration::from_millis(2);
/// How long the broker may be short of memory before no more is taken: what it leads to could not be published.
const BLOCKED_PATIENCE: Duration = Duration::from_secs(5);

/// The consuming side.
pub(super) struct Consuming {
    pub topology: Topology,
    pub feeds: Vec<Arc<Feed>>,
    pub phase: watch::Receiver<Phase>,
    pub weather: watch::Receiver<Weather>,
    pub porter: Porter,
    /// Whether something was delivered since this was last asked.
    pub delivered: Cell<bool>,
}

impl Consuming {
    /// Whether the broker delivered anything since this was last asked: then the connection was of use.
    pub fn was_of_use(&self) -> bool {
        self.delivered.take()
    }

    /// Consumes over one connection until that ends, or until all is settled and everything is to end.
    pub async fn over(&self, link: &Link) -> Result<(), LinkError> {
        let mut consumers: FuturesUnordered<_> = self.feeds.iter().map(|feed| self.serve(link, feed)).collect();
        let consuming = async {
            while let Some(ended) = consumers.next().await {
                ended?;
            }
            Ok(())
        };
        tokio::select! {
            ended = consuming => ended,
            error = link.broken() => Err(error),
            never = self.mind_the_weather() => match never {},
        }
    }

    /// Takes no more while the broker is short of memory or disk.
    async fn mind_the_weather(&self) -> std::convert::Infallible {
        let mut weather = self.weather.clone();
        loop {
            let blocked = *weather.borrow_and_update() == Weather::Blocked;
            if blocked && tokio::time::timeout(BLOCKED_PATIENCE, weather.changed()).await.is_ok() {
                continue;
            }
            self.feeds.iter().for_each(|feed| feed.hold(blocked));
            if weather.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Consumes one queue once somebody wants it, again and again on channels of this connection.
    async fn serve(&self, link: &Link, feed: &Arc<Feed>) -> Result<(), LinkError> {
        let mut phase = self.phase.clone();
        while !feed.is_wanted() {
            tokio::select! {
                () = feed.called.notified() => {}
                _ = phase.wait_for(|phase| *phase > Phase::Open) => return Ok(()),
            }
        }
        let mut backoff = Backoff::new(std::process::id().into());
        loop {
            let began = Instant::now();
            let error = match self.consume(link, feed).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !link.is_open() {
                return Err(error);
            }
            // One queue that does not answer, such as one without a leader, is no reason to let go of the others. Where
            // it is the connection that does not, the declaring below says so.
            if began.elapsed() > SILENCE && !matches!(error, LinkError::Silent(_)) {
                backoff.reset();
            }
            tracing::warn!(queue = feed.queue, "the queue is consumed anew: {error}");
            tokio::time::sleep(backoff.wait()).await;
            self.topology.declare(link).await?;
        }
    }

    /// Consumes one queue over one channel.
    async fn consume(&self, link: &Link, feed: &Arc<Feed>) -> Result<(), LinkError> {
        let channel = link.channel().await?;
        let qos = channel.basic_qos(feed.prefetch, BasicQosOptions::default());
        answer("could not set the prefetch", qos).await?;
        let (incarnation, settles) = Incarnation::new();
        let options = BasicConsumeOptions::default();
        let consumer =
            channel.basic_consume(feed.queue.as_str().into(), "worker".into(), options, FieldTable::default());
        let consumer = answer("could not consume", consumer).await?;
        let line = Line {
            feed,
            channel: &channel,
            incarnation: incarnation.clone(),
            acks: Acks::default(),
            porter: &self.porter,
            delivered: &self.delivered,
        };
        let ended = line.run(consumer, settles, self.phase.clone()).await;
        incarnation.end();
        feed.take_back(); // the broker has them back with the channel
        if ended.is_ok() {
            answer("could not close a channel", channel.close(200, "done".into())).await?;
        }
        ended
    }
}

/// One channel that consumes one queue.
struct Line<'l> {
    feed: &'l Arc<Feed>,
    channel: &'l Channel,
    incarnation: Arc<Incarnation>,
    acks: Acks,
    porter: &'l Porter,
    delivered: &'l Cell<bool>,
}

impl Line<'_> {
    async fn run(
        mut self,
        mut consumer: Consumer,
        mut settles: mpsc::UnboundedReceiver<Settle>,
        mut phase: watch::Receiver<Phase>,
    ) -> Result<(), LinkError> {
        let mut heard = Instant::now();
        let mut silent_for = 0;
        let mut taking = true;
        let silence = tokio::time::sleep_until(heard + SILENCE);
        let telling = tokio::time::sleep_until(heard);
        tokio::pin!(silence, telling);
        loop {
            let now = *phase.borrow_and_update();
            if taking && now > Phase::Open {
                taking = false;
                self.stop_taking(&mut consumer).await?;
            }
            if now == Phase::Closed {
                // Whoever still holds something was told to stop: it goes back with the channel.
                while let Ok(settle) = settles.try_recv() {
                    self.settle(settle, &mut settles).await?;
                }
                return self.tell().await;
            }
            tokio::select! {
                biased;
                Some(settle) = settles.recv() => {
                    if self.acks.untold() == 0 {
                        telling.as_mut().reset(Instant::now() + LINGER);
                    }
                    self.settle(settle, &mut settles).await?;
                    if self.acks.untold() >= usize::from(self.feed.prefetch / TOGETHER) {
                        self.tell().await?;
                    }
                }
                delivery = consumer.next(), if taking => {
                    let mut next = Some(delivery);
                    while let Some(delivery) = next {
                        match delivery {
                            Some(Ok(delivery)) => self.arrived(delivery),
                            Some(Err(error)) => return Err(LinkError::refused("deliveries ended", &error)),
                            None => return Err(LinkError::Broken("the broker ended the consumer; its queue was removed?".into())),
                        }
                        next = consumer.next().now_or_never(); // the broker sends many at once
                    }
                    heard = Instant::now();
                    silent_for = 0;
                }
                () = &mut telling, if self.acks.untold() > 0 => self.tell().await?,
                _ = phase.changed() => {}
                () = &mut silence, if taking => {
                    if heard.elapsed() >= SILENCE {
                        heard = Instant::now();
                        silent_for = self.ask_why(silent_for).await?;
                    }
                    silence.as_mut().reset(heard + SILENCE);
                }
            }
        }
    }

    fn arrived(&mut self, delivery: Delivery) {
        let (format, parks) = read(&delivery.properties);
        self.acks.delivered(delivery.delivery_tag);
        self.delivered.set(true);
        let arrived = Arrived {
            key: delivery.routing_key.to_string(),
            body: Bytes::from(delivery.data),
            format,
            parks,
            redelivered: delivery.redelivered,
            tag: delivery.delivery_tag,
            channel: self.incarnation.clone(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let published = delivery.properties.timestamp().unwrap_or(now);
        if self.feed.push(arrived, now.saturating_sub(published)) {
            self.porter.bring(News::Arrived(self.feed.clone()));
        }
    }

    /// Takes note of what was settled, with what was settled meanwhile. What goes back is said at once: an
    /// acknowledgement of several must not take it along.
    async fn settle(&mut self, first: Settle, more: &mut mpsc::UnboundedReceiver<Settle>) -> Result<(), LinkError> {
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

    /// Tells the broker all that was settled.
    async fn tell(&mut self) -> Result<(), LinkError> {
        for ack in self.acks.take() {
            let acked = self.channel.basic_ack(ack.tag, BasicAckOptions { multiple: ack.multiple });
            answer("could not acknowledge", acked).await?;
        }
        Ok(())
    }

    async fn give_back(&mut self, tag: u64) -> Result<(), LinkError> {
        self.acks.give_back(tag);
        let back = self.channel.basic_nack(tag, BasicNackOptions { requeue: true, multiple: false });
        answer("could not give back", back).await
    }

    /// Ends the consumer; what nobody took yet goes back at once, so that others get it.
    async fn stop_taking(&mut self, consumer: &mut Consumer) -> Result<(), LinkError> {
        let cancelled = self.channel.basic_cancel("worker".into(), BasicCancelOptions::default());
        answer("could not end the consumer", cancelled).await?;
        let rest = async {
            while let Some(Ok(delivery)) = consumer.next().await {
                self.arrived(delivery);
            }
        };
        if tokio::time::timeout(ANSWER, rest).await.is_err() {
            return Err(LinkError::Silent("could not end the consumer"));
        }
        for tag in self.feed.take_back() {
            self.give_back(tag).await?;
        }
        Ok(())
    }

    /// Nothing came for a while although there was room. If the queue holds messages that nobody delivers, twice in a
    /// row, or does not know this consumer, the channel is made anew.
    async fn ask_why(&self, silent_for: u32) -> Result<u32, LinkError> {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let asked = self.channel.queue_declare(self.feed.queue.as_str().into(), options, FieldTable::default());
        let queue = answer("could not ask after the queue", asked).await?;
        if queue.consumer_count() == 0 {
            return Err(LinkError::Broken("the queue has no consumer".into()));
        }
        if queue.message_count() == 0 {
            self.feed.is_idle();
        }
        let has_room = self.acks.open() < usize::from(self.feed.prefetch);
        match has_room && queue.message_count() > 0 {
            false => Ok(0),
            true if silent_for < 1 => Ok(silent_for + 1),
            true => Err(LinkError::Broken(format!("{} messages are ready and none came", queue.message_count()))),
        }
    }
}
