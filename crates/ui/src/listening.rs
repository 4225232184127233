//! Listens to the nodes of a graph and looks at its queues.

use std::sync::Arc;
use std::time::Duration;

use euterpe_amqp::ConnectionSettings;
use euterpe_engine::{Status, StatusView};

use crate::broker::BrokerView;
use crate::locks::locked;
use crate::shared::Shared;

/// How long a broker that is away is left alone before it is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Listens to the nodes and looks at the queues, for as long as this process lives.
pub(crate) async fn follow(shared: Arc<Shared>, dial: ConnectionSettings) {
    loop {
        let ended = match shared.open() {
            Ok(session) => session.status(&dial, &mut Kept(&shared)).await,
            Err(error) => Err(error),
        };
        let trouble = ended.err().map(|error| format!("{error:#}"));
        locked(&shared.broker).get_or_insert_default().trouble = trouble;
        shared.tell();
        tokio::time::sleep(AGAIN).await;
    }
}

struct Kept<'s>(&'s Arc<Shared>);

impl StatusView for Kept<'_> {
    fn show(&mut self, status: &Status) -> anyhow::Result<bool> {
        *locked(&self.0.broker) = Some(BrokerView::of(status));
        self.0.tell();
        Ok(true)
    }
}
