//! How a variable is written in the key of an output: readable, injective, and as long as the store allows.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_normalization::char::is_combining_mark;

use crate::ids::is_invisible;

/// What names a store can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameRules {
    /// The most bytes between two slashes.
    pub longest_segment: usize,
    /// The most bytes of a path.
    pub longest_path: usize,
    /// Whether `T` and `t` are two names. Where they are one, a name that has capitals gets a hash behind it.
    pub tells_case: bool,
}

impl Default for NameRules {
    fn default() -> Self {
        Self { longest_segment: usize::MAX, longest_path: usize::MAX, tells_case: true }
    }
}

/// What stands between a shortened name and its hash. An encoded name holds it nowhere else.
const MARK: char = '~';
/// Hexadecimal digits of the hash of a shortened name, and of one that only differs in case from another.
const SHORTENED: usize = 32;
const CASED: usize = 16;

/// Adds `text` to a key. ASCII is encoded as ever; letters, digits and signs of all scripts stay as they are.
pub(super) fn encode(text: &str, into: &mut String) {
    let mut starts = true;
    for c in text.chars() {
        let stays = is_safe(c, starts);
        if stays {
            into.push(c);
        } else {
            percent(c, into);
        }
        starts = !stays || c == '/';
    }
}

/// Adds `text` to a key as former versions did: whatever is not `[A-Za-z0-9._/-]` is percent-encoded.
pub(super) fn encode_formerly(text: &str, into: &mut String) {
    for c in text.chars() {
        if is_plain(c) { into.push(c) } else { percent(c, into) }
    }
}

fn percent(c: char, into: &mut String) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        write!(into, "%{byte:02X}").expect("writing to a string");
    }
}

/// What was encoded as `text`, by today's rules or former ones, in a store that tells case or one that does not. None where it
/// was shortened, and where nothing is encoded like this.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|b| b == b'%' || b == MARK as u8) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    for (at, segment) in text.split('/').enumerate() {
        if at > 0 {
            decoded.push(b'/');
        }
        let whole = match segment.rsplit_once(MARK) {
            Some((whole, hash)) if hash.len() == CASED => whole,
            Some(_) => return None,
            None => segment,
        };
        let mut rest = whole.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            rest = behind;
            if *first != b'%' {
                decoded.push(*first);
                continue;
            }
            let digits = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok())?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        }
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-')
}

/// Whether the key of an output may hold a character that its template does not.
pub fn may_stand_in_variable(c: char) -> bool {
    c == '%' || is_safe(c, false)
}

/// Whether a character stays as it is. A mark or a vowel at the start, or behind an escape, would be composed with what
/// stands before it.
fn is_safe(c: char, starts: bool) -> bool {
    if c.is_ascii() {
        return is_plain(c);
    }
    let unseen = c.is_whitespace()
        || c.is_control()
        || is_invisible(c)
        || matches!(c,
            '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{2800}' | '\u{3164}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{10FFFF}')
        || u32::from(c) & 0xFFFE == 0xFFFE;
    let joins = starts && (is_combining_mark(c) || matches!(c, '\u{1161}'..='\u{11FF}'));
    !unseen && !joins
}

/// A stretch of a segment: constant, or from a variable, with the text that it was encoded from.
pub(super) struct Stretch<'t> {
    pub encoded: String,
    pub raw: Option<&'t str>,
}

/// One segment of a path, as long as `most` bytes allow and told apart from others by the store's rules.
pub(super) fn fit(stretches: &mut [Stretch<'_>], rules: &NameRules) {
    if !rules.tells_case {
        for stretch in stretches.iter_mut() {
            if let Some(raw) = stretch.raw
                && raw.chars().any(has_case_twin)
            {
                mark(&mut stretch.encoded, usize::MAX, raw, CASED);
            }
        }
        spell_for_windows(stretches);
    }
    shorten(stretches, rules.longest_segment);
}

/// Encodes what such systems do not keep: a dot at the end of a name, and the first letter of the name of a device. Both are
/// letters that are encoded nowhere else.
fn spell_for_windows(stretches: &mut [Stretch<'_>]) {
    let is_empty = |stretch: &&mut Stretch<'_>| stretch.encoded.is_empty();
    if let Some(Stretch { encoded, raw: Some(_) }) = stretches.iter_mut().rev().find(|stretch| !is_empty(stretch))
        && encoded.ends_with('.')
    {
        encoded.pop();
        encoded.push_str("%2E");
    }
    let name: String = stretches.iter().map(|stretch| stretch.encoded.as_str()).collect();
    if let Some(Stretch { encoded, raw: Some(_) }) = stretches.iter_mut().find(|stretch| !is_empty(stretch))
        && let (Some(first), true) = (encoded.chars().next(), is_device(name.split('.').next().unwrap_or_default()))
    {
        let mut escaped = String::new();
        percent(first, &mut escaped);
        encoded.replace_range(..first.len_utf8(), &escaped);
    }
}

/// Whether Windows takes a name for a device, whatever its extension.
fn is_device(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let number = name.strip_prefix("com").or(name.strip_prefix("lpt"));
    matches!(name.as_str(), "con" | "prn" | "aux" | "nul")
        || number.is_some_and(|number| number.len() == 1 && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Shortens the variables among `stretches` so that all together have at most `most` bytes.
pub(super) fn shorten(stretches: &mut [Stretch<'_>], most: usize) {
    if stretches.iter().map(|stretch| stretch.encoded.len()).sum::<usize>() <= most {
        return;
    }
    let constant: usize = stretches.iter().filter(|s| s.raw.is_none()).map(|s| s.encoded.len()).sum();
    let variable = stretches.iter().filter(|stretch| stretch.raw.is_some()).count().max(1);
    let share = most.saturating_sub(constant) / variable;
    for stretch in stretches {
        if let Some(raw) = stretch.raw
            && stretch.encoded.len() > share
        {
            mark(&mut stretch.encoded, share.saturating_sub(SHORTENED + 1), raw, SHORTENED);
        }
    }
}

/// Keeps the start of an encoded text, up to `keep` bytes and never a part of a character, and adds the hash of all.
fn mark(encoded: &mut String, keep: usize, raw: &str, digits: usize) {
    let mut end = keep.min(encoded.len());
    while !encoded.is_char_boundary(end) || encoded[..end].ends_with('/') {
        end -= 1;
    }
    if keep < encoded.len()
        && let Some(escape) = encoded[..end].rfind('%').filter(|at| end - at < 3)
    {
        end = escape;
    }
    encoded.truncate(end);
    encoded.push(MARK);
    encoded.push_str(&blake3::hash(raw.as_bytes()).to_hex()[..digits]);
}

/// Whether another character may be the same to a file system without case.
fn has_case_twin(c: char) -> bool {
    let mut folded = c.to_uppercase().flat_map(char::to_lowercase);
    folded.next() != Some(c) || folded.next().is_some()
}
