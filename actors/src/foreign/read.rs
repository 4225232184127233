//! Reads a body: plain text is an entity id, JSON says more.

use super::json;
use super::message::{ForeignMessage, Unreadable, starting_at};
use super::text::{run_id, shortened};
use crate::broker::ForeignProperties;
use crate::ids::EntityId;
use crate::message::MAX_MESSAGE_BYTES;
use crate::plan::{JobIx, NodePlan};

/// Reads a body that lies in the queue of the job at `job`.
///
/// # Errors
/// [`Unreadable`], with everything that is wrong.
pub fn read(body: &[u8], said: &ForeignProperties, job: JobIx, plan: &NodePlan) -> Result<ForeignMessage, Unreadable> {
    let (run, header) = match said.run.as_deref().map(run_id) {
        None => (None, None),
        Some(Ok(run)) => (Some(run), None),
        Some(Err(bad)) => (None, Some(format!("the header `run`: {bad}"))),
    };
    let message = match media_type(&said.content_type) {
        _ if body.len() > MAX_MESSAGE_BYTES => {
            Err(format!("a message may have at most {MAX_MESSAGE_BYTES} bytes, this one has {}", body.len()))
        }
        MediaType::Text => read_text(body, job, plan),
        MediaType::Json => json::read(body, job, plan),
        MediaType::Other(other) => {
            Err(format!("the content type `{other}` is not read; `text/plain` and `application/json` are"))
        }
    };
    let unreadable = |text| Unreadable { text, run };
    match (message, header) {
        (Err(text), None) => Err(unreadable(text)),
        (Ok(_), Some(header)) => Err(unreadable(header)),
        (Err(text), Some(header)) => Err(unreadable(format!("{header}; {text}"))),
        (Ok(message), None) => match (run, message.run) {
            (Some(outside), Some(inside)) if outside != inside => {
                Err(unreadable(format!("the header `run` says {outside}, and the body says {inside}")))
            }
            (outside, inside) => Ok(ForeignMessage { run: outside.or(inside), ..message }),
        },
    }
}

enum MediaType {
    Text,
    Json,
    Other(String),
}

/// The media type without its parameters. Text is read as UTF-8 whatever its parameters say; no type at all means text.
fn media_type(content_type: &str) -> MediaType {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "" | "text/plain" => MediaType::Text,
        "application/json" => MediaType::Json,
        other => MediaType::Other(shortened(other)),
    }
}

/// An entity id, perhaps followed by one line break.
fn read_text(body: &[u8], job: JobIx, plan: &NodePlan) -> Result<ForeignMessage, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("the text is not UTF-8: {error}"))?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    let entity = EntityId::of_name(text).map_err(|bad| format!("the text is not an id: {bad}"))?;
    Ok(ForeignMessage { entity, selection: starting_at(job, plan), run: None })
}
