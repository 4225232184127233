//! Names of the files in a scratch folder: `in-1.mp3`, `out-2.json`.

use std::path::Path;

/// `KIND-NUMBER.SUFFIX`, without the dot where the suffix is empty. `index` is counted from 0, the number in the name from 1.
pub(crate) fn file_name(kind: &str, index: usize, suffix: &str) -> String {
    with_suffix(format!("{kind}-{}", index + 1), suffix)
}

/// A name with a dot and a suffix, or the name alone where the suffix is empty.
pub(crate) fn with_suffix(mut name: String, suffix: &str) -> String {
    if !suffix.is_empty() {
        name.push('.');
        name.push_str(suffix);
    }
    name
}

/// The extension of a key if it is made of ASCII letters and digits alone, else nothing: a key may hold anything.
pub(crate) fn plain_extension(key: &str) -> &str {
    let extension = Path::new(key).extension().and_then(|extension| extension.to_str()).unwrap_or("");
    if extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) { extension } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_only_plain_extensions() {
        assert_eq!(file_name("out", 0, "json"), "out-1.json");
        assert_eq!(file_name("out", 1, ""), "out-2");
        assert_eq!([plain_extension("a/b.tar.gz"), plain_extension("a"), plain_extension("a.b c")], ["gz", "", ""]);
    }
}
