//! The properties and headers beside the body of a message.

use std::sync::Arc;

use euterpe_actors::broker::{BodyFormat, ForeignProperties, Outgoing};
use euterpe_actors::trace::TraceContext;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString};

/// The media type of our own envelope.
pub const ENVELOPE: &str = "application/vnd.euterpe.message";
/// The header that counts how often a message was put off.
const PARKS: &str = "parks";
/// The header that says that the work of the message may have ended a process before.
const SUSPECT: &str = "suspect";
/// The header in which other programs name the run that a message belongs to.
const RUN: &str = "run";
/// The header that names the span that caused the message, as W3C Trace Context writes it.
const TRACEPARENT: &str = "traceparent";

/// The properties of an outgoing message. `seconds` since 1970 are its timestamp, which is for display only.
pub fn properties(message: &Outgoing, seconds: u64) -> BasicProperties {
    let mut headers = FieldTable::default();
    if message.parks > 0 {
        headers.insert(PARKS.into(), AMQPValue::LongUInt(message.parks));
    }
    if message.suspect {
        headers.insert(SUSPECT.into(), AMQPValue::Boolean(true));
    }
    if let Some(trace) = message.trace {
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.to_string().into()));
    }
    let properties = BasicProperties::default().with_delivery_mode(2).with_timestamp(seconds);
    let properties = match &message.format {
        BodyFormat::Envelope => properties.with_content_type(ENVELOPE.into()),
        BodyFormat::Foreign(foreign) => {
            if let Some(run) = &foreign.run {
                headers.insert(RUN.into(), AMQPValue::LongString(LongString::from(run.as_str())));
            }
            let properties = match &foreign.id {
                None => properties,
                Some(id) => properties.with_message_id(id.as_str().into()),
            };
            match foreign.content_type.as_str() {
                "" => properties,
                content_type => properties.with_content_type(content_type.into()),
            }
        }
    };
    properties.with_headers(headers)
}

/// Whether the work of a message may have ended a process before, as a copy of it says.
pub fn is_suspect(properties: &BasicProperties) -> bool {
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    matches!(headers.and_then(|headers| headers.get(SUSPECT)), Some(AMQPValue::Boolean(true)))
}

/// The span that caused a message. A header that cannot be read counts as none: the message is worked on all the same.
pub fn trace(properties: &BasicProperties) -> Option<TraceContext> {
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    let text = match headers?.get(TRACEPARENT)? {
        AMQPValue::LongString(text) => text.to_string(),
        AMQPValue::ShortString(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    let read = text.trim().parse();
    read.inspect_err(|bad| tracing::debug!("the header `{TRACEPARENT}` of a message is ignored: {bad}")).ok()
}

/// How a body that came with these properties is written, and how often the message was put off.
pub fn read(properties: &BasicProperties) -> (BodyFormat, u32) {
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    let header = |name: &str| headers.and_then(|headers| headers.get(name));
    let parks = match header(PARKS) {
        Some(AMQPValue::LongUInt(parks)) => *parks,
        _ => 0,
    };
    let content_type = properties.content_type().as_ref().map_or("", |text| text.as_str());
    if content_type == ENVELOPE {
        return (BodyFormat::Envelope, parks);
    }
    let run = match header(RUN) {
        None => None,
        Some(AMQPValue::LongString(run)) => Some(run.to_string()),
        Some(AMQPValue::ShortString(run)) => Some(run.to_string()),
        Some(other) => Some(format!("{other:?}")), // the reader of the message refuses it, and quotes this
    };
    let id = properties.message_id().as_ref().map(|id| id.as_str().to_owned());
    (BodyFormat::Foreign(Arc::new(ForeignProperties { content_type: content_type.to_owned(), run, id })), parks)
}

#[cfg(test)]
mod tests {
    use euterpe_actors::ids::JobName;

    use super::*;

    fn with(header: AMQPValue) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(TRACEPARENT.into(), header);
        BasicProperties::default().with_headers(headers)
    }

    #[test]
    fn the_context_of_a_message_comes_back_from_its_header() {
        let trace = Some(TraceContext { trace: 7, span: 9, sampled: true });
        let job = JobName::new("mel").expect("a name");
        let message = Outgoing { trace, ..Outgoing::now(job, bytes::Bytes::new()) };
        assert_eq!(super::trace(&properties(&message, 0)), trace);
        assert_eq!(super::trace(&properties(&Outgoing { trace: None, ..message }, 0)), None);
    }

    #[test]
    fn a_traceparent_of_any_text_type_is_read_and_what_is_none_is_ignored() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let good = text.parse().ok();
        assert!(good.is_some());
        assert_eq!(trace(&with(AMQPValue::LongString(text.into()))), good);
        assert_eq!(trace(&with(AMQPValue::ShortString(text.into()))), good);
        for wrong in [AMQPValue::LongString("\u{1f9f5}".into()), AMQPValue::LongUInt(7), AMQPValue::Void] {
            assert_eq!(trace(&with(wrong)), None);
        }
        assert_eq!(trace(&BasicProperties::default()), None);
    }
}
