//! Replaces `${VAR}` and `${VAR:-default}` in the values of the file, from an environment that is passed in.

use super::position::Position;
use super::problem::Findings;
use super::surroundings::Environment;
use super::tree::{Kind, Node, join};

/// The most bytes that all values with variables in them may have together.
const MOST_BYTES: usize = 1 << 20;

/// Replaces the variables in every value below `node`. Keys stay as they are; `$${` stands for `${`.
///
/// The content of a variable is never read as YAML: it stays one value.
pub fn substitute(node: &mut Node, env: Environment<'_>, findings: &Findings) {
    let mut room = MOST_BYTES;
    walk(node, "", env, &mut room, findings);
}

fn walk(node: &mut Node, path: &str, env: Environment<'_>, room: &mut usize, findings: &Findings) {
    match &mut node.kind {
        Kind::Scalar { text, .. } => {
            if text.contains("${") {
                *text = replace(text, node.position, path, env, findings);
                match room.checked_sub(text.len()) {
                    Some(left) => *room = left,
                    None => {
                        text.clear();
                        findings.add(
                            node.position,
                            path,
                            "the variables of this file hold more than 1 MiB; shorten them",
                        );
                    }
                }
            }
        }
        Kind::List(list) => {
            for (at, item) in list.iter_mut().enumerate() {
                walk(item, &join(path, &at.to_string()), env, room, findings);
            }
        }
        Kind::Map(map) => {
            for (key, value) in map {
                walk(value, &join(path, &key.value), env, room, findings);
            }
        }
    }
}

fn replace(text: &str, position: Position, path: &str, env: Environment<'_>, findings: &Findings) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            findings.add(position, path, "`${` without its `}`; write `${VAR}`, or `$${` for the two characters");
            return out;
        };
        let inner = &rest[at + 2..at + end];
        rest = &rest[at + end + 1..];
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        if !is_variable(name) {
            let message = format!("`{name}` cannot be the name of a variable; write `${{VAR}}` or `${{VAR:-default}}`");
            findings.add(position, path, message);
            continue;
        }
        // As in a shell, an empty variable counts as unset where there is a default.
        match (env(name), default) {
            (Some(value), None) => out.push_str(&value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(&value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => {
                let message = format!("the variable `{name}` is not set; set it, or write `${{{name}:-default}}`");
                findings.add(position, path, message);
            }
        }
    }
    out.push_str(rest);
    out
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 128
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> (String, usize) {
        let findings = Findings::default();
        let env = |name: &str| match name {
            "HOST" => Some("example.org".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let out = replace(text, Position::default(), "x", &env, &findings);
        (out, findings.len())
    }

    #[test]
    fn variables_defaults_and_the_escape_are_replaced_and_the_rest_is_kept() {
        assert_eq!(replaced("http://${HOST}:9000/${PATH_X:-a/b}"), ("http://example.org:9000/a/b".into(), 0));
        assert_eq!(replaced("${EMPTY:-d}|${EMPTY}|${NONE:-}"), ("d||".into(), 0));
        assert_eq!(replaced("$${HOST} {id} $x"), ("${HOST} {id} $x".into(), 0));
    }

    #[test]
    fn an_unset_variable_an_odd_name_and_an_open_brace_are_problems() {
        assert_eq!(replaced("${NONE}").1, 1);
        assert_eq!(replaced("${1x} ${}").1, 2);
        assert_eq!(replaced("a ${HOST").1, 1);
    }
}
