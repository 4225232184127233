//! The normal form of an id: Unicode's composed form, without characters that cannot be seen and mean nothing.
//!
//! Two names that look the same have one normal form. A joiner or a variation selector is kept where scripts and emoji
//! need it: after a character that can be seen and is not ASCII.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The normal form of `text`. A character that no id may hold stays, for the check of ids to refuse it.
pub fn normal_form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || (is_nfc_quick(text.chars()) == IsNormalized::Yes && !text.chars().any(is_invisible)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    // Composed first, for some characters that are not ASCII have a composed form that is.
    let mut rest = text.nfc().filter(|c| !is_meaningless(*c)).peekable();
    let mut before: Option<char> = None;
    while let Some(c) = rest.next() {
        let stays = match c {
            // Joins two characters of a script, or two emoji.
            '\u{200C}' | '\u{200D}' => {
                before.is_some_and(|b| !b.is_ascii() && !is_joiner(b)) && rest.peek().is_some_and(|n| is_visible(*n))
            }
            // `1` and a selector are the start of a keycap.
            c if is_selector(c) => {
                before.is_some_and(|b| is_visible(b) || is_tag(c) && is_tag(b) || matches!(b, '0'..='9' | '#' | '*'))
            }
            _ => true,
        };
        if stays {
            kept.push(c);
            before = Some(c);
        }
    }
    Cow::Owned(kept.nfc().collect())
}

/// `text` with marks of their own behind their letters, as Macs write names.
pub fn decomposed_form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfd().collect()) }
}

/// `text` with escapes for what is not ASCII, so that two that look alike are told apart.
pub fn escaped_form(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }).collect()
}

fn is_visible(c: char) -> bool {
    !c.is_ascii() && !is_invisible(c)
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0020}'..='\u{E007F}')
}

/// Chooses the look of the character before it.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}') || is_tag(c)
}

/// Direction marks, soft hyphens, zero-width spaces: they are not seen, and names that differ in them alone look the same.
fn is_meaningless(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Whether a character cannot be seen by itself.
pub(crate) fn is_invisible(c: char) -> bool {
    is_joiner(c) || is_selector(c) || is_meaningless(c)
}

/// Characters that no id may hold: they steer terminals, look like blanks, or mean something to a file system.
pub(super) fn is_forbidden(c: char) -> bool {
    c.is_control()
        || c == '\\'
        || is_meaningless(c)
        || matches!(c,
            '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{2028}' | '\u{2029}' | '\u{3164}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E001F}' | '\u{E0080}'..='\u{E00FF}'
            | '\u{E01F0}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_have_one_normal_form() {
        for (name, normal) in [
            ("cafe\u{301}", "caf\u{e9}"),
            ("\u{1112}\u{1161}\u{11AB}", "\u{d55c}"),
            ("\u{200F}\u{5e9}\u{5dc}\u{200E}", "\u{5e9}\u{5dc}"),
            ("a\u{200B}b\u{FEFF}\u{AD}", "ab"),
            ("e\u{200D}\u{301}", "\u{e9}"),
            ("a\u{FE0F}\u{200D}", "a"),
            ("plain", "plain"),
        ] {
            assert_eq!(normal_form(name), normal, "{name:?}");
            assert_eq!(normal_form(normal), normal, "{normal:?}");
        }
    }

    #[test]
    fn a_normal_form_is_its_own_normal_form() {
        let letters: Vec<char> =
            "a1e\u{301}\u{308}\u{212A}\u{FE0F}\u{200D}\u{200C}\u{200F}\u{1112}\u{1161}\u{11AB}\u{2764}\u{E0067}\u{AD}"
                .chars()
                .collect();
        let mut at = 1_u64;
        for _ in 0..20_000 {
            let mut draw = || {
                at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                letters[(at >> 33) as usize % letters.len()]
            };
            let text: String = (0..6).map(|_| draw()).collect();
            let normal = normal_form(&text).into_owned();
            assert_eq!(normal_form(&normal), normal, "{text:?}");
        }
    }

    #[test]
    fn joiners_and_selectors_stay_where_scripts_and_emoji_need_them() {
        for name in [
            "\u{645}\u{6cc}\u{200C}\u{62e}\u{648}", // Persian
            "\u{915}\u{94d}\u{200D}\u{937}",        // Devanagari
            "\u{2764}\u{FE0F}",                     // a red heart
            "\u{2764}\u{FE0F}\u{200D}\u{1F525}",    // on fire
            "1\u{FE0F}\u{20E3}",                    // a keycap
            "\u{845B}\u{E0100}",                    // a variant of a character
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}", // a flag
        ] {
            assert_eq!(normal_form(name), name, "{name:?}");
        }
    }
}
