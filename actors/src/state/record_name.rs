//! Names of records: an entity as one short segment of a key.

/// A name for an entity that is one segment of a key, short enough for every file system, and injective.
///
/// Short ids are percent-encoded; of long ones the start is kept, and `~` and a hash stand for the rest.
pub fn record_name(entity: &str) -> String {
    const LONGEST: usize = 120;
    let mut name = String::with_capacity(entity.len());
    for byte in entity.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte as char),
            b'.' if !name.is_empty() => name.push('.'),
            other => name.push_str(&format!("%{other:02X}")),
        }
        if name.len() > LONGEST {
            name.truncate(LONGEST / 2);
            name.push('~');
            name.push_str(&blake3::hash(entity.as_bytes()).to_hex()[..32]);
            break;
        }
    }
    name
}

/// The same in a store that does not tell `T` from `t`: told apart by a hash.
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
        let long = "x".repeat(500);
        let (a, b) = (record_name(&format!("{long}a")), record_name(&format!("{long}b")));
        assert!(a.len() < 130 && a != b && !a.contains('/'));
        let [a, b] = ["T", "t"].map(|name| record_name_without_case(name).to_lowercase());
        assert_ne!(a, b);
    }
}
