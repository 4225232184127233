//! Publishes what the workers hand in, many messages at once, and answers each batch when the broker has confirmed all of it.
//!
//! What is unconfirmed when a connection breaks is published again over the next one. A message that no queue takes is
//! returned by the broker; then everything is declared anew and the message is sent once more.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use euterpe_actors::broker::{BrokerError, Outgoing};
use futures::future::{Either, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use lapin::options::ConfirmSelectOptions;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::batch::{Batch, UnconfirmedMessage};
use super::connection::{Connection, answer};
use super::error::ConnectionError;
use super::names::{Names, wait_for};
use super::notifier::Notifier;
use super::publish_one::{Reply, publish_one};
use super::reports::{self, Report};
use super::state::{ConnectionState, Phase};
use super::topology::Topology;

/// How many messages may be unconfirmed at once.
const IN_FLIGHT: usize = 1024;
/// How long no confirm may come while some are due, before the connection is taken for dead.
const STALLED: Duration = Duration::from_secs(10);
/// How often a message may be returned as unroutable after everything was declared.
const MOST_RETURNS: u8 = 2;

/// Publishes all messages and reports.
pub(super) struct Publishing {
    pub names: Names,
    pub topology: Topology,
    pub batches: mpsc::UnboundedReceiver<Batch>,
    pub reports: mpsc::Receiver<Report>,
    pub phase: watch::Receiver<Phase>,
    pub state: watch::Sender<ConnectionState>,
    pub notifier: Notifier,
    outbox: VecDeque<UnconfirmedMessage>,
    /// Whether something was confirmed since [`Publishing::was_of_use`] was last called.
    confirmed: bool,
}

impl Publishing {
    pub fn new(
        names: Names,
        topology: Topology,
        batches: mpsc::UnboundedReceiver<Batch>,
        reports: mpsc::Receiver<Report>,
        phase: watch::Receiver<Phase>,
        state: watch::Sender<ConnectionState>,
        notifier: Notifier,
    ) -> Self {
        Self { names, topology, batches, reports, phase, state, notifier, outbox: VecDeque::new(), confirmed: false }
    }

    fn take_in(&mut self, batch: Batch) {
        self.outbox.extend(batch.into_messages());
    }

    /// Publishes over one connection until that breaks or everything is to end. Unconfirmed messages stay in the outbox.
    pub async fn over(&mut self, connection: &Connection) -> Result<(), ConnectionError> {
        let (mut sent, mut returned) = (BTreeMap::new(), Vec::new());
        let ended = self.publish(connection, &mut sent, &mut returned).await;
        sent.into_values().rev().chain(returned).for_each(|message| self.outbox.push_front(message));
        ended
    }

    /// Whether the broker confirmed anything since this was last called: then the connection was of use.
    pub fn was_of_use(&mut self) -> bool {
        std::mem::take(&mut self.confirmed)
    }

    /// `sent` holds the messages that are not confirmed yet, `returned` those that the broker returned and that were not sent
    /// again yet.
    async fn publish(
        &mut self,
        connection: &Connection,
        sent: &mut BTreeMap<u64, UnconfirmedMessage>,
        returned: &mut Vec<UnconfirmedMessage>,
    ) -> Result<(), ConnectionError> {
        let channel = connection.channel().await?;
        answer("could not ask for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let reporting = connection.channel().await?;
        let broken = connection.broken();
        tokio::pin!(broken);
        let mut in_flight = FuturesUnordered::new();
        let (mut number, mut progress) = (0, Instant::now());
        let mut look = tokio::time::interval(Duration::from_millis(250));
        loop {
            // Once a message was returned no more are sent: they could be returned as well.
            while returned.is_empty() && in_flight.len() < IN_FLIGHT && !connection.is_blocked() {
                let Some(next) = self.outbox.pop_front() else { break };
                if sent.is_empty() {
                    progress = Instant::now();
                }
                number += 1;
                let (exchange, message) = (self.exchange_for(&next.message), next.message.clone());
                in_flight.push(Either::Left(publish_one(&channel, exchange, message, number)));
                sent.insert(number, next);
            }
            if !returned.is_empty() && in_flight.is_empty() {
                self.send_again(connection, std::mem::take(returned)).await?;
                continue;
            }
            let idle = in_flight.is_empty() && self.outbox.is_empty();
            tokio::select! {
                biased;
                first = in_flight.next(), if !in_flight.is_empty() => {
                    let mut next = first;
                    while let Some((number, reply)) = next {
                        let reply = reply?; // the connection is gone: what is in `sent` is sent again over the next one
                        if let Some(message) = sent.remove(&number) { // and no report
                            match reply {
                                Reply::Confirmed => message.confirm(&self.notifier),
                                Reply::Refused => self.outbox.push_back(message),
                                Reply::Returned => returned.push(message),
                            }
                            self.confirmed |= matches!(reply, Reply::Confirmed);
                        }
                        next = in_flight.next().now_or_never().flatten(); // the broker confirms many in one go
                    }
                    progress = Instant::now();
                }
                Some(batch) = self.batches.recv() => {
                    self.take_in(batch);
                    while let Ok(batch) = self.batches.try_recv() {
                        self.take_in(batch);
                    }
                }
                Some(report) = self.reports.recv(), if !connection.is_blocked() => {
                    let published = reports::publish(&reporting, self.names.reports(), report);
                    in_flight.push(Either::Right(async move { (0, published.await.map(|()| Reply::Confirmed)) }));
                }
                error = &mut broken => return Err(error),
                () = closed(&mut self.phase), if idle => return Ok(()),
                _ = look.tick() => {
                    self.watch_blocking(connection, &mut progress, sent.is_empty());
                    if progress.elapsed() > STALLED {
                        return Err(ConnectionError::Silent("publishes are not confirmed"));
                    }
                }
            }
        }
    }

    /// The exchange that a message is published to: the one of its delay, if it has one.
    fn exchange_for(&self, message: &Outgoing) -> String {
        match message.delay.is_zero() {
            true => self.names.exchange(),
            false => self.names.delay(wait_for(message.delay)),
        }
    }

    /// Tells the consuming side whether the broker is blocked. A blocked broker is waited for: that it confirms nothing does
    /// not count as a dead connection.
    fn watch_blocking(&self, connection: &Connection, progress: &mut Instant, nothing_sent: bool) {
        let now = if connection.is_blocked() { ConnectionState::Blocked } else { ConnectionState::Open };
        if now == ConnectionState::Blocked || nothing_sent {
            *progress = Instant::now();
        }
        self.state.send_if_modified(|state| {
            let changes = *state != now;
            if changes {
                match now {
                    ConnectionState::Blocked => {
                        tracing::warn!("the broker is short of memory or disk and takes no messages; waiting for it");
                    }
                    _ => tracing::warn!("the broker takes messages again"),
                }
                *state = now;
            }
            changes
        });
    }

    /// Declares everything anew because no queue took these messages, and puts them back to be sent again, but not for ever.
    async fn send_again(
        &mut self,
        connection: &Connection,
        returned: Vec<UnconfirmedMessage>,
    ) -> Result<(), ConnectionError> {
        let mut jobs: Vec<String> = returned.iter().map(|returned| returned.message.job.to_string()).collect();
        jobs.dedup();
        tracing::error!(
            jobs = jobs.join(","),
            "queues were gone; they are declared anew, and `runs resume` publishes again what was in them"
        );
        for mut message in returned {
            message.returns += 1;
            if message.returns > MOST_RETURNS {
                let job = message.message.job.clone();
                message.fail(BrokerError::NoQueue(job), &self.notifier);
            } else {
                self.outbox.push_front(message);
            }
        }
        self.topology.declare(connection).await
    }

    /// Answers all that wait: nothing more will be published.
    pub fn give_up(mut self) {
        self.batches.close();
        while let Ok(batch) = self.batches.try_recv() {
            self.take_in(batch);
        }
        for message in self.outbox {
            message.fail(BrokerError::Closed, &self.notifier);
        }
    }
}

async fn closed(phase: &mut watch::Receiver<Phase>) {
    if phase.wait_for(|phase| *phase == Phase::Closed).await.is_err() {
        // The adapter is gone, and nobody can publish any more.
    }
}
