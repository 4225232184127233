//! What a node tells of its messages, as spans: one for each message in hand, and below it one for each part of its work.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use euterpe_actors::events::{Event, Observer, SpanEnd, WorkTimes};
use euterpe_actors::ids::JobName;
use euterpe_actors::message::Kind;
use euterpe_actors::outcome::{Outcome, Reason};
use euterpe_actors::trace::{MessageSpan, TraceContext};

use super::buffer::SpanBuffer;
use super::span::{Attribute, Span, SpanKind};

/// An observer of whose events spans are made, too.
pub(super) struct Traced {
    pub graph: String,
    pub node: String,
    pub buffer: Arc<SpanBuffer>,
    pub inner: Arc<dyn Observer>,
}

impl Observer for Traced {
    fn on(&self, event: &Event<'_>) {
        if let Event::Traced { job, span, ended } = event
            && span.own.sampled
        {
            self.buffer.put(self.spans(job, *span, ended));
        }
        self.inner.on(event);
    }
}

impl Traced {
    fn spans(&self, job: &JobName, span: MessageSpan, ended: &SpanEnd<'_>) -> Vec<Span> {
        let end = SystemTime::now();
        let start = end.checked_sub(ended.took).unwrap_or(end);
        let mut attributes: Vec<(&'static str, Attribute)> = vec![
            ("euterpe.graph", self.graph.clone().into()),
            ("euterpe.job", job.to_string().into()),
            ("euterpe.node", self.node.clone().into()),
        ];
        if let Some(message) = ended.message {
            attributes.extend([
                ("euterpe.entity", message.target.entity.to_string().into()),
                ("euterpe.run", message.run.to_string().into()),
                ("euterpe.attempt", Attribute::Whole(message.attempt.into())),
            ]);
        }
        let outcome = ended.outcome.map_or("unconfirmed", Outcome::name);
        attributes.push(("euterpe.outcome", outcome.to_owned().into()));
        if let Some(reason) = ended.reason {
            attributes.push(("euterpe.reason", reason.name().to_owned().into()));
        }
        let mut spans = vec![Span {
            context: span.own,
            parent: span.parent,
            name: job.to_string().into(),
            kind: SpanKind::Consumer,
            start,
            end,
            attributes,
            error: error(ended),
        }];
        spans.extend(ended.times.iter().flat_map(|times| phases(span.own, start, times)));
        spans
    }
}

/// What went wrong, where the message came to no good end or its try failed.
fn error(ended: &SpanEnd<'_>) -> Option<String> {
    let is_skip = ended.reason.is_some_and(Reason::is_skip);
    match ended.outcome {
        Some(Outcome::Dead | Outcome::Malformed | Outcome::Retried) | None => {}
        Some(Outcome::UpstreamFailed) if !is_skip => {}
        Some(_) => return None,
    }
    // The reason of a failure that is only passed on is the ancestor's.
    let ancestor = ended.message.and_then(|message| match &message.kind {
        Kind::Failed(failure) => Some(&failure.target),
        Kind::Work => None,
    });
    let mut words: Vec<String> = ancestor.map(ToString::to_string).into_iter().collect();
    words.extend(ended.reason.map(|reason| reason.to_string()));
    words.extend(ended.text.map(short));
    Some(words.join(": "))
}

/// The most bytes of a sentence in a span; the dead letter has all of it.
const MOST_TEXT: usize = 1024;

fn short(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= MOST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A span for each part of a work, one after the other.
fn phases(work: TraceContext, start: SystemTime, times: &WorkTimes) -> Vec<Span> {
    let WorkTimes { wait, fetch, work: worked, store, publish } = *times;
    let parts: [(&'static str, Option<Duration>); 5] = [
        ("wait", Some(wait)),
        ("fetch", Some(fetch)),
        ("work", Some(worked)),
        ("store", store),
        ("publish", Some(publish)),
    ];
    let mut begin = start;
    let took = parts.into_iter().filter_map(|(name, took)| Some((name, took?)));
    took.enumerate()
        .map(|(at, (name, took))| {
            let (from, to) = (begin, begin + took);
            begin = to;
            Span {
                context: TraceContext { span: below(work.span, at as u64), ..work },
                parent: Some(work.span),
                name: name.into(),
                kind: SpanKind::Internal,
                start: from,
                end: to,
                attributes: Vec::new(),
                error: None,
            }
        })
        .collect()
}

/// The id of a part of a work: a mixture of both, for ids are random numbers.
fn below(span: u64, part: u64) -> u64 {
    let mut mixed = span ^ (part + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed ^ (mixed >> 32)).max(1)
}
