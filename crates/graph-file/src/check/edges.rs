//! Checks edge by edge that the entities of parent and child fit together.

use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::{Mapping, Route};
use euterpe_actors::template::{EntityForm, Piece, Template, Var};

use super::draft::Draft;
use crate::position::Position;
use crate::problem::Findings;
use crate::wording::printable;
use crate::written::Work;

/// Checks every edge between jobs.
pub fn check(drafts: &[Draft<'_>], findings: &Findings) {
    for draft in drafts {
        for (written, input) in draft.written.inputs.iter().zip(&draft.inputs) {
            let Some(Route::Job { job, entity, .. }) = input.as_ref().map(|input| &input.from) else { continue };
            let parent = &drafts[job.0];
            let (Some(form), Some(above)) = (&draft.form, &parent.form) else { continue };
            let path = format!("{}.in.{}", draft.path, printable(&written.name.value));
            let name = printable(&parent.written.name.value);
            match entity {
                Mapping::Same => {
                    if form.pieces() != above.pieces() {
                        let message = format!(
                            "this job's entities are `{form}` and those of `{name}` are `{above}`; \
                             say which one, such as `{{from: {name}, id: \"{}\"}}`",
                            example(form, above)
                        );
                        findings.add(written.from.position, path, message);
                    }
                }
                Mapping::To(map) => {
                    let position = written.id.as_ref().map_or(Position::default(), |id| id.position);
                    if !gives(map, form, above) {
                        let message = format!("`{map}` is no entity of `{name}`, whose form is `{above}`");
                        findings.add(position, format!("{path}.id"), message);
                    }
                }
            }
        }
    }
}

/// Checks that no transform is given what it can never read, by the suffix of the parent's output or of a source.
pub fn check_readable(drafts: &[Draft<'_>], findings: &Findings) {
    for draft in drafts {
        // A Python function gets the path of whatever it asks for.
        let (Some(entry), Some(Work::Use(transform))) = (draft.entry, &draft.written.work) else { continue };
        for (written, input) in draft.written.inputs.iter().zip(&draft.inputs) {
            let key = match input.as_ref().map(|input| &input.from) {
                Some(Route::Source { key, .. }) if !key.has_ext() => Some(key),
                Some(Route::Job { job, output, .. }) => {
                    drafts[job.0].outputs.get(*output).and_then(Option::as_ref).map(|output| &output.key)
                }
                _ => None,
            };
            let Some(suffix) = key.map(Template::suffix).filter(|suffix| entry.is_unreadable(suffix)) else { continue };
            let path = format!("{}.in.{}", draft.path, printable(&written.name.value));
            let message = format!(
                "`{}` cannot read `.{}` files, which `{}` gives it; give it another input, or convert this one before",
                transform.value,
                printable(suffix),
                printable(&written.from.value)
            );
            findings.add(written.from.position, path, message);
        }
    }
}

/// Whether `map` turns an entity of `form` into one of `above`. It is tried with an entity of short made-up parts.
fn gives(map: &Template, form: &EntityForm, above: &EntityForm) -> bool {
    let mut id = String::new();
    for piece in form.pieces() {
        match piece {
            Piece::Text(text) => id.push_str(text),
            Piece::Var(Var::Part(at)) => id.push_str(&format!("x{at}x")),
            Piece::Var(_) => id.push_str("x0x"),
        }
    }
    // A form whose separators are made of such letters cannot be tried; then the entities are checked when they run.
    let Ok(entity) = EntityId::new(&id) else { return true };
    let Some(parts) = form.split(&entity) else { return true };
    map.entity(&parts).is_ok_and(|entity| above.split(&entity).is_some())
}

/// A mapping that fits, for the message.
fn example(form: &EntityForm, above: &EntityForm) -> String {
    match (form.names(), above.names()) {
        ([first, ..], []) => format!("{{{first}}}"),
        _ => above.to_string(),
    }
}
