//! A span as it is sent: a name, a time, where it stands, what is known of it.

use std::borrow::Cow;
use std::time::SystemTime;

use euterpe_actors::trace::TraceContext;

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Span {
    /// Its trace and itself.
    pub context: TraceContext,
    /// The span below which it stands; none for the root of a trace.
    pub parent: Option<u64>,
    /// One of few names: a job, a phase of a work, `entity`.
    pub name: Cow<'static, str>,
    /// What kind of work it stands for.
    pub kind: SpanKind,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// What went wrong, where something did.
    pub error: Option<String>,
}

/// What kind of work a span stands for, in the words of OpenTelemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A part of other work.
    Internal,
    /// Messages are published.
    Producer,
    /// A message is worked on.
    Consumer,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// Text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Attribute::Text(text)
    }
}
