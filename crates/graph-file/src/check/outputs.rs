//! Checks the outputs: the store is known, the key is sound, and no two entities get the same key.

use euterpe_actors::ids::InputName;
use euterpe_actors::plan::OutputPlan;
use euterpe_actors::template::{EntityForm, Piece, Template, Var, may_stand_in_variable};

use super::draft::Draft;
use super::stores::CheckedStore;
use crate::location::Store;
use crate::position::At;
use crate::problem::Findings;
use crate::wording::{did_you_mean, printable};
use crate::written::Output;

/// The longest template of a key, in bytes.
const LONGEST: usize = 256;
/// The most outputs of a job.
const MOST_OUTPUTS: usize = 16;

/// Reads the outputs of each job.
pub fn read(drafts: &mut [Draft<'_>], stores: &[CheckedStore], findings: &Findings) {
    for draft in drafts {
        if let Some(extra) = draft.written.outputs.get(MOST_OUTPUTS) {
            let path = format!("{}.outputs", draft.path);
            findings.add(extra.name.position, path, format!("a job has at most {MOST_OUTPUTS} outputs"));
        }
        draft.outputs = draft.written.outputs.iter().map(|output| read_one(draft, output, stores, findings)).collect();
    }
}

fn read_one(draft: &Draft<'_>, output: &Output, stores: &[CheckedStore], findings: &Findings) -> Option<OutputPlan> {
    let path = draft.output_path(&output.name.value);
    if let Err(error) = InputName::new(&output.name.value) {
        findings.add(output.name.position, path.clone(), error.to_string());
    }
    let (store, key) = match output.to.value.split_once(':') {
        Some(split) => split,
        None => {
            findings.add(output.to.position, path, "no store here; write `store:key`, such as `derived:mel/{id}.npy`");
            return None;
        }
    };
    let known = find_store(store, &output.to, &path, stores, findings);
    let form = draft.form.as_ref()?;
    let refuse = |message: String| {
        findings.add(output.to.position, path.clone(), message);
        None
    };
    if key.contains("{ext}") {
        return refuse("`{ext}` ends a source only; an output names its suffix, such as `.flac`".into());
    }
    if let Err(message) = sound_key(key) {
        return refuse(message);
    }
    let template = match Template::parse(key, form) {
        Ok(template) => template,
        Err(error) => return refuse(error.to_string()),
    };
    if let Err(message) = one_key_for_each(&template, form) {
        return refuse(message);
    }
    Some(OutputPlan { store: known?.name.clone(), key: template })
}

/// The store called `name`; an unknown one is a problem.
pub fn find_store<'s>(
    name: &str,
    at: &At<String>,
    path: &str,
    stores: &'s [CheckedStore],
    findings: &Findings,
) -> Option<&'s Store> {
    match stores.iter().find(|store| store.name == name) {
        Some(store) => store.checked.as_ref(),
        None => {
            let near = did_you_mean(name, stores.iter().map(|store| store.name.as_str()));
            findings.add(at.position, path, format!("no store named `{}`{near}", printable(name)));
            None
        }
    }
}

/// Refuses a key that could lead out of its store, or that not every store can have.
pub fn sound_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("the key after the store is missing; write one such as `mel/{id}.npy`".into());
    }
    if key.len() > LONGEST {
        return Err(format!("a key has at most {LONGEST} bytes, this one has {}", key.len()));
    }
    if let Some(bad) = key.chars().find(|c| c.is_control() || *c == '\\') {
        return Err(format!("a key may not hold the character U+{:04X}", bad as u32));
    }
    if key.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return Err("a key has no empty, `.` or `..` segment between slashes, and no slash at its ends".into());
    }
    Ok(())
}

/// Refuses a template that gives two different entities the same key.
fn one_key_for_each(template: &Template, form: &EntityForm) -> Result<(), String> {
    let pieces = template.pieces();
    let has = |wanted: &Var| pieces.iter().any(|piece| matches!(piece, Piece::Var(var) if var == wanted));
    if !has(&Var::Id) {
        let missing = form.names().iter().enumerate().find(|(at, _)| !has(&Var::Part(*at)));
        if form.names().is_empty() {
            return Err("every entity would get this one key; put `{id}` into it".into());
        }
        if let Some((_, name)) = missing {
            return Err(format!(
                "entities that differ in `{{{name}}}` alone would get one key; put it in, or use `{{id}}`"
            ));
        }
    }
    let mut between = "";
    let mut before: Option<&Var> = None;
    let only_one = {
        let mut vars = pieces.iter().filter_map(|piece| if let Piece::Var(var) = piece { Some(var) } else { None });
        let first = vars.next();
        vars.all(|var| Some(var) == first)
    };
    for piece in pieces {
        match piece {
            Piece::Text(text) => between = text,
            Piece::Var(var) => {
                if before.is_some() && !only_one && !tells_apart(between, form) {
                    let separator = form.separators().find(|s| is_plain_separator(s)).unwrap_or("+");
                    return Err(format!(
                        "`{between}` may stand inside of a part as well, so that two entities could get one key; \
                         put `{separator}` between the parts, or use `{{id}}`"
                    ));
                }
                before = Some(var);
                between = "";
            }
        }
    }
    Ok(())
}

/// Whether no encoded part can hold `text`: encoding replaces one of its characters, or it holds a separator of the form.
fn tells_apart(text: &str, form: &EntityForm) -> bool {
    !text.chars().all(may_stand_in_variable) || form.separators().any(|s| is_plain_separator(s) && text.contains(s))
}

/// Whether a separator stays the same when it is encoded, and encoding other text never yields it.
fn is_plain_separator(text: &str) -> bool {
    text.chars().all(|c| may_stand_in_variable(c) && c != '%')
        && text.starts_with(|c: char| !c.is_ascii() || matches!(c, '.' | '_' | '/' | '-'))
}

/// Whether an encoded part may hold the byte.
pub fn is_encoded(byte: u8) -> bool {
    !byte.is_ascii() || may_stand_in_variable(char::from(byte))
}
