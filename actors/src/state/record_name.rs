//! Names of records: an entity as one short segment of a key.

/// The longest name that is a whole segment of a key, so that it fits with what is added to it.
const LONGEST: usize = 120;

/// A name for an entity that is one segment of a key, short enough for every file system, and injective.
///
/// Short ids are percent-encoded; of long ones the start is kept, and `~` and a hash stand for the rest.
pub fn record_name(entity: &str) -> String {
    name_within(LONGEST, entity)
}

/// The same of at most `longest` bytes.
pub(super) fn name_within(longest: usize, entity: &str) -> String {
    let mut name = String::with_capacity(entity.len());
    for byte in entity.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte as char),
            b'.' if !name.is_empty() => name.push('.'),
            other => name.push_str(&format!("%{other:02X}")),
        }
        if name.len() > longest {
            name.truncate(longest / 2);
            name.push('~');
            name.push_str(&blake3::hash(entity.as_bytes()).to_hex()[..32]);
            break;
        }
    }
    name
}

/// The entity that a name stands for; none where the name holds only the start of it.
pub(super) fn entity_of_name(name: &str) -> Option<String> {
    if !name.contains('%') {
        return (!name.contains('~')).then(|| name.to_owned());
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'~' => return None,
            b'%' => {
                let mut digit = || (rest.next()? as char).to_digit(16);
                bytes.push((digit()? * 16 + digit()?) as u8);
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The name in a store that does not tell `T` from `t`: told apart by a hash.
pub(super) fn record_name_without_case(entity: &str) -> String {
    format!("{}~{}", record_name(entity), &blake3::hash(entity.as_bytes()).to_hex()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_names_are_one_short_segment_and_tell_ids_apart() {
        assert_eq!(record_name("a/b c"), "a%2Fb%20c");
        assert_eq!(record_name(".."), "%2E.");
        for entity in ["a/b c", "..", "t-1", "\u{e9}t\u{e9}", "100%"] {
            assert_eq!(entity_of_name(&record_name(entity)).as_deref(), Some(entity));
        }
        let long = "x".repeat(500);
        let (a, b) = (record_name(&format!("{long}a")), record_name(&format!("{long}b")));
        assert!(a.len() < 130 && a != b && !a.contains('/'));
        assert_eq!((entity_of_name(&a), entity_of_name("%zz")), (None, None));
        let [a, b] = ["T", "t"].map(|name| record_name_without_case(name).to_lowercase());
        assert_ne!(a, b);
    }
}
