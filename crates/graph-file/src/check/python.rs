//! Checks Python functions without running anything: the file is there and holds the function, the environment makes sense.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::python_signature::positional;
use crate::plan::{Interpreter, Python};
use crate::position::At;
use crate::problem::Findings;
use crate::wording::{did_you_mean, listed, printable};
use crate::written::Environment;

/// The function that a job names; `None` where it cannot be one.
pub fn python(
    draft: &Draft<'_>,
    function: &At<String>,
    env: &Environment,
    folder: &Path,
    findings: &Findings,
) -> Option<Python> {
    let path = format!("{}.python", draft.path);
    let named = function.value.rsplit_once(':').filter(|(file, name)| file.ends_with(".py") && is_function(name));
    let Some((file, name)) = named else {
        let message = "write a file and a function, such as `transforms/tags.py:tags`";
        findings.add(function.position, path, message);
        return None;
    };
    let written = printable(file);
    let file = folder.join(file);
    let mut parameters = None;
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            parameters = positional(&text, name);
            if let Some(message) = missing(&text, &written, name) {
                findings.add(function.position, path, message);
            }
        }
        Err(error) => {
            let message = format!("`{written}` cannot be read: {error}; it is looked for beside the graph file");
            findings.add(function.position, path, message);
        }
    }
    Some(Python {
        file,
        function: name.to_owned(),
        interpreter: interpreter(draft, env, folder, findings),
        variables: variables(draft, env, findings),
        inherit: env.inherit.iter().map(|name| name.value.clone()).collect(),
        parameters: parameters.unwrap_or_default(),
    })
}

fn is_function(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The problem of a file in which the name of the function does not even occur.
fn missing(text: &str, file: &str, name: &str) -> Option<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if text.split(|c| !is_word(c)).any(|word| word == name) {
        return None;
    }
    let functions = text.lines().filter_map(|line| line.strip_prefix("def "));
    let functions: Vec<&str> = functions.filter_map(|rest| rest.split(|c| !is_word(c)).next()).collect();
    let near = did_you_mean(name, functions.iter().copied());
    let remedy = match functions.as_slice() {
        [] => "; it has none".to_owned(),
        _ if near.is_empty() => format!("; there is {}", listed(&functions)),
        _ => near,
    };
    Some(format!("no function `{name}` in `{file}`{remedy}"))
}

fn interpreter(draft: &Draft<'_>, env: &Environment, folder: &Path, findings: &Findings) -> Interpreter {
    if let Some(venv) = &env.venv {
        return Interpreter::Venv(folder.join(&venv.value));
    }
    if let Some(python) = &env.python {
        let program = PathBuf::from(&python.value);
        let is_name = program.components().count() == 1;
        return Interpreter::Program(if is_name { program } else { folder.join(program) });
    }
    let Some(requirements) = &env.requirements else { return Interpreter::Machine };
    let file = folder.join(&requirements.value);
    if !file.is_file() {
        let message = format!("there is no file `{}` beside the graph file", printable(&requirements.value));
        findings.add(requirements.position, format!("{}.env.requirements", draft.path), message);
    }
    Interpreter::Requirements(file)
}

fn variables(draft: &Draft<'_>, env: &Environment, findings: &Findings) -> BTreeMap<String, String> {
    let names = env.variables.iter().map(|(name, _)| (name, "variables"));
    for (name, list) in names.chain(env.inherit.iter().map(|name| (name, "inherit"))) {
        if name.value.is_empty() || name.value.contains(['=', '\0']) {
            let message = "a variable's name has neither `=` nor NUL";
            findings.add(name.position, format!("{}.env.{list}", draft.path), message);
        }
    }
    env.variables.iter().map(|(name, value)| (name.value.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_is_not_there_is_missed_with_what_is() {
        let text = "import numpy\n\ndef tags(mel):\n    pass\n\ndef _inner():\n    pass\n";
        assert_eq!(missing(text, "t.py", "tags"), None);
        assert_eq!(missing("from other import tags\n", "t.py", "tags"), None);
        assert_eq!(missing(text, "t.py", "tag").as_deref(), Some("no function `tag` in `t.py`; did you mean `tags`?"));
        assert_eq!(missing("x = 1", "t.py", "tags").as_deref(), Some("no function `tags` in `t.py`; it has none"));
        assert!(is_function("_a1") && !is_function("1a") && !is_function("a.b"));
    }
}
