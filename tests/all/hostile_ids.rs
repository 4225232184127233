//! Ids that mean harm: whatever is sent as an id, nothing is made outside a store's folder, and no two ids share a key.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::Path,
};

use euterpe_actors::ids::{EntityId, MAX_ENTITY_BYTES, decomposed_form, normal_form};
use euterpe_actors::storage::{Content, Storage, StorageErrorKind, is_key};
use euterpe_actors::template::{EntityForm, Template};
use euterpe_storage::local::{LocalSettings, LocalStorage};
use proptest::prelude::*;

/// Parts of paths, commands, markup and numbers that have done harm somewhere.
const WORDS: &[&str] = &[
    "a",
    "..",
    ".",
    "",
    "...",
    "....",
    ". .",
    ".. ",
    " ..",
    "~",
    "~root",
    "-",
    "--",
    "--help",
    "-rf",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "$(id)",
    "`id`",
    "$HOME",
    "${IFS}",
    ";id",
    "|id",
    "&id",
    ">x",
    "<x",
    "'",
    "\"",
    "\\",
    "\\..",
    "..\\",
    "%2e%2e",
    "%2e%2e%2f",
    "%00",
    "%252e",
    "%c0%ae",
    "..%2f",
    "%",
    "%%",
    "con",
    "nul",
    "aux",
    "com1",
    "CON.ogg",
    "a:b",
    "C:",
    "file://",
    "s3://b",
    "//",
    "<script>",
    "&lt;",
    "' or 1=1 --",
    "{id}",
    "{{",
    "}}",
    "%s%n",
    "NaN",
    "-1",
    "null",
    "true",
    ".git",
    ".ssh",
    ".euterpe",
    ".euterpe-tmp-1-1",
    ".euterpe-tmp-",
    "lost+found",
    "etc",
    "passwd",
    "proc",
    "self",
    "a b",
    " a",
    "a ",
    "é",
    "日本",
    "\u{1F3B5}",
    "\u{0000}",
    "\u{0007}",
    "\n",
    "\r\n",
    "\t",
    "\u{001b}[31m",
    "\u{007f}",
    "\u{0085}",
    "\u{00a0}",
    "\u{00ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{200e}",
    "\u{202a}",
    "\u{202e}",
    "\u{2066}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffd}",
    "\u{e0001}",
    "e\u{301}",
    "\u{212b}",
    "\u{2126}",
    "\u{fb01}",
    "\u{2044}",
    "\u{2215}",
    "\u{ff0f}",
    "\u{ff0e}\u{ff0e}",
    "\u{ff3c}",
    "\u{3000}",
    "\u{0130}",
    "\u{0131}",
    "\u{1e9e}",
    "ß",
    "ss",
    "K",
    "\u{212a}",
    "k",
    "\u{0430}",
    "\u{03bf}",
    "a\u{0308}",
    "ä",
    "\u{1100}\u{1161}",
    "가",
];

/// Words alone, in pairs below one another, beside one another, and far too long: some thousand texts.
fn hostile() -> BTreeSet<String> {
    let mut ids: BTreeSet<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    for word in WORDS {
        for other in ["..", "a", ".", "", "\u{202e}", "é", ".euterpe"] {
            ids.insert(format!("{word}/{other}"));
            ids.insert(format!("{other}/{word}"));
            ids.insert(format!("{word}{other}"));
            ids.insert(format!("a/{word}/{other}/b"));
        }
        ids.insert(format!("/{word}"));
        ids.insert(format!("/tmp/{word}"));
        ids.insert(format!("../{word}"));
        ids.insert(format!("{}{word}", "../".repeat(40)));
        ids.insert(word.repeat(200));
    }
    for bytes in [MAX_ENTITY_BYTES, MAX_ENTITY_BYTES + 1, 4096, 65_536, 1 << 20] {
        ids.insert("x".repeat(bytes));
        ids.insert("x/".repeat(bytes / 2));
        ids.insert(format!("{}y", "x/".repeat(bytes / 2 - 1)));
        ids.insert("../".repeat(bytes / 3));
        ids.insert("\u{e9}".repeat(bytes / 2));
    }
    ids
}

