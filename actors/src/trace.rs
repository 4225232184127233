//! Traces: the context that messages carry from span to span, as W3C Trace Context writes it, and which traces are recorded.

use std::fmt;
use std::str::FromStr;

use crate::ids::{EntityId, RunId};

/// Names a span to those that it causes: what the header `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace; never 0.
    pub trace: u128,
    /// The span; never 0.
    pub span: u64,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// Why a text is no `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no traceparent; one looks like 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
pub struct BadTraceparent(String);

impl FromStr for TraceContext {
    type Err = BadTraceparent;

    /// Reads version 00 of <https://www.w3.org/TR/trace-context/>, and what later versions have in common with it.
    fn from_str(text: &str) -> Result<Self, BadTraceparent> {
        read(text).ok_or_else(|| BadTraceparent(text.chars().take(80).collect()))
    }
}

fn read(text: &str) -> Option<TraceContext> {
    let mut fields = text.split('-');
    let version = hexadecimal(fields.next()?, 2)?;
    let trace = hexadecimal(fields.next()?, 32)?;
    let span = u64::try_from(hexadecimal(fields.next()?, 16)?).ok()?;
    let flags = hexadecimal(fields.next()?, 2)?;
    let has_more = fields.next().is_some();
    let is_good = version != 0xff && trace != 0 && span != 0 && !(version == 0 && has_more);
    is_good.then_some(TraceContext { trace, span, sampled: flags & 1 == 1 })
}

/// So many digits, none of them a capital letter.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_good = text.len() == digits && text.bytes().all(is_digit);
    if is_good { u128::from_str_radix(text, 16).ok() } else { None }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }
}

/// The one trace of an entity in a run: every node derives the same.
pub fn trace_of(run: RunId, entity: &EntityId) -> u128 {
    xxhash_rust::xxh3::xxh3_128(format!("{run}/{entity}").as_bytes()).max(1)
}

/// The span of one message in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageSpan {
    /// Names it.
    pub own: TraceContext,
    /// The span below which it stands; none where it is the first one.
    pub parent: Option<u64>,
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Whether it is as the sender of a message decided, where it decided.
    pub follows_parent: bool,
    /// The share of all other traces, from 0 to 1.
    pub share: f64,
}

impl Default for Sampling {
    /// All, but for those that their beginner does not want.
    fn default() -> Self {
        Self { follows_parent: true, share: 1.0 }
    }
}

impl Sampling {
    /// The span numbered `id` of a message that came with `parent`, or began the trace numbered `trace`.
    pub fn span(&self, parent: Option<TraceContext>, trace: impl FnOnce() -> u128, id: u64) -> MessageSpan {
        let trace = parent.map_or_else(trace, |parent| parent.trace);
        let sampled = match parent {
            Some(parent) if self.follows_parent => parent.sampled,
            _ => self.takes(trace),
        };
        let own = TraceContext { trace, span: id.max(1), sampled };
        MessageSpan { own, parent: parent.map(|parent| parent.span) }
    }

    /// Whether a trace is among the share: the same on every node, as OpenTelemetry's `TraceIdRatioBased` decides.
    fn takes(&self, trace: u128) -> bool {
        let place = (trace as u64 >> 1) as f64;
        self.share >= 1.0 || place < self.share * (1_u64 << 63) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_reads_back_from_its_text() {
        let context: TraceContext = EXAMPLE.parse().expect("the example of the standard");
        assert_eq!((context.trace, context.span), (0x4bf92f3577b34da6a3ce929d0e0e4736, 0x00f067aa0ba902b7));
        assert!(context.sampled);
        assert_eq!(context.to_string(), EXAMPLE);
        let later = EXAMPLE.replacen("00", "cc", 1) + "-what-will-be-in-2031";
        assert_eq!(later.parse(), Ok(context), "a later version may say more");
    }

    #[test]
    fn what_is_no_traceparent_is_told_from_one() {
        for wrong in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert!(wrong.parse::<TraceContext>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_of_the_traces_is_recorded_and_each_node_chooses_the_same() {
        let entity = |n: u32| EntityId::new(&format!("t-{n}")).expect("an id");
        let sampling = Sampling { follows_parent: true, share: 0.25 };
        let sampled = |n: u32| sampling.span(None, || trace_of(RunId::new(7, 7), &entity(n)), 1).own.sampled;
        let count = (0..4000).filter(|n| sampled(*n)).count();
        assert!((900..1100).contains(&count), "{count} of 4000");
        assert!((0..100).all(|n| sampled(n) == sampled(n)));
    }

    #[test]
    fn what_the_sender_decided_holds_unless_it_is_not_to_be_followed() {
        let parent = TraceContext { sampled: false, ..EXAMPLE.parse().expect("an example") };
        let span = |follows_parent| Sampling { follows_parent, share: 1.0 }.span(Some(parent), || 1, 9);
        assert_eq!((span(true).own.sampled, span(false).own.sampled), (false, true));
        assert_eq!((span(true).own.trace, span(true).parent), (parent.trace, Some(parent.span)));
    }
}
