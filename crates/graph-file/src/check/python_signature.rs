//! Which parameters of a Python function have a default, read from the text of its file without running anything.

use std::collections::BTreeMap;

/// The positional parameters of the function `name` in the text of a file, each with whether it has a default; none where
/// the file does not define it in plain sight (it is imported, or made by another function).
pub fn positional(text: &str, name: &str) -> Option<BTreeMap<String, bool>> {
    let list = parameter_list(text, name)?;
    let mut parameters = BTreeMap::new();
    for parameter in split(&list) {
        let parameter = parameter.trim();
        if parameter.starts_with('*') {
            break; // options follow
        }
        let word: String = parameter.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if !word.is_empty() {
            parameters.insert(word, has_default(parameter));
        }
    }
    Some(parameters)
}

/// What stands between the parentheses of the definition at the outermost level, without comments and the content of texts.
fn parameter_list(text: &str, name: &str) -> Option<String> {
    let start = text.match_indices("def ").find_map(|(at, word)| {
        let at_line_start = at == 0 || text[..at].ends_with('\n');
        let rest = text[at + word.len()..].trim_start().strip_prefix(name)?.trim_start();
        (at_line_start && rest.starts_with('(')).then(|| &rest[1..])
    })?;
    let (mut list, mut depth, mut rest) = (String::new(), 0usize, start);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '#' => rest = rest.find('\n').map_or("", |end| &rest[end..]),
            '"' | '\'' => rest = after_text(rest, c)?,
            ')' if depth == 0 => return Some(list),
            '(' | '[' | '{' => {
                depth += 1;
                list.push(c);
            }
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                list.push(c);
            }
            c => list.push(c),
        }
    }
    None
}

/// What follows a text that began with the quote `quote`, or three of them.
fn after_text(rest: &str, quote: char) -> Option<&str> {
    let three = format!("{quote}{quote}");
    let (end, mut rest) = match rest.strip_prefix(&three) {
        Some(inner) => (format!("{quote}{three}"), inner),
        None => (quote.to_string(), rest),
    };
    loop {
        if let Some(after) = rest.strip_prefix(&end) {
            return Some(after);
        }
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        if c == '\\' {
            rest = rest.chars().next().map_or("", |escaped| &rest[escaped.len_utf8()..]);
        }
    }
}

/// The parts between commas outside of brackets.
fn split(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for (at, c) in list.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

fn has_default(parameter: &str) -> bool {
    let mut depth = 0i32;
    parameter.chars().any(|c| {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        c == '=' && depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, bool)> {
        positional(text, "card").into_iter().flatten().collect()
    }

    #[test]
    fn parameters_with_a_default_are_told_from_those_without() {
        let text = "import x\n\n@transform\ndef card(\n    audio: Path,  # the (track\n    lyrics: Optional[str] = None,\n    \
                    more: dict[str, int] = {\"a\": f(1, 2)}, last: \"Any = 3\" = ')',\n    *, loud: float = -16.0,\n) -> dict:\n    pass\n";
        let (yes, no) = (true, false);
        let wanted = [("audio", no), ("last", yes), ("lyrics", yes), ("more", yes)].map(|(n, d)| (n.to_owned(), d));
        assert_eq!(read(text), wanted);
        assert_eq!(read("def card(a, b: 'x = 1'):\n"), [("a".to_owned(), no), ("b".to_owned(), no)]);
        assert_eq!(read("def card():\n"), []);
    }

    #[test]
    fn what_is_not_defined_in_plain_sight_is_not_guessed() {
        for text in [
            "card = other\n",
            "class A:\n    def card(self, x=1):\n        pass\n",
            "def card(a, 'open\n",
            "def cards(x=1): pass\n",
        ] {
            assert_eq!(positional(text, "card"), None, "{text}");
        }
    }
}
