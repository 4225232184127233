//! The life of one message: it arrives, is decided on, is settled, and only then is acknowledged.

use std::time::Duration;

use tokio::time::Instant;

use super::claim;
use super::decision::HeldDecision;
use super::executor::Executor;
use crate::broker::Delivery;
use crate::events::Event;
use crate::mutants::{Mutant, active};
use crate::points::reach;

/// How long a worker waits before it takes the next message when the broker did not confirm.
const UNCONFIRMED_WAIT: Duration = Duration::from_millis(500);

impl Executor {
    /// Brings one delivery to its outcome.
    pub(super) async fn handle(&mut self, delivery: Delivery) {
        let arrived = Instant::now();
        let job = self.job.name.clone();
        let mut delivery = Some(delivery);
        let Some(unsettled) = &delivery else { return };
        let (message, settled) = match self.arrive(unsettled).await {
            Err(settled) => (None, settled),
            Ok(message) => {
                reach("arrived");
                let (isolate, copy) = (self.node.settings.isolate || unsettled.redelivered, unsettled.copy());
                if active(Mutant::AckOnReceipt) {
                    delivery.take().into_iter().for_each(Delivery::ack);
                }
                let HeldDecision { decision, claim, hold } = self.decide(&message, isolate).await;
                let settled = self.settle(&message, delivery.as_ref().unwrap_or(&copy), decision).await;
                claim::release(claim).await; // before the hold: the next holder on this node claims as well
                drop(hold);
                (Some(message), settled)
            }
        };
        match settled {
            Ok((outcome, why)) => {
                reach("before_ack");
                delivery.into_iter().for_each(Delivery::ack);
                reach("after_ack");
                let why = why.as_ref().map(|(reason, text)| (*reason, text.as_str()));
                self.tell(&Event::Handled {
                    job: &job,
                    message: message.as_ref(),
                    outcome,
                    why,
                    took: arrived.elapsed(),
                });
            }
            Err(error) => {
                self.tell(&Event::Unconfirmed { job: &job, text: &error.to_string() });
                tokio::time::sleep(UNCONFIRMED_WAIT).await;
                drop(delivery); // unsettled: back to its queue
            }
        }
    }
}
