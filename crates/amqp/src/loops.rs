//! The two loops of the thread: each connects, works until something breaks, waits a little, and connects again.

use std::{future::Future, time::Duration};

use tokio::sync::watch;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::connection::Connection;
use super::consuming::Consuming;
use super::error::ConnectionError;
use super::outage::Outage;
use super::publishing::Publishing;
use super::settings::{AmqpSettings, ConnectionSettings};
use super::state::{ConnectionState, Phase};
use super::topology::Topology;
use super::version::{self, Version};

/// Opens the first connection, with everything declared, for as long as `patience` allows to try again.
pub(super) async fn reach(
    settings: &AmqpSettings,
    patience: Duration,
    backoff: &mut Backoff,
) -> Result<(Version, Topology, Connection), ConnectionError> {
    let until = Instant::now() + patience;
    let mut warned = false;
    loop {
        let reached = async {
            let version = version::ask(&settings.connection).await?;
            let topology = Topology::of(settings, &version)?;
            let connection = Connection::open(&settings.connection, "publishing").await?;
            topology.declare(&connection).await?;
            Ok((version, topology, connection))
        };
        match reached.await {
            Err(
                error @ ConnectionError::Refused { .. }
                | error @ ConnectionError::Silent(_)
                | error @ ConnectionError::Broken(_),
            ) if Instant::now() < until && !error.is_final() => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(broker = %settings.connection.url, "the broker cannot be reached, trying again: {error}");
                }
                tokio::time::sleep(backoff.wait()).await;
            }
            ended => return ended,
        }
    }
}

/// Consumes over one connection after the other until everything is to end.
pub(super) async fn consume(
    settings: &ConnectionSettings,
    topology: &Topology,
    consuming: Consuming,
    mut phase: watch::Receiver<Phase>,
    outage: &Outage,
    seed: u64,
) {
    // A process that only publishes never wants deliveries, and needs no connection to consume.
    let wanted = async {
        let wishes = consuming.buffers.iter().map(|buffer| Box::pin(buffer.wanted_first.notified()));
        if !consuming.buffers.iter().any(|buffer| buffer.is_wanted()) && !consuming.buffers.is_empty() {
            futures::future::select_all(wishes).await;
        }
    };
    tokio::select! {
        () = wanted => {}
        _ = phase.wait_for(|phase| *phase > Phase::Open) => return,
    }
    let mut backoff = Backoff::new(seed);
    loop {
        let (began, phase) = (Instant::now(), phase.clone());
        let over = async {
            let connection = Connection::open(settings, "consuming").await?;
            topology.declare(&connection).await?;
            outage.works(settings, "consuming");
            let ended = consuming.over(&connection).await;
            if ended.is_ok() {
                connection.close().await;
            }
            ended
        };
        match over.await {
            Ok(()) => return,
            Err(error) => outage.broke(settings, "consuming", &error),
        }
        if *phase.borrow() > Phase::Open {
            return; // what was in hand goes back with the connection
        }
        pause(&mut backoff, consuming.was_of_use(), began).await;
    }
}

/// Publishes over one connection after the other, beginning with `first`, until everything is to end.
pub(super) async fn publish(
    settings: &ConnectionSettings,
    topology: &Topology,
    mut publishing: Publishing,
    (phase, state): (watch::Receiver<Phase>, watch::Sender<ConnectionState>),
    first: Connection,
    outage: &Outage,
    seed: u64,
) {
    let mut backoff = Backoff::new(seed);
    let mut first = Some(first);
    loop {
        let (began, first) = (Instant::now(), first.take());
        let over = async {
            let connection = match first {
                Some(first) => first,
                None => {
                    let connection = Connection::open(settings, "publishing").await?;
                    topology.declare(&connection).await?;
                    connection
                }
            };
            state.send_replace(ConnectionState::Open);
            outage.works(settings, "publishing");
            let ended = publishing.over(&connection).await;
            if ended.is_ok() {
                connection.close().await;
            }
            ended
        };
        match over.await {
            Ok(()) => break,
            Err(error) => {
                state.send_replace(ConnectionState::Closed);
                outage.broke(settings, "publishing", &error);
            }
        }
        if *phase.borrow() == Phase::Closed {
            break;
        }
        pause(&mut backoff, publishing.was_of_use(), began).await;
    }
    publishing.give_up();
}

/// Waits before the next connection: hardly at all after one that lasted, or that was of use however soon it broke.
fn pause(backoff: &mut Backoff, was_of_use: bool, began: Instant) -> impl Future<Output = ()> + use<> {
    if was_of_use || began.elapsed() > Duration::from_secs(10) {
        backoff.reset();
    }
    tokio::time::sleep(backoff.wait())
}
