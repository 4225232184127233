//! Consumes the queues of all jobs over one connection, each on a channel of its own.

use std::{cell::Cell, sync::Arc, time::Duration};

use futures::stream::{FuturesUnordered, StreamExt};
use lapin::Channel;
use lapin::options::BasicQosOptions;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::acks::Acks;
use super::backoff::Backoff;
use super::batch::Batch;
use super::channel_consumer::{ChannelConsumer, SILENCE};
use super::connection::{Connection, answer};
use super::epoch::ChannelEpoch;
use super::error::ConnectionError;
use super::notifier::Notifier;
use super::prefetch::PrefetchBuffer;
use super::state::{ConnectionState, Phase};
use super::topology::Topology;

/// How long the broker may be blocked before no more deliveries are handed out: their children could not be published.
const BLOCKED_PATIENCE: Duration = Duration::from_secs(5);
/// How long the end of a channel that was given up is waited for; the broker hears of it in any case.
const CLOSING: Duration = Duration::from_secs(1);

/// Consumes all queues of the graph.
pub(super) struct Consuming {
    pub topology: Topology,
    pub buffers: Vec<Arc<PrefetchBuffer>>,
    pub phase: watch::Receiver<Phase>,
    pub state: watch::Receiver<ConnectionState>,
    pub notifier: Notifier,
    /// Takes copies of what goes back to its queue.
    pub outbox: mpsc::UnboundedSender<Batch>,
    /// Whether something was delivered since [`Consuming::was_of_use`] was last called.
    pub delivered: Cell<bool>,
}

impl Consuming {
    /// Whether the broker delivered anything since this was last called: then the connection was of use.
    pub fn was_of_use(&self) -> bool {
        self.delivered.take()
    }

    /// Consumes over one connection until that breaks, or until everything is to end and all is settled.
    pub async fn over(&self, connection: &Connection) -> Result<(), ConnectionError> {
        let mut consumers: FuturesUnordered<_> =
            self.buffers.iter().map(|buffer| self.serve(connection, buffer)).collect();
        let consuming = async {
            while let Some(ended) = consumers.next().await {
                ended?;
            }
            Ok(())
        };
        tokio::select! {
            ended = consuming => ended,
            error = connection.broken() => Err(error),
            never = self.hold_while_blocked() => match never {},
        }
    }

    /// Hands out no deliveries while the broker is blocked.
    async fn hold_while_blocked(&self) -> std::convert::Infallible {
        let mut state = self.state.clone();
        loop {
            let blocked = *state.borrow_and_update() == ConnectionState::Blocked;
            if blocked && tokio::time::timeout(BLOCKED_PATIENCE, state.changed()).await.is_ok() {
                continue;
            }
            self.buffers.iter().for_each(|buffer| buffer.hold(blocked));
            if state.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Consumes one queue from when a worker wants it, on a new channel of this connection each time one breaks.
    async fn serve(&self, connection: &Connection, buffer: &Arc<PrefetchBuffer>) -> Result<(), ConnectionError> {
        let mut phase = self.phase.clone();
        while !buffer.is_wanted() {
            tokio::select! {
                () = buffer.wanted_first.notified() => {}
                _ = phase.wait_for(|phase| *phase > Phase::Open) => return Ok(()),
            }
        }
        let (mut backoff, mut failed) = (Backoff::new(std::process::id().into()), false);
        loop {
            let began = Instant::now();
            let error = match self.consume(connection, buffer).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !connection.is_open() {
                return Err(error);
            }
            // One queue that does not answer, such as one without a leader, is no reason to close the channels of the
            // others. If it is the whole connection that does not answer, the declaring below fails.
            if began.elapsed() > SILENCE && !matches!(error, ConnectionError::Silent(_)) {
                backoff.reset();
            }
            // A connection that does not answer is told once for all of its queues; a queue is told of where it alone fails
            // for the second time.
            match std::mem::replace(&mut failed, true) {
                true => tracing::warn!(queue = buffer.queue, "the queue is consumed anew: {error}"),
                false => tracing::debug!(queue = buffer.queue, "the queue is consumed anew: {error}"),
            }
            tokio::time::sleep(backoff.wait()).await;
            self.topology.declare(connection).await?;
        }
    }

    /// Consumes one queue over one channel.
    async fn consume(&self, connection: &Connection, buffer: &Arc<PrefetchBuffer>) -> Result<(), ConnectionError> {
        let channel = connection.channel().await?;
        let ended = self.consume_over(&channel, buffer).await;
        let closed = answer("could not close a channel", channel.close(200, "done".into()));
        match ended {
            Ok(()) => closed.await,
            Err(error) => {
                // The broker may register a consumer long after this node gave up waiting for it. On a channel that stays
                // open it would then deliver to a consumer that nobody reads.
                match tokio::time::timeout(CLOSING, closed).await {
                    Ok(Ok(())) => {}
                    Ok(Err(unanswered)) => tracing::debug!(queue = buffer.queue, %unanswered, "a channel is gone"),
                    Err(_) => tracing::debug!(queue = buffer.queue, "the end of a channel is not confirmed yet"),
                }
                Err(error)
            }
        }
    }

    async fn consume_over(&self, channel: &Channel, buffer: &Arc<PrefetchBuffer>) -> Result<(), ConnectionError> {
        let qos = channel.basic_qos(buffer.prefetch, BasicQosOptions::default());
        answer("could not set the prefetch", qos).await?;
        let (epoch, settles) = ChannelEpoch::new();
        let consuming = ChannelConsumer {
            buffer,
            channel,
            epoch: epoch.clone(),
            acks: Acks::default(),
            notifier: &self.notifier,
            delivered: &self.delivered,
            outbox: &self.outbox,
            consumers: 0,
            returning: FuturesUnordered::new(),
        };
        let ended = consuming.run(settles, self.phase.clone()).await;
        epoch.end();
        buffer.take_back(); // they went back to the queue with the channel
        ended
    }
}
