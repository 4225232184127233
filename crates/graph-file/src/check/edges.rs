//! Whether the entities of parent and child fit together, edge by edge.

use euterpe_actors::ids::EntityId;
use euterpe_actors::plan::{Mapping, Route};
use euterpe_actors::template::{EntityForm, Piece, Template, Var};

use super::Draft;
use crate::problem::{Findings, Place, printable};

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
                        findings.add(written.from.place, path, message);
                    }
                }
                Mapping::To(map) => {
                    let place = written.id.as_ref().map_or(Place::default(), |id| id.place);
                    if !gives(map, form, above) {
                        let message = format!("`{map}` is no entity of `{name}`, whose form is `{above}`");
                        findings.add(place, format!("{path}.id"), message);
                    }
                }
            }
        }
    }
}

/// Whether the mapping of an entity of `form` fits `above`: tried with an entity made up of short parts.
fn gives(map: &Template, form: &EntityForm, above: &EntityForm) -> bool {
    let mut id = String::new();
    for piece in form.pieces() {
        match piece {
            Piece::Text(text) => id.push_str(text),
            Piece::Var(Var::Part(at)) => id.push_str(&format!("x{at}x")),
            Piece::Var(_) => id.push_str("x0x"),
        }
    }
    // A form whose separator is made of such letters cannot be tried; its entities are looked at when they run.
    let Ok(entity) = EntityId::new(&id) else { return true };
    let Some(parts) = form.split(&entity) else { return true };
    map.entity(&parts).is_ok_and(|entity| above.split(&entity).is_some())
}

/// A mapping that would do, for the message.
fn example(form: &EntityForm, above: &EntityForm) -> String {
    match (form.names(), above.names()) {
        ([first, ..], []) => format!("{{{first}}}"),
        _ => above.to_string(),
    }
}
