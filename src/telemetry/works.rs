//! What an event says, with what is known of the work that it is about.

use std::fmt;

use euterpe_actors::work_span::WORK_SPAN;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Whether this is the span of a work.
pub(super) fn is_work(said: &Metadata<'_>) -> bool {
    said.is_span() && said.name() == WORK_SPAN
}

/// Remembers the fields of the spans of works, for the layers that call [`said`]. Those have to let these spans pass.
pub(super) struct Works;

/// The fields of the span of a work.
struct OfWork(Map<String, Value>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Works {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if span.metadata().name() != WORK_SPAN {
            return;
        }
        let mut fields = Fields::default();
        span.record(&mut fields);
        if let Some(kept) = context.span(id) {
            kept.extensions_mut().replace(OfWork(fields.0));
        }
    }
}

/// The target of an event and its fields, those of its work among them.
pub(super) fn said<S>(event: &Event<'_>, context: &Context<'_, S>) -> (String, Map<String, Value>)
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let mut fields = Fields::default();
    event.record(&mut fields);
    let mut said = fields.0;
    for span in context.event_scope(event).into_iter().flatten() {
        if let Some(OfWork(fields)) = span.extensions().get() {
            fill(&mut said, fields);
        }
    }
    let target = from_log(&mut said).unwrap_or_else(|| event.metadata().target().to_owned());
    (target, said)
}

/// Adds the fields of the work. What the event says itself goes before them, unless it is nothing.
fn fill(said: &mut Map<String, Value>, work: &Map<String, Value>) {
    for (name, value) in work {
        let known = said.entry(name.clone()).or_insert(Value::Null);
        if known.is_null() || known == "" {
            *known = value.clone();
        }
    }
}

/// Removes what the crate `log` adds. The target that it means, where the event came from it.
fn from_log(said: &mut Map<String, Value>) -> Option<String> {
    let target = said.remove("log.target");
    said.retain(|name, _| !name.starts_with("log."));
    target?.as_str().map(str::to_owned)
}

/// Fields as they come.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }
}
