//! Bytes become a message addressed to this job, or a dead letter.

use super::desk::Desk;
use super::settle::Settled;
use crate::broker::{BrokerError, Delivery};
use crate::message::EntityMessage;
use crate::outcome::{Outcome, Reason};
use crate::state::DeadLetter;
use crate::wire::{self, WireError};

/// How often a message of a newer version is put off, about an hour in all, before it becomes a dead letter.
const NEWER_PARKS: u32 = 64;

impl Desk {
    /// The message in a delivery, or how a delivery without one was settled.
    pub(super) async fn arrive(&self, delivery: &Delivery) -> Result<EntityMessage, Settled> {
        let (reason, text) = match wire::decode(&delivery.body) {
            Ok(message) if message.target.job == self.job.name => return Ok(message),
            Ok(message) if self.node.plan().find(message.target.job.as_str()).is_none() => {
                let text = format!("no job named `{}` in this graph", message.target.job);
                return Err(self.bury(delivery, Reason::UnknownJob, text, Some(message)).await);
            }
            Ok(message) => {
                let text = format!("a message for job `{}` in the queue of `{}`", message.target.job, self.job.name);
                return Err(self.bury(delivery, Reason::Malformed, text, Some(message)).await);
            }
            Err(WireError::Newer { .. }) if delivery.parks < NEWER_PARKS => return Err(self.park(delivery).await),
            Err(error @ WireError::Newer { .. }) => (Reason::UnknownVersion, error.to_string()),
            Err(error) => (Reason::Malformed, error.to_string()),
        };
        Err(self.bury(delivery, reason, text, None).await)
    }

    async fn bury(&self, delivery: &Delivery, reason: Reason, text: String, message: Option<EntityMessage>) -> Settled {
        let start = &delivery.body[..delivery.body.len().min(1024)];
        let entity = match &message {
            Some(message) => message.target.entity.to_string(),
            None => format!("unreadable {:016x}", xxhash_rust::xxh3::xxh3_64(&delivery.body)),
        };
        let letter = DeadLetter {
            run: message.as_ref().map(|message| message.run),
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
            content_type: None,
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
