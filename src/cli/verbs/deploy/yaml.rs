//! A value as YAML that every reader takes for the same, also those of version 1.1, in which `no` is not a text.

use serde_json::Value;

/// The value as a document, without a line that begins it.
pub fn document(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                out.push_str(&format!("{indent}{}:", word(key)));
                behind(value, depth, out);
            }
        }
        Value::Array(list) => {
            for item in list {
                let mut text = String::new();
                match item {
                    Value::Object(map) if !map.is_empty() => write(item, depth + 1, &mut text),
                    other => {
                        behind(other, depth, &mut text);
                        text.insert_str(0, &format!("{indent} "));
                    }
                }
                // The hyphen stands where the indentation of the first key was.
                out.push_str(&format!("{indent}-{}", &text[indent.len() + 1..]));
            }
        }
        _ => {}
    }
}

/// What stands behind a key's colon, or behind a hyphen.
fn behind(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            write(value, depth + 1, out);
        }
        Value::String(text) => match block(text, depth + 1) {
            Some(block) => out.push_str(&format!(" {block}")),
            None => out.push_str(&format!(" {}\n", word(text))),
        },
        other => out.push_str(&format!(" {other}\n")), // `{}`, `[]`, numbers and the like: JSON is YAML
    }
}

/// A text of several lines as a block, where that keeps all of it.
fn block(text: &str, depth: usize) -> Option<String> {
    let is_plain =
        |c: char| c == '\n' || c == '\t' || !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'));
    let begins = text.starts_with(|c: char| !c.is_whitespace());
    if !begins || !text.trim_end_matches('\n').contains('\n') || !text.chars().all(is_plain) {
        return None;
    }
    let sign = match text.bytes().rev().take_while(|b| *b == b'\n').count() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    };
    let indent = "  ".repeat(depth);
    let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let lines: String =
        lines.map(|line| if line.is_empty() { "\n".into() } else { format!("{indent}{line}\n") }).collect();
    Some(format!("{sign}\n{lines}"))
}

/// The text without quotes where it is surely read as that text, else in quotes.
fn word(text: &str) -> String {
    const MEANT: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let bare = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._:=,-".contains(&b))
        && !text.ends_with(':')
        && !MEANT.contains(&text.to_ascii_lowercase().as_str());
    if bare { text.to_owned() } else { Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same_value() {
        let texts = [
            "",
            "no",
            "Yes",
            "y",
            "null",
            "1e3",
            "0x10",
            "1:30",
            "a: b",
            "a:",
            "- a",
            "a #b",
            "s3://b/p",
            "x=y,z",
            "é",
            " a",
            "a\n",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n\n",
            "  a\nb\n",
            "\na\nb",
            "a\r\nb\n",
            "a\t\n\tb \n",
            "a\u{feff}\nb\n",
            "\u{1}\n\n",
            "#!/bin/sh\nexit 0\n",
            "%a\nb",
            "--- a\n---\nb\n",
        ];
        let value = json!({
            "texts": texts,
            "by name": texts.iter().enumerate().map(|(at, text)| (format!("k{at}"), json!(text))).collect::<serde_json::Map<_, _>>(),
            "deep": [{"a": 1, "b": [{"c": []}, {}, [1, ["x\ny\n"]]]}, true, null, {"only": {"below": -1.5}}],
            "on": {}, "3": 3,
        });
        let text = document(&value);
        let read: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read, value, "{text}");
    }

    #[test]
    fn it_reads_like_what_people_write() {
        let value = json!({"spec": {"args": ["node", "/g.yaml"], "env": [{"name": "A", "value": "1"}], "volume": {}}, "x": "a\nb\n"});
        let text = "spec:\n  args:\n    - node\n    - /g.yaml\n  env:\n    - name: A\n      value: \"1\"\n  volume: {}\nx: |\n  a\n  b\n";
        assert_eq!(document(&value), text);
    }
}
