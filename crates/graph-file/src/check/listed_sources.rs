//! Inputs that list one source take the same names of it: what one of them leaves out would come by another.

use euterpe_actors::plan::Route;
use euterpe_actors::template::Piece;

use super::clash::root;
use super::draft::Draft;
use super::stores::CheckedStore;
use crate::plan::{Patterns, can_list};
use crate::position::Position;
use crate::problem::Findings;
use crate::wording::printable;

/// An input whose source can be listed.
struct Listed<'d> {
    /// The place of the source.
    source: String,
    /// The form of the ids that are read from it.
    form: &'d [Piece],
    patterns: Patterns,
    is_optional: bool,
    position: Position,
    path: String,
    job: &'d str,
}

impl Listed<'_> {
    /// Whether a file may be listed for both, under one id: `{id}.{ext}` lists what `{id}.json` does.
    fn overlaps(&self, other: &Self) -> bool {
        let is_of = |any: &str, one: &str| {
            let stem = any.strip_suffix("{ext}").and_then(|stem| one.strip_prefix(stem));
            stem.is_some_and(|extension| !extension.contains(['/', '.']))
        };
        let (one, other, same) = (&self.source, &other.source, self.form == other.form);
        same && (one == other || is_of(one, other) || is_of(other, one))
    }
}

/// Checks that all jobs whose ids have one form say the same of a source that they list.
pub fn check(drafts: &[Draft<'_>], stores: &[CheckedStore], findings: &Findings) {
    let mut listed: Vec<Listed<'_>> = drafts.iter().flat_map(|draft| of_job(draft, stores)).collect();
    // A source that an entity may lack is listed only where there is no other.
    if listed.iter().any(|one| !one.is_optional) {
        listed.retain(|one| !one.is_optional);
    }
    for (at, one) in listed.iter().enumerate() {
        let other = listed[..at].iter().find(|other| other.overlaps(one) && other.patterns != one.patterns);
        if let Some(other) = other {
            let message = format!(
                "`{}` lists the same source with another `include` or `exclude`, and what one of them leaves out would \
                 come by the other; write the same in both",
                printable(other.job)
            );
            findings.add(one.position, one.path.clone(), message);
        }
    }
}

fn of_job<'d>(draft: &'d Draft<'_>, stores: &[CheckedStore]) -> Vec<Listed<'d>> {
    let mut listed = Vec::new();
    for (written, input) in draft.written.inputs.iter().zip(&draft.inputs) {
        let (Some(input), Some(form)) = (input, &draft.form) else { continue };
        let Route::Source { store, key, optional, .. } = &input.from else { continue };
        let place = stores.iter().find(|known| known.name == store.as_str()).and_then(|known| known.checked.as_ref());
        let (Some(place), true) = (place, can_list(key)) else { continue };
        listed.push(Listed {
            source: format!("{}{key}", root(&place.location)),
            form: form.pieces(),
            patterns: draft.patterns.get(&input.name).cloned().unwrap_or_default(),
            is_optional: *optional,
            position: written.from.position,
            path: format!("{}.in.{}", draft.path, printable(&written.name.value)),
            job: &draft.written.name.value,
        });
    }
    listed
}
