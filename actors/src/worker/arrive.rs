//! Bytes become a message addressed to this job, or a dead letter.

use std::time::Duration;

use super::desk::Desk;
use super::settle::Settled;
use crate::broker::{BrokerError, Delivery, Foreign, Writing};
use crate::events::Purpose;
use crate::foreign::{self, Unreadable};
use crate::ids::RunId;
use crate::message::EntityMessage;
use crate::outcome::{Outcome, Reason};
use crate::state::DeadLetter;
use crate::wire::{self, WireError};

/// How often a message of a newer version is put off, about an hour in all, before it becomes a dead letter.
const NEWER_PARKS: u32 = 64;

/// What could not be made a message for this job: its envelope's, if it had one, else the run that was said beside it.
enum Rest {
    Message(EntityMessage),
    Body(Option<RunId>),
}

impl Desk {
    /// The message in a delivery, or how a delivery without one was settled.
    pub(super) async fn arrive(&self, delivery: &Delivery) -> Result<EntityMessage, Settled> {
        match &delivery.writing {
            Writing::Envelope => self.open_envelope(delivery).await,
            Writing::Foreign(said) => self.read_foreign(delivery, said).await,
        }
    }

    async fn open_envelope(&self, delivery: &Delivery) -> Result<EntityMessage, Settled> {
        let (reason, text) = match wire::decode(&delivery.body) {
            Ok(message) if message.target.job == self.job.name => return Ok(message),
            Ok(message) if self.node.plan().find(message.target.job.as_str()).is_none() => {
                let text = format!("no job named `{}` in this graph", message.target.job);
                return Err(self.bury(delivery, Reason::UnknownJob, text, Rest::Message(message)).await);
            }
            Ok(message) => {
                let text = format!("a message for job `{}` in the queue of `{}`", message.target.job, self.job.name);
                return Err(self.bury(delivery, Reason::Malformed, text, Rest::Message(message)).await);
            }
            Err(WireError::Newer { .. }) if delivery.parks < NEWER_PARKS => return Err(self.park(delivery).await),
            Err(error @ WireError::Newer { .. }) => (Reason::UnknownVersion, error.to_string()),
            Err(error) => (Reason::Malformed, error.to_string()),
        };
        Err(self.bury(delivery, reason, text, Rest::Body(None)).await)
    }

    async fn read_foreign(&self, delivery: &Delivery, said: &Foreign) -> Result<EntityMessage, Settled> {
        let plan = self.node.plan();
        let wish = match foreign::read(&delivery.body, said, self.at, plan) {
            Ok(wish) => wish,
            Err(Unreadable { text, run }) => {
                return Err(self.bury(delivery, Reason::Malformed, text, Rest::Body(run)).await);
            }
        };
        let digest = foreign::digest(&self.job.name, &delivery.body, said);
        // What its publisher repeats under one name is one wish. That matters only to what is forced: anything else that
        // is repeated finds what is there, and takes it for no answer that a name was used once before.
        let came_before = delivery.redelivered || (wish.needs_a_run() && said.id.is_some());
        let (now, wave) = ((self.node.settings.clock)(), self.node.next_id());
        let publishing = self.node.publishings.of(digest, came_before, now, wave);
        match wish.message(plan, publishing, self.node.next_id()) {
            Some(message) if wish.needs_a_run() => Err(self.put_into_envelope(message).await),
            Some(message) => Ok(message),
            None => {
                let text = format!("job `{}` is not in the graph that this node runs", self.job.name);
                Err(self.bury(delivery, Reason::UnknownJob, text, Rest::Body(wish.run)).await)
            }
        }
    }

    /// Publishes a forced message once more, now with the run that it redoes things under, and then lets go of the body.
    ///
    /// The run must be later than all stamps so far, so it needs a clock, and the body has none to offer; and it must be
    /// the same at each delivery, so it must lie in what is delivered. Only this hand-over itself can happen twice, where
    /// a node dies before it has settled the body: then the work is done twice, and each time wholly.
    async fn put_into_envelope(&self, message: EntityMessage) -> Settled {
        self.publish(Purpose::PassOn, vec![(message, Duration::ZERO)]).await?;
        Ok((Outcome::HandedOver, None))
    }

    async fn bury(&self, delivery: &Delivery, reason: Reason, text: String, rest: Rest) -> Settled {
        let start = &delivery.body[..delivery.body.len().min(1024)];
        let (run, message) = match rest {
            Rest::Message(message) => (Some(message.run), Some(message)),
            Rest::Body(run) => (run, None),
        };
        let entity = match &message {
            Some(message) => message.target.entity.to_string(),
            None => format!("unreadable {:016x}", xxhash_rust::xxh3::xxh3_64(&delivery.body)),
        };
        let letter = DeadLetter {
            run,
            job: self.job.name.clone(),
            entity,
            reason,
            text: text.clone(),
            stderr: String::new(),
            tries: 0,
            millis: (self.node.settings.clock)(),
            node: self.node.settings.name.to_string(),
            about: None,
            body: message.is_none().then(|| String::from_utf8_lossy(start).into_owned()),
            content_type: delivery.writing.content_type(),
            envelope: DeadLetter::envelope_of(&delivery.body),
            message,
        };
        match self.node.settings.state.keep_letter(&letter).await {
            Ok(_) => Ok((Outcome::Malformed, Some((reason, text)))),
            Err(error) => {
                self.note_trouble(Some(&error));
                self.park(delivery).await.map_err(|e| BrokerError::Unconfirmed(e.to_string()))
            }
        }
    }
}
