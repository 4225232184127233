//! Converts paths within a store to keys within its bucket and back.

use euterpe_actors::storage::{STORE_MARKER, StorageErrorKind, is_key, name_as_text};
use euterpe_actors::template::NameRules;

use super::error::S3Error;

/// The most bytes that a key may have.
const LONGEST: usize = 1024;

/// The folder of claims, where the records of runs lie.
pub(super) const CLAIMS: &str = "claims";

/// The folder of locks, where the records of runs lie.
pub(super) const LOCKS: &str = "lock";

/// The folder of Euterpe's own objects. It may lie within a store, and its objects are not part of that store.
pub(super) const OWN: &str = ".euterpe";

/// The start of every key of a store.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// Empty, or a prefix with a slash at its end.
    base: String,
}

impl Keys {
    pub fn below(prefix: &str) -> Self {
        let prefix = prefix.trim_matches('/');
        Self { base: if prefix.is_empty() { String::new() } else { format!("{prefix}/") } }
    }

    /// The start of every key of the store.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What names the store can hold. Segments are kept as short as in a folder, so that a copy of the store in a folder
    /// has the same names; some servers ask for that too.
    pub fn rules(&self) -> NameRules {
        NameRules { longest_segment: 255, longest_path: LONGEST.saturating_sub(self.base.len()), tells_case: true }
    }

    /// The key of an object, where `path` can be one.
    pub fn key(&self, path: &str) -> Result<String, S3Error> {
        let bad = |text: String| S3Error::new(StorageErrorKind::BadKey, text);
        if !is_key(path) {
            return Err(bad("a key has segments with `/` between them, none empty, `.` or `..`".into()));
        }
        if path != STORE_MARKER && path.split('/').any(|segment| segment == OWN) {
            return Err(bad(format!("`{OWN}` is a name that this program uses itself; choose another")));
        }
        let room = LONGEST.saturating_sub(self.base.len());
        if path.len() > room {
            let length = path.len();
            return Err(bad(format!("it is too long: {length} bytes, where {room} are left below the prefix")));
        }
        Ok(format!("{}{path}", self.base))
    }

    /// The key of one of our own objects.
    pub fn own(&self, name: &str) -> String {
        format!("{}{OWN}/{name}", self.base)
    }

    /// The start of all keys for paths that start with `prefix`; `None` where no key can start so.
    pub fn prefix(&self, prefix: &str) -> Option<String> {
        let whole = format!("{}{prefix}", self.base);
        (whole.len() <= LONGEST && !prefix.contains('\0')).then_some(whole)
    }

    /// The path of a key that is not UTF-8, as text.
    pub fn path_as_text(&self, key: &[u8]) -> Option<String> {
        key.strip_prefix(self.base.as_bytes()).map(name_as_text)
    }

    /// The path of a key within the store; `None` for our own objects, and for the empty objects that stand for folders.
    pub fn path<'k>(&self, key: &'k str) -> Option<&'k str> {
        let path = key.strip_prefix(&self.base)?;
        let ours = path.split('/').any(|segment| segment == OWN);
        (!path.is_empty() && !path.ends_with('/') && !ours).then_some(path)
    }
}

/// A text as in a URL: `%` and two digits for each byte that is no letter or digit.
pub(super) fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(3 * text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() {
            true => url.push(char::from(byte)),
            false => url += &format!("%{byte:02X}"),
        }
    }
    url
}

/// Decodes a key of a listing that is written as in a URL: `%` and two digits for a byte, `+` for a space.
pub(super) fn decoded(text: &str) -> Option<String> {
    String::from_utf8(decoded_bytes(text)?).ok()
}

/// The bytes of a text as in a URL, which may be no text.
pub(super) fn decoded_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_its_key_lead_to_each_other() {
        for prefix in ["", "data", "/data/", "a/b"] {
            let keys = Keys::below(prefix);
            let key = keys.key("mel/t-1.npy").expect("a key");
            assert_eq!(keys.path(&key), Some("mel/t-1.npy"), "{prefix}");
            assert_eq!(keys.path(&keys.own("stamps/x")), None);
            assert_eq!(keys.path(&format!("{}folder/", keys.base)), None);
        }
        assert_eq!(Keys::below("data").path("database/x"), None);
    }

    #[test]
    fn a_key_of_more_bytes_than_a_bucket_takes_is_none() {
        let keys = Keys::below("data");
        assert!(keys.key(&"é".repeat(509)).is_ok(), "1,018 bytes and the prefix are 1,023");
        assert!(keys.key(STORE_MARKER).is_ok());
        for bad in ["é".repeat(510), ".euterpe/stamps/x".into(), "a/.euterpe".into(), "a//b".into()] {
            assert_eq!(keys.key(&bad).expect_err("refused").kind, StorageErrorKind::BadKey, "{bad}");
        }
    }

    #[test]
    fn a_text_as_in_a_url_reads_back() {
        for text in ["t-1", "a+b c/%", "冬 \u{2764}\u{FE0F}"] {
            let url = encoded(text);
            assert!(url.is_ascii() && decoded(&url).as_deref() == Some(text), "{url}");
        }
    }

    #[test]
    fn a_listing_in_the_form_of_addresses_is_read() {
        assert_eq!(decoded("a+b%2Bc%20d%0A/%C3%A9%E2%80%8B").as_deref(), Some("a b+c d\n/é\u{200b}"));
        assert_eq!(decoded("100%").as_deref(), None);
        assert_eq!(decoded("%ff").as_deref(), None);
        let bytes = decoded_bytes("data%2Fcaf%e9").expect("bytes");
        assert_eq!(Keys::below("data").path_as_text(&bytes).as_deref(), Some(r"caf\xE9"));
    }
}
