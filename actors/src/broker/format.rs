//! The format of a body: our own envelope, or whatever another program wrote.

use std::sync::Arc;

/// How a body is to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BodyFormat {
    /// Our own envelope, written by a node.
    #[default]
    Envelope,
    /// Written by another program, with what it said beside the body.
    Foreign(Arc<ForeignProperties>),
}

impl BodyFormat {
    /// The content type that another program gave, at most 255 characters; none for our own envelope.
    pub fn content_type(&self) -> Option<String> {
        match self {
            BodyFormat::Envelope => None,
            BodyFormat::Foreign(said) => Some(said.content_type.chars().take(255).collect()),
        }
    }
}

/// What another program says beside a body, such as AMQP's properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForeignProperties {
    /// The media type, such as `text/plain`; empty where none was given.
    pub content_type: String,
    /// The run that the message belongs to, as text, if it names one.
    pub run: Option<String>,
    /// The id that the publisher gave to this publish, such as AMQP's property `message-id`.
    ///
    /// A publisher that got no confirm publishes again under the same id, and forced work is then done once. Without an
    /// id nothing tells one message that was published twice from two messages that each force the work.
    pub id: Option<String>,
}
