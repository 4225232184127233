//! What a node of this process tells the tracker: how messages ended, what is in hand, what went wrong.

use euterpe_actors::events::{Event, Observer};
use euterpe_actors::message::Kind;
use euterpe_actors::outcome::Outcome;

use super::Tracker;

impl Observer for Tracker {
    fn on(&self, event: &Event<'_>) {
        match event {
            Event::Handled { message: Some(message), outcome, why, .. } => {
                let (job, entity) = (&message.target.job, &message.target.entity);
                // The reason of a failure that is only passed on is the ancestor's.
                let why = match &message.kind {
                    Kind::Failed(failure) => Some((failure.reason, failure.text.as_str())),
                    Kind::Work => *why,
                };
                if let (Outcome::Dead | Outcome::Retried, Some((reason, text))) = (outcome, why) {
                    self.say(job, entity, message.attempt, *outcome, reason, text);
                }
                let took = self.locked().in_hand.end(job, entity, message.id);
                if let Some(took) = took {
                    self.worked(job, entity, took);
                }
                let was_left = self.handled(job, entity, *outcome, why.map(|(reason, _)| reason));
                // A wave comes to nothing that the run does not require.
                if *outcome == Outcome::Done && message.is_wave() && !was_left {
                    self.made_after_all(job);
                }
            }
            Event::Stalled { job, text } => {
                self.locked().tally.stalls.insert(job.to_string(), (*text).to_owned());
                self.trouble(job.as_str(), format!("a store is in trouble, waiting for it: {text}"), false);
            }
            Event::OtherSetup { job, text } => {
                self.trouble(job.as_str(), format!("left to other nodes: {text}"), false)
            }
            Event::Recovered { job } => {
                self.locked().tally.stalls.remove(job.as_str());
                self.trouble(job.as_str(), "the store answers again".into(), true);
            }
            Event::PoolPaused { job, text } => {
                self.trouble(job.as_str(), format!("this machine is in trouble, the job pauses: {text}"), false);
            }
            Event::PoolResumed { job } => self.trouble(job.as_str(), "the machine can work again".into(), true),
            Event::Unconfirmed { job, message, text } => {
                if let Some(message) = message {
                    self.locked().in_hand.end(job, &message.target.entity, message.id);
                }
                self.trouble(job.as_str(), format!("not confirmed: {text}"), false);
            }
            Event::WorkerFailed { job, text } => {
                self.trouble(job.as_str(), format!("a worker could not start: {text}"), false);
            }
            Event::WorkerLost { job, slot, restart_in: None } => {
                let text = format!("worker {slot} was lost, and its pool loses them too fast; next try in 30 s");
                self.trouble(job.as_str(), text, false);
            }
            Event::WorkerLost { job, slot, .. } => {
                self.trouble(job.as_str(), format!("worker {slot} was lost and is replaced"), false);
            }
            Event::Started { job, entity, message } => self.locked().in_hand.begin(job, entity, message.id),
            Event::Abandoned { job, entity, message } => {
                self.locked().in_hand.end(job, entity, *message);
            }
            Event::Handled { message: None, .. }
            | Event::Awaited { .. }
            | Event::Published { .. }
            | Event::Worked { .. }
            | Event::Traced { .. }
            | Event::LeftToOthers { .. }
            | Event::ClaimLost { .. } => {}
        }
    }
}
