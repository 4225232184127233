//! The span of the message in hand: where it stands in its trace, and what is told of it in the end.

use super::decision::Settled;
use super::executor::Executor;
use crate::broker::Delivery;
use crate::events::{Event, SpanEnd, WorkTimes};
use crate::message::EntityMessage;
use crate::outcome::Outcome;
use crate::trace::trace_of;

impl Executor {
    /// Begins the span of a message, where this node traces. What the message causes stands below it. Another try and a copy
    /// for later stand beside it, below the same span; below the first span of a trace, which has none above it.
    pub(super) fn begin_span(&mut self, message: &mut EntityMessage, delivery: &mut Delivery) {
        let Some(sampling) = self.node.settings.traces else { return };
        let trace = || trace_of(message.run, &message.target.entity);
        let span = sampling.span(delivery.trace, trace, self.node.next_id());
        message.trace = Some(span.own);
        delivery.trace.get_or_insert(span.own);
        self.span = Some(span);
    }

    /// Tells of the span. A body that could not be read has one, too; one that was only put off or handed on has none.
    pub(super) fn end_span(
        &mut self,
        message: Option<&EntityMessage>,
        delivery: Option<&Delivery>,
        settled: &Settled,
        times: Option<WorkTimes>,
    ) {
        let malformed = matches!(settled, Ok((Outcome::Malformed, _)));
        let span = match (self.span.take(), self.node.settings.traces) {
            (Some(span), _) => span,
            (None, Some(sampling)) if malformed => {
                let id = self.node.next_id();
                let of_its_own = || u128::from(id) << 64 | u128::from(self.node.next_id());
                sampling.span(delivery.and_then(|delivery| delivery.trace), of_its_own, id)
            }
            _ => return,
        };
        let (outcome, reason, text) = match settled {
            Ok((outcome, why)) => {
                let (reason, text) = why.as_ref().map(|(reason, text)| (*reason, text.clone())).unzip();
                (Some(*outcome), reason, text)
            }
            Err(error) => (None, None, Some(error.to_string())),
        };
        let (text, took) = (text.as_deref(), self.arrived.elapsed());
        let ended = SpanEnd { message, outcome, reason, text, took, times };
        self.tell(&Event::Traced { job: &self.job.name, span, ended });
    }
}
