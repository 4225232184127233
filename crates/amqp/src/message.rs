//! The properties and headers beside the body of a message.

use std::sync::Arc;

use euterpe_actors::broker::{BodyFormat, ForeignProperties, Outgoing};
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

/// The properties of an outgoing message. `seconds` since 1970 are its timestamp, which is for display only.
pub fn properties(message: &Outgoing, seconds: u64) -> BasicProperties {
    let mut headers = FieldTable::default();
    if message.parks > 0 {
        headers.insert(PARKS.into(), AMQPValue::LongUInt(message.parks));
    }
    if message.suspect {
        headers.insert(SUSPECT.into(), AMQPValue::Boolean(true));
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
