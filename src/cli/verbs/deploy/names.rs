//! Names that Kubernetes takes: small letters, digits and hyphens.

/// The most characters of a graph's name, and of a group's: with both, pods still have host names of their own, which may have
/// 63 characters.
const OF_GRAPH: usize = 20;
const OF_GROUP: usize = 17;

/// Reads the name of an object: a DNS label.
///
/// # Errors
/// What is wrong with it.
pub fn label(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let ends = |b: Option<&u8>| b.is_some_and(|b| *b != b'-');
    let bytes = text.as_bytes();
    match text.len() <= 63 && text.bytes().all(plain) && ends(bytes.first()) && ends(bytes.last()) {
        true => Ok(text.to_owned()),
        false => {
            Err("Kubernetes takes up to 63 small letters, digits and hyphens, with no hyphen at either end".into())
        }
    }
}

/// Reads the name of a group.
///
/// # Errors
/// What is wrong with it.
pub fn group(text: &str) -> Result<String, String> {
    match text.len() {
        ..=OF_GROUP => label(text),
        _ => Err(format!("the name of a group has at most {OF_GROUP} characters")),
    }
}

/// The name of a graph as a part of names. Two graphs have two: a name that is not taken as it is has a hash behind it.
pub fn of_graph(graph: &str) -> String {
    let plain = graph.to_ascii_lowercase().replace('_', "-");
    if plain == graph && plain.len() <= OF_GRAPH && !plain.ends_with('-') {
        return plain;
    }
    let hash = &blake3::hash(graph.as_bytes()).to_hex()[..6];
    let start: String = plain.chars().take(OF_GRAPH - hash.len() - 1).collect();
    format!("{}-{hash}", start.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_graph_has_a_name_of_its_own_that_kubernetes_takes() {
        assert_eq!(of_graph("catalogue"), "catalogue");
        let long = "a".repeat(64);
        let names = ["Tags", "tags", "my_tags", "my-tags", "my_tags_", "My-tags", &long, &long[1..], "x-"];
        let mut all: Vec<String> = names.iter().map(|name| of_graph(name)).collect();
        assert!(all.iter().all(|name| label(name).is_ok() && name.len() <= OF_GRAPH), "{all:?}");
        assert!(all[2].starts_with("my-tags-"), "{all:?}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), names.len(), "{all:?}");
    }

    #[test]
    fn a_name_that_is_typed_is_taken_as_it_is_or_refused() {
        assert_eq!(group("heavy-1").as_deref(), Ok("heavy-1"));
        for wrong in ["", "Heavy", "a_b", "-a", "a-", "a.b", "ä", &"a".repeat(18)] {
            assert!(group(wrong).is_err(), "{wrong}");
        }
        assert!(label(&"a".repeat(63)).is_ok() && label(&"a".repeat(64)).is_err());
    }
}
