//! Publishes what the workers hand in, many at once, and answers each when the broker has confirmed all of it.
//!
//! What is not confirmed when a connection ends is published again on the next one. A message that no queue takes is
//! returned: then everything is declared anew and it is sent once more.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use euterpe_actors::broker::{BrokerError, Outgoing};
use futures::future::{Either, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::link::{Link, LinkError, answer};
use super::message::properties;
use super::names::{Names, wait_for};
use super::porter::{News, Porter};
use super::reports::{self, Report};
use super::topology::Topology;
use super::{Phase, Weather};

/// How many messages may be unconfirmed at once.
const IN_FLIGHT: usize = 1024;
/// How long no confirm may come while some are due, before the connection is taken for dead.
const STALLED: Duration = Duration::from_secs(10);
/// How long a message waits that the broker refused: its queue is full for now.
const REFUSED_WAIT: Duration = Duration::from_millis(300);
/// How often a message may be returned as unroutable after everything was declared.
const MOST_RETURNS: u8 = 2;

/// Messages that are confirmed together.
pub(super) struct Batch {
    pub messages: Vec<Outgoing>,
    pub done: oneshot::Sender<Result<(), BrokerError>>,
}

/// Who waits for a batch.
struct Waiting {
    left: Cell<usize>,
    done: RefCell<Option<oneshot::Sender<Result<(), BrokerError>>>>,
}

impl Waiting {
    fn end(&self, result: Result<(), BrokerError>, porter: &Porter) {
        if let Some(done) = self.done.borrow_mut().take() {
            porter.bring(News::Published(done, result));
        }
    }

    fn confirmed(&self, porter: &Porter) {
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 {
            self.end(Ok(()), porter);
        }
    }
}

/// One message, until it is confirmed.
struct Parcel {
    message: Outgoing,
    waiting: Rc<Waiting>,
    returns: u8,
}

/// What the broker said of one message.
enum Sent {
    Confirmed,
    Returned,
    Refused,
}

/// Publishes one message and waits for what the broker says of it.
async fn send(channel: &Channel, exchange: String, message: Outgoing, number: u64) -> (u64, Result<Sent, LinkError>) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let key = message.job.as_str().into();
    let published =
        channel.basic_publish(exchange.into(), key, options, &message.body, properties(&message, seconds)).await;
    let refused = |error| LinkError::refused("could not publish", &error);
    let confirm = match published {
        Ok(confirm) => confirm,
        Err(error) => return (number, Err(refused(error))),
    };
    let sent = match confirm.await {
        Ok(Confirmation::Ack(None)) => Ok(Sent::Confirmed),
        Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_))) => Ok(Sent::Returned),
        Ok(Confirmation::Nack(None)) => {
            tokio::time::sleep(REFUSED_WAIT).await;
            Ok(Sent::Refused)
        }
        Ok(Confirmation::NotRequested) => Err(LinkError::Broken("confirms were not agreed upon".into())),
        Err(error) => Err(refused(error)),
    };
    (number, sent)
}

/// The publishing side.
pub(super) struct Publishing {
    pub names: Names,
    pub topology: Topology,
    pub batches: mpsc::UnboundedReceiver<Batch>,
    pub reports: mpsc::Receiver<Report>,
    pub phase: watch::Receiver<Phase>,
    pub weather: watch::Sender<Weather>,
    pub porter: Porter,
    outbox: VecDeque<Parcel>,
    /// Whether something was confirmed since this was last asked.
    confirmed: bool,
}

impl Publishing {
    pub fn new(
        names: Names,
        topology: Topology,
        batches: mpsc::UnboundedReceiver<Batch>,
        reports: mpsc::Receiver<Report>,
        phase: watch::Receiver<Phase>,
        weather: watch::Sender<Weather>,
        porter: Porter,
    ) -> Self {
        Self { names, topology, batches, reports, phase, weather, porter, outbox: VecDeque::new(), confirmed: false }
    }

    fn take_in(&mut self, batch: Batch) {
        let waiting = Rc::new(Waiting { left: Cell::new(batch.messages.len()), done: RefCell::new(Some(batch.done)) });
        let parcel = |message| Parcel { message, waiting: waiting.clone(), returns: 0 };
        self.outbox.extend(batch.messages.into_iter().map(parcel));
    }

    /// Publishes over one connection until that ends or everything is to end. What is unconfirmed stays in the outbox.
    pub async fn over(&mut self, link: &Link) -> Result<(), LinkError> {
        let (mut sent, mut lost) = (BTreeMap::new(), Vec::new());
        let ended = self.publish(link, &mut sent, &mut lost).await;
        sent.into_values().rev().chain(lost).for_each(|parcel| self.outbox.push_front(parcel));
        ended
    }

    /// Whether the broker confirmed anything since this was last asked: then the connection was of use.
    pub fn was_of_use(&mut self) -> bool {
        std::mem::take(&mut self.confirmed)
    }

