//! Bytes become a message addressed to this job, or a dead letter.

use std::{sync::Arc, time::Duration};

use super::decision::{ParkReason, Settled};
use super::executor::Executor;
use crate::broker::{BodyFormat, Delivery, ForeignProperties};
use crate::events::Purpose;
use crate::foreign::{self, Unreadable};
use crate::ids::RunId;
use crate::message::{EntityMessage, Failure, Kind};
use crate::outcome::{Outcome, Reason};
use crate::state::DeadLetter;
use crate::wire::{self, WireError};

/// How often a message of a newer version is put off before it becomes a dead letter: about an hour in all.
const NEWER_PARKS: u32 = 64;

impl Executor {
    /// The message in a delivery, or how a delivery without one was settled.
    pub(super) async fn arrive(&mut self, delivery: &Delivery) -> Result<EntityMessage, Settled> {
        match &delivery.format {
            BodyFormat::Envelope => self.open_envelope(delivery).await,
            BodyFormat::Foreign(properties) => self.read_foreign(delivery, properties).await,
        }
    }

    async fn open_envelope(&mut self, delivery: &Delivery) -> Result<EntityMessage, Settled> {
        let caused = |message| EntityMessage { trace: delivery.trace, ..message };
        let (reason, text) = match wire::decode(&delivery.body).map(caused) {
            Ok(message) if message.target.job == self.job.name => {
                return self.same_setup(delivery, &message).await.map(|()| message);
            }
            Ok(message) if self.node.plan().find(message.target.job.as_str()).is_none() => {
                let text = format!("no job named `{}` in this graph", message.target.job);
                return Err(self.bury_message(delivery, message, Reason::UnknownJob, text).await);
            }
            Ok(message) => {
                let text = format!("a message for job `{}` in the queue of `{}`", message.target.job, self.job.name);
                return Err(self.bury_message(delivery, message, Reason::Malformed, text).await);
            }
            Err(WireError::Newer { .. }) if delivery.parks < NEWER_PARKS => {
                return Err(self.park(delivery, ParkReason::Trouble).await);
            }
            Err(error @ WireError::Newer { .. }) => (Reason::UnknownVersion, error.to_string()),
            Err(error) => (Reason::Malformed, error.to_string()),
        };
        Err(self.bury_body(delivery, None, reason, text).await)
    }

    async fn read_foreign(
        &self,
        delivery: &Delivery,
        properties: &ForeignProperties,
    ) -> Result<EntityMessage, Settled> {
        let plan = self.node.plan();
        let foreign = match foreign::read(&delivery.body, properties, self.at, plan) {
            Ok(foreign) => foreign,
            Err(Unreadable { text, run }) => {
                return Err(self.bury_body(delivery, run, Reason::Malformed, text).await);
            }
        };
        let now = (self.node.settings.clock)();
        if let Some(text) = foreign.run.and_then(|run| foreign::run_ahead(run, now)) {
            return Err(self.bury_body(delivery, None, Reason::Malformed, text).await);
        }
        let digest = foreign::digest(&self.job.name, &delivery.body, properties);
        // A publisher that repeats a message under one id means one message. This matters only to a forced message: any
        // other finds the output there when it is repeated, and does not ask whether its id was used before.
        let came_before = delivery.redelivered || (foreign.needs_a_run() && properties.id.is_some());
        let publish_id = self.node.publish_ids.of(digest, came_before, now, self.node.next_id());
        match foreign.message(plan, publish_id, self.node.next_id()) {
            Some(message) => {
                let message = EntityMessage { trace: delivery.trace, ..message };
                if foreign.needs_a_run() { Err(self.put_into_envelope(message).await) } else { Ok(message) }
            }
            None => {
                let text = format!("job `{}` is not in the graph that this node runs", self.job.name);
                Err(self.bury_body(delivery, foreign.run, Reason::UnknownJob, text).await)
            }
        }
    }

    /// Publishes a forced message once more, now with the run under which it redoes things, and lets go of the body.
    ///
    /// The run must be later than all stamps so far, so it needs a clock, and the body has none to offer. It must also
    /// be the same at each delivery, so it must lie in what is delivered. Only this hand-over can happen twice, where a
    /// node dies before it has settled the body: then all of the work is done twice.
    async fn put_into_envelope(&self, message: EntityMessage) -> Settled {
        self.publish(Purpose::PassOn, vec![(message, Duration::ZERO)]).await?;
        Ok((Outcome::HandedOver, None))
    }

    async fn bury_message(&self, delivery: &Delivery, message: EntityMessage, reason: Reason, text: String) -> Settled {
        let mut letter = DeadLetter::of_message(message.clone(), self.given_up(reason, text.clone()));
        letter.job = message.target.job.clone();
        let record = match self.node.settings.state.keep_letter(&letter).await {
            Ok(record) => record,
            Err(error) => return self.park_for(delivery, &error).await,
        };
        let failure = match &message.kind {
            Kind::Failed(failure) => failure.clone(),
            Kind::Work => Arc::new(Failure { target: message.target.clone(), reason, text: text.clone(), record }),
        };
        match self.forward_failure(&message, failure).await {
            Ok(()) => Ok((Outcome::Malformed, Some((reason, text)))),
            Err(error) => self.not_carried(delivery, error).await,
        }
    }

    async fn bury_body(&self, delivery: &Delivery, run: Option<RunId>, reason: Reason, text: String) -> Settled {
        let content_type = delivery.format.content_type();
        let letter = DeadLetter::of_unreadable(&delivery.body, content_type, run, self.given_up(reason, text));
        self.bury(delivery, letter).await
    }

    async fn bury(&self, delivery: &Delivery, letter: DeadLetter) -> Settled {
        match self.node.settings.state.keep_letter(&letter).await {
            Ok(_) => Ok((Outcome::Malformed, Some((letter.reason, letter.text)))),
            Err(error) => self.park_for(delivery, &error).await,
        }
    }
}
