//! What other programs publish: a body becomes a wish for the job in whose queue it lies, or a sentence that says why not.
//!
//! `text/plain` is an entity id: the job is done for it, and then whatever the job's children make of it, like a run that
//! starts at this job. `application/json` says more, see [`schema()`]. Nothing here reads more than a message may have, and
//! nothing panics, whatever the bytes are.

mod json;
mod publishings;
mod schema;

pub use publishings::{Publishing, Publishings, digest};
pub use schema::schema;

use crate::accounting::messages_of;
use crate::broker::Foreign;
use crate::ids::{EntityId, RunId};
use crate::message::{EntityMessage, Force, MAX_MESSAGE_BYTES};
use crate::plan::{JobIx, NodePlan};
use crate::state::Selection;

/// What a body asks for: the words of a run that starts at one job, for one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The entity.
    pub entity: EntityId,
    /// The job in whose queue the body lies, and how it is wanted.
    pub selection: Selection,
    /// The run that it belongs to; none: the inbox.
    pub run: Option<RunId>,
}

/// Why a body asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// All that is wrong with it, in one sentence.
    pub text: String,
    /// The run that it names all the same.
    pub run: Option<RunId>,
}

/// Reads a body that lies in the queue of the job at `job`.
///
/// # Errors
/// [`Unreadable`], with everything that is wrong.
pub fn read(body: &[u8], said: &Foreign, job: JobIx, plan: &NodePlan) -> Result<Wish, Unreadable> {
    let (run, header) = match said.run.as_deref().map(run_of) {
        None => (None, None),
        Some(Ok(run)) => (Some(run), None),
        Some(Err(bad)) => (None, Some(format!("the header `run`: {bad}"))),
    };
    let wish = match media_type(&said.content_type) {
        _ if body.len() > MAX_MESSAGE_BYTES => {
            Err(format!("a message may have at most {MAX_MESSAGE_BYTES} bytes, this one has {}", body.len()))
        }
        Media::Text => read_text(body, job, plan),
        Media::Json => json::read(body, job, plan),
        Media::Other(other) => {
            Err(format!("the content type `{other}` is not read; `text/plain` and `application/json` are"))
        }
    };
    let unreadable = |text| Unreadable { text, run };
    match (wish, header) {
        (Err(text), None) => Err(unreadable(text)),
        (Ok(_), Some(header)) => Err(unreadable(header)),
        (Err(text), Some(header)) => Err(unreadable(format!("{header}; {text}"))),
        (Ok(wish), None) => match (run, wish.run) {
            (Some(outside), Some(inside)) if outside != inside => {
                Err(unreadable(format!("the header `run` says {outside}, and the body says {inside}")))
            }
            (outside, inside) => Ok(Wish { run: outside.or(inside), ..wish }),
        },
    }
}

enum Media {
    Text,
    Json,
    Other(String),
}

/// The media type without its parameters. Text is UTF-8 whatever a parameter says, as is an id; nothing is text.
fn media_type(content_type: &str) -> Media {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "" | "text/plain" => Media::Text,
        "application/json" => Media::Json,
        other => Media::Other(short(other)),
    }
}

/// An entity id, with one line break after it where a shell put one.
fn read_text(body: &[u8], job: JobIx, plan: &NodePlan) -> Result<Wish, String> {
    let text = std::str::from_utf8(body).map_err(|error| format!("the text is not UTF-8: {error}"))?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    let entity = EntityId::new(text).map_err(|bad| format!("the text is not an id: {bad}"))?;
    Ok(Wish { entity, selection: from_here(job, plan), run: None })
}

fn run_of(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|_| format!("`{}` is not a run id, such as 20261123-063012.345-1a2b3c4d", short(text)))
}

/// The start of a text by others, without what could steer a terminal.
fn short(text: &str) -> String {
    let (mut chars, mut short) = (text.chars(), String::new());
    short.extend(chars.by_ref().take(120).flat_map(char::escape_debug));
    if chars.next().is_some() { short + "…" } else { short }
}

/// A run that starts at the job at `job`.
fn from_here(job: JobIx, plan: &NodePlan) -> Selection {
    Selection { job: Some(plan.job(job).name.clone()), ..Selection::default() }
}

impl Wish {
    /// The message that fulfils it.
    pub fn message(&self, plan: &NodePlan, publishing: Publishing, id: u64) -> Option<EntityMessage> {
        let run = self.run.unwrap_or(publishing.run);
        messages_of(plan, &self.selection, run, publishing.wave, &self.entity, || id).pop()
    }

    /// Whether it redoes what is there, under a run that the message does not bear. Such a run must stay the same however
    /// often the message is delivered, and be later than all before: the message alone cannot say it.
    pub fn needs_a_run(&self) -> bool {
        self.run.is_none() && self.selection.force != Force::None
    }
}

#[cfg(test)]
mod tests;
