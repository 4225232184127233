//! Names that cannot be ids, as text that people read and type. No two names have one text.

use std::borrow::Cow;
use std::fmt::Write;

/// A name that is not UTF-8: a byte that is no character as `\xE9`, and a backslash as two.
pub fn name_as_text(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len() + 3);
    for chunk in name.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02X}").expect("writing to a string");
        }
    }
    text
}

/// A name that is UTF-8: as it is, but with two backslashes for each where it could be taken for another one that is not.
pub fn told_apart(name: &str) -> Cow<'_, str> {
    let is_digit = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    let is_escape = |at: usize| {
        let rest = &name.as_bytes()[at + 1..];
        rest.starts_with(b"\\") || (rest.starts_with(b"x") && is_digit(rest.get(1)) && is_digit(rest.get(2)))
    };
    match name.match_indices('\\').any(|(at, _)| is_escape(at)) {
        true => Cow::Owned(name.replace('\\', "\\\\")),
        false => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_two_names_have_one_text() {
        let pieces: [&[u8]; 8] = [b"a", b"\\", b"\\x", b"E9", b"\xE9", b"\xC3", b"\xC3\xA9", b"\xEF\xBF\xBD"];
        let mut texts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for number in 0..8_usize.pow(4) {
            let name: Vec<u8> = (0..4).flat_map(|at| pieces[number / 8_usize.pow(at) % 8]).copied().collect();
            let text = match std::str::from_utf8(&name) {
                Ok(name) => told_apart(name).into_owned(),
                Err(_) => name_as_text(&name),
            };
            if let Some(other) = texts.insert(text.clone(), name.clone()) {
                assert_eq!(other, name, "{text}");
            }
        }
    }

    #[test]
    fn a_text_shows_what_the_name_is() {
        assert_eq!(name_as_text(b"caf\xE9.ogg"), r"caf\xE9.ogg");
        assert_eq!(name_as_text(b"a\\b\xFF"), r"a\\b\xFF");
        for plain in ["café", r"a\b", r"a\xyz", r"\xe9"] {
            assert_eq!(told_apart(plain), plain);
        }
        assert_eq!(told_apart(r"caf\xE9"), r"caf\\xE9");
    }
}