/// Everything below a folder.
fn all_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        found.push(entry.path());
        if entry.file_type().expect("a type").is_dir() {
            found.extend(all_below(&entry.path()));
        }
    }
    found
}

fn output() -> (EntityForm, Template) {
    let form = EntityForm::default();
    let template = Template::parse("out/{id}.json", &form).expect("a template");
    (form, template)
}

#[tokio::test]
async fn no_hostile_id_makes_anything_outside_the_store() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("one/two/root");
    let settings = LocalSettings { fsync: false, create: true, ..LocalSettings::default() };
    let store = LocalStorage::open(&root, settings).expect("opened");
    let ids = hostile();
    assert!(ids.len() >= 500, "only {} ids", ids.len());
    let (form, template) = output();
    let (mut kept, mut keys) = (0, HashMap::new());
    for text in &ids {
        // Texts that the checks refuse go to the store as they are: it has to hold by itself.
        let key = match EntityId::new(text) {
            Ok(id) => template.output_key(&form.split(&id).expect("every id fits")),
            Err(refused) => {
                assert!(refused.to_string().len() < 300, "a message of {} bytes", refused.to_string().len());
                text.clone()
            }
        };
        match store.store(&key, Content::Bytes(text.clone().into()), None).await {
            Ok(_) => {
                kept += 1;
                keys.insert(key, text);
            }
            Err(error) => {
                let told = error.to_string();
                let shown: String = text.chars().take(200).collect();
                assert_eq!(error.kind, StorageErrorKind::BadKey, "{shown:?}: {error:.300}");
                assert!(told.len() < 2000, "a message of {} bytes for {shown:?}", told.len());
            }
        }
    }
    assert!(kept > 300, "only {kept} were kept: the test would prove nothing");
    for path in all_below(place.path()) {
        assert!(path.starts_with(&root) || root.starts_with(&path), "{} was made", path.display());
        assert!(!path.is_symlink(), "{} is a link", path.display());
    }
    for (key, text) in keys {
        let content = store.open(&key).await.expect("kept").content.read().expect("read");
        assert_eq!(content, text.as_bytes(), "another id wrote over `{key}`");
    }
}

#[test]
fn texts_that_look_the_same_or_steer_a_terminal_are_no_ids() {
    for text in
        ["a\u{202e}b", "a\u{200b}", "e\u{301}", "\u{212b}", "\u{2126}", "\u{212a}", "a\u{1b}[0m", "a\nb", "\u{feff}a"]
    {
        assert!(EntityId::new(text).is_err(), "{text:?} was taken");
    }
}

fn any_id() -> impl Strategy<Value = EntityId> {
    let piece = prop_oneof![
        proptest::sample::select(WORDS).prop_map(str::to_owned),
        "[a-zA-Z0-9._%/-]{1,8}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 1..8).prop_filter_map("an id", |pieces| EntityId::new(&pieces.concat()).ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn distinct_ids_have_distinct_keys_whatever_the_file_system_folds(a in any_id(), b in any_id()) {
        let (form, template) = output();
        let key = |id: &EntityId| template.output_key(&form.split(id).expect("every id fits"));
        // A file system may compose names or decompose them: that changes no key, and makes none of two.
        let folded = |id: &EntityId| decomposed_form(&key(id)).into_owned();
        prop_assert_eq!(a == b, folded(&a) == folded(&b));
        let decomposed = folded(&a);
        prop_assert_eq!(normal_form(&decomposed), key(&a));
    }

    #[test]
    fn every_key_of_an_id_is_below_the_root(id in any_id()) {
        let (form, template) = output();
        let key = template.output_key(&form.split(&id).expect("every id fits"));
        prop_assert!(is_key(&key), "{}", key);
        let below = key.split('/').try_fold(0_i32, |depth, segment| match segment {
            ".." => None,
            _ => Some(depth + 1),
        });
        prop_assert!(below.is_some() && key.starts_with("out/"));
    }
}
