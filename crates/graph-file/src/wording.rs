//! Pieces of sentences for people: safe to print, with names in a row and suggestions.

use std::fmt::Write;

/// The text with escapes for all characters that could move a terminal's cursor or hide themselves, cut to 400 characters.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut out = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        if c.is_control() || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}') {
            write!(out, "{}", c.escape_unicode()).expect("writing to a string");
        } else {
            out.push(c);
        }
    }
    out
}

/// The name among `known` that `wrong` most likely stands for, as the end of a sentence: "; did you mean `decode`?". Empty
/// where none is near.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if wrong.len() > 64 {
        return String::new();
    }
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(wrong.len()) / 4)
        .min()
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

/// Names in a row: "`a`, `b` and `c`".
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let mut out = String::new();
    for (at, name) in names.iter().enumerate() {
        let between = match at {
            0 => "",
            at if at + 1 == names.len() => " and ",
            _ => ", ",
        };
        out.push_str(&format!("{between}`{}`", name.as_ref()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_near_are_suggested() {
        assert_eq!(did_you_mean("decod", ["decode", "mix"]), "; did you mean `decode`?");
        assert_eq!(did_you_mean("spectrum", ["decode", "mix"]), "");
        assert_eq!(did_you_mean("outptus", ["outputs"]), "; did you mean `outputs`?");
    }
}