    /// `sent` is what is not confirmed, `lost` what was returned and not sent again yet.
    async fn publish(
        &mut self,
        link: &Link,
        sent: &mut BTreeMap<u64, Parcel>,
        lost: &mut Vec<Parcel>,
    ) -> Result<(), LinkError> {
        let channel = link.channel().await?;
        answer("could not ask for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let reporting = link.channel().await?;
        let broken = link.broken();
        tokio::pin!(broken);
        let mut in_flight = FuturesUnordered::new();
        let (mut number, mut progress) = (0, Instant::now());
        let mut look = tokio::time::interval(Duration::from_millis(250));
        loop {
            // While something was returned nothing more is sent: it could be returned as well.
            while lost.is_empty() && in_flight.len() < IN_FLIGHT && !link.is_blocked() {
                let Some(parcel) = self.outbox.pop_front() else { break };
                if sent.is_empty() {
                    progress = Instant::now();
                }
                number += 1;
                let (exchange, message) = (self.address(&parcel.message), parcel.message.clone());
                in_flight.push(Either::Left(send(&channel, exchange, message, number)));
                sent.insert(number, parcel);
            }
            if !lost.is_empty() && in_flight.is_empty() {
                self.send_again(link, std::mem::take(lost)).await?;
                continue;
            }
            let idle = in_flight.is_empty() && self.outbox.is_empty();
            tokio::select! {
                biased;
                first = in_flight.next(), if !in_flight.is_empty() => {
                    let mut next = first;
                    while let Some((number, ended)) = next {
                        let ended = ended?; // the connection is gone, and all that was sent over it is sent again
                        if let Some(parcel) = sent.remove(&number) { // no report
                            match ended {
                                Sent::Confirmed => parcel.waiting.confirmed(&self.porter),
                                Sent::Refused => self.outbox.push_back(parcel),
                                Sent::Returned => lost.push(parcel),
                            }
                            self.confirmed |= matches!(ended, Sent::Confirmed);
                        }
                        next = in_flight.next().now_or_never().flatten(); // the broker confirms many at once
                    }
                    progress = Instant::now();
                }
                Some(batch) = self.batches.recv() => {
                    self.take_in(batch);
                    while let Ok(batch) = self.batches.try_recv() {
                        self.take_in(batch);
                    }
                }
                Some(report) = self.reports.recv(), if !link.is_blocked() => {
                    let told = reports::tell(&reporting, self.names.reports(), report);
                    in_flight.push(Either::Right(async move { (0, told.await.map(|()| Sent::Confirmed)) }));
                }
                error = &mut broken => return Err(error),
                () = closed(&mut self.phase), if idle => return Ok(()),
                _ = look.tick() => {
                    self.look_at(link, &mut progress, sent.is_empty());
                    if progress.elapsed() > STALLED {
                        return Err(LinkError::Silent("publishes are not confirmed"));
                    }
                }
            }
        }
    }

    /// The exchange that a message goes to, by how long it is to be put off.
    fn address(&self, message: &Outgoing) -> String {
        match message.delay.is_zero() {
            true => self.names.exchange(),
            false => self.names.delay(wait_for(message.delay)),
        }
    }

    /// Shows a blocked broker, which is waited for and is no fault of anybody's.
    fn look_at(&self, link: &Link, progress: &mut Instant, nothing_sent: bool) {
        let now = if link.is_blocked() { Weather::Blocked } else { Weather::Fair };
        if now == Weather::Blocked || nothing_sent {
            *progress = Instant::now();
        }
        self.weather.send_if_modified(|weather| {
            let changes = *weather != now;
            if changes {
                match &now {
                    Weather::Blocked => {
                        tracing::warn!("the broker is short of memory or disk and takes no messages; waiting for it");
                    }
                    _ => tracing::warn!("the broker takes messages again"),
                }
                *weather = now;
            }
            changes
        });
    }

    /// Messages that no queue took: everything is declared anew, and they are sent again, but not for ever.
    async fn send_again(&mut self, link: &Link, returned: Vec<Parcel>) -> Result<(), LinkError> {
        let mut jobs: Vec<String> = returned.iter().map(|parcel| parcel.message.job.to_string()).collect();
        jobs.dedup();
        tracing::error!(
            jobs = jobs.join(","),
            "queues were gone; they are declared anew, and `runs resume` publishes again what was in them"
        );
        for mut parcel in returned {
            parcel.returns += 1;
            if parcel.returns > MOST_RETURNS {
                parcel.waiting.end(Err(BrokerError::NoQueue(parcel.message.job)), &self.porter);
            } else {
                self.outbox.push_front(parcel);
            }
        }
        self.topology.declare(link).await
    }

    /// Nothing more will be published: whoever waits is told.
    pub fn give_up(mut self) {
        self.batches.close();
        while let Ok(batch) = self.batches.try_recv() {
            self.take_in(batch);
        }
        for parcel in self.outbox {
            parcel.waiting.end(Err(BrokerError::Closed), &self.porter);
        }
    }
}

async fn closed(phase: &mut watch::Receiver<Phase>) {
    if phase.wait_for(|phase| *phase == Phase::Closed).await.is_err() {
        // The adapter is gone, and nobody can publish any more.
    }
}
