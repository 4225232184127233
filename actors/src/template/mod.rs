//! Templates: entity forms, output keys, source keys and entity mappings, such as `pcm/{id}.flac`.

mod form;
mod key;
mod names;
mod pieces;

pub use form::{EntityForm, Parts};
pub use key::Template;
pub use names::{NameRules, may_stand_in_variable};
pub use pieces::{BadTemplate, Piece, Var};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::EntityId;

    fn id(text: &str) -> EntityId {
        EntityId::new(text).expect("a good id")
    }

    #[test]
    fn a_pair_is_taken_apart_at_its_separator_and_a_part_may_not_hold_it() {
        let form = EntityForm::parse("{a},{b}").expect("a form");
        let pair = id("t-1,t-2");
        let parts = form.split(&pair).expect("it fits");
        let map = Template::parse("{b}", &form).expect("a mapping");
        assert_eq!(map.entity(&parts), Ok(id("t-2")));
        for odd in ["t-1", "a,b,c", ",b", "a,"] {
            assert_eq!(form.split(&id(odd)), None, "{odd}");
        }
    }

    #[test]
    fn output_keys_are_encoded_and_source_keys_are_not() {
        let form = EntityForm::default();
        let odd = id("artist/a b%20");
        let parts = form.split(&odd).expect("it fits");
        let out = Template::parse("pcm/{id}.flac", &form).expect("a template");
        assert_eq!(out.output_key(&parts), "pcm/artist/a%20b%2520.flac");
        let source = Template::parse_source("in/{id}.{ext}", &form).expect("a template");
        assert_eq!(source.source_key(&parts, "ogg"), "in/artist/a b%20.ogg");
        assert_eq!(source.match_source("in/artist/a b%20.ogg"), Some(("artist/a b%20", "ogg")));
        assert_eq!(source.match_source("in/.ogg"), None);
        assert_eq!(out.suffix(), "flac");
    }

    #[test]
    fn letters_of_all_scripts_stay_as_they_are_and_the_former_key_is_known() {
        let form = EntityForm::default();
        let out = Template::parse("mel/{id}.npy", &form).expect("a template");
        for (name, key, former) in [
            ("Пётр", "mel/Пётр.npy", Some("mel/%D0%9F%D1%91%D1%82%D1%80.npy")),
            (
                "冬のライオン 2",
                "mel/冬のライオン%202.npy",
                Some("mel/%E5%86%AC%E3%81%AE%E3%83%A9%E3%82%A4%E3%82%AA%E3%83%B3%202.npy"),
            ),
            ("می\u{200C}خو", "mel/می%E2%80%8Cخو.npy", Some("mel/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88.npy")),
            ("\u{301}a", "mel/%CC%81a.npy", None),
            ("a b (live)", "mel/a%20b%20%28live%29.npy", None),
        ] {
            let id = id(name);
            let parts = form.split(&id).expect("it fits");
            assert_eq!(out.output_key(&parts), key);
            assert_eq!(out.former_keys(&parts).first().map(String::as_str), former);
            assert!(!out.is_shortened(&parts));
        }
    }

    #[test]
    fn what_is_too_long_for_a_store_is_shortened_with_a_hash_and_stays_apart() {
        let rules = NameRules { longest_segment: 255, longest_path: 600, tells_case: true };
        let form = EntityForm::parse("{a},{b}").expect("a form");
        let pair = Template::parse("x/{a}+{b}.flac", &form).expect("a template").in_store(rules);
        let whole = EntityForm::default();
        let out = Template::parse("x/{id}.flac", &whole).expect("a template").in_store(rules);
        let mut keys = std::collections::BTreeSet::new();
        let mut ids = Vec::new();
        for end in ["a", "b", "я", "%", "%%"] {
            ids.extend([format!("{}{end}", "я".repeat(130)), format!("{}{end}", " ".repeat(100))]);
            ids.push(format!("{}{end}", "я/".repeat(160)));
        }
        for text in &ids {
            let id = id(text);
            let parts = whole.split(&id).expect("it fits");
            let key = out.output_key(&parts);
            assert!(key.len() <= 600 && key.split('/').all(|s| s.len() <= 255 && !s.is_empty()), "{key}");
            assert!(key.ends_with(".flac") && !out.former_keys(&parts).is_empty() && keys.insert(key), "{text}");
            let half: String = text.replace('/', "_").chars().take(50).chain(text.chars().rev().take(1)).collect();
            let two = self::id(&format!("{half}{},{half}z", text.len()));
            let parts = form.split(&two).expect("it fits");
            let key = pair.output_key(&parts);
            assert!(key.split('/').all(|s| s.len() <= 255) && keys.insert(key.clone()), "{key}");
        }
        // What is written as ever, and was not too long, is asked for once.
        let plain = id(&"x".repeat(230));
        assert_eq!(out.former_keys(&whole.split(&plain).expect("it fits")), Vec::<String>::new());
        let long = id(&"я".repeat(130));
        assert!(out.is_shortened(&whole.split(&long).expect("it fits")));
    }

    #[test]
    fn where_case_is_not_told_names_with_capitals_get_a_hash() {
        let rules = NameRules { tells_case: false, ..NameRules::default() };
        let form = EntityForm::default();
        let out = Template::parse("Mel/{id}.npy", &form).expect("a template").in_store(rules);
        let mut keys = std::collections::BTreeSet::new();
        for name in ["t", "T", "a/t", "A/t", "straße", "strasse", "STRASSE", "ı", "i", "ς", "σ", "K"] {
            let id = id(name);
            let key = out.output_key(&form.split(&id).expect("it fits"));
            assert!(keys.insert(key.to_uppercase()), "{name}: {key}");
        }
        let key = |name: &str| out.output_key(&form.split(&id(name)).expect("it fits"));
        assert_eq!(key("t"), "Mel/t.npy");
        assert!(key("T").starts_with("Mel/T~"));
        assert_eq!(out.former_keys(&form.split(&id("T")).expect("it fits")), ["Mel/T.npy"]);
        // What Windows does not keep, in a folder and at the start of a file's name.
        let folder = Template::parse("{id}/mel.npy", &form).expect("a template").in_store(rules);
        let of = |name: &str| folder.output_key(&form.split(&id(name)).expect("it fits"));
        assert_eq!(of("inc."), "inc%2E/mel.npy");
        assert_eq!((of("aux"), of("a/com1.x")), ("%61ux/mel.npy".to_owned(), "a/%63om1.x/mel.npy".to_owned()));
        assert_eq!((of("auxiliary"), of("com10")), ("auxiliary/mel.npy".to_owned(), "com10/mel.npy".to_owned()));
        assert_eq!(folder.former_keys(&form.split(&id("aux")).expect("it fits")), ["aux/mel.npy"]);
        assert_eq!(of("%61ux"), "%2561ux/mel.npy");
    }

    #[test]
    fn no_key_is_that_of_a_name_which_looks_like_an_encoded_or_a_shortened_one() {
        let form = EntityForm::default();
        for tells_case in [true, false] {
            let rules = NameRules { longest_segment: 255, longest_path: 1024, tells_case };
            let out = Template::parse("x/{id}", &form).expect("a template").in_store(rules);
            let key = |name: &str| out.output_key(&form.split(&id(name)).expect("it fits"));
            let mut names: Vec<String> =
                ["A", "%41", "%2541", "я", "%D1%8F", "%d1%8f", "a b", "a%20b", "a.", "a%2E", "a"]
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
            // Names that are what a shortened one, or one with capitals, is called.
            for long in ["я".repeat(200), " ".repeat(90), "T".to_owned(), "aux".to_owned(), "nul.x".to_owned()] {
                names.push(key(&long).trim_start_matches("x/").to_owned());
                names.push(long);
            }
            names.sort_unstable();
            names.dedup();
            let mut keys = std::collections::BTreeMap::new();
            for name in &names {
                let key = key(name);
                let key = if tells_case { key } else { key.to_lowercase() };
                assert_eq!(keys.insert(key.clone(), name), None, "`{key}` of `{name}` is that of another");
            }
        }
    }

    #[test]
    fn a_listed_output_tells_its_id_however_it_was_written_unless_it_was_shortened() {
        let form = EntityForm::default();
        for tells_case in [true, false] {
            let rules = NameRules { longest_segment: 255, longest_path: 1024, tells_case };
            for template in ["x/{id}.npy", "{id}/mel.npy", "{id}", "x/{id}"] {
                let out = Template::parse(template, &form).expect("a template").in_store(rules);
                assert!(out.tells_id());
                for name in ["t-1", "T", "a b/T %41~x", "Пётр/冬 2", "\u{301}a", "aux", "inc.", "%2541", "a/B/c"] {
                    let id = id(name);
                    let parts = form.split(&id).expect("it fits");
                    for key in out.former_keys(&parts).into_iter().chain([out.output_key(&parts)]) {
                        assert_eq!(out.match_output(&key).as_deref(), Some(id.as_str()), "{key}");
                    }
                }
                let long = id(&"я ".repeat(150));
                assert_eq!(out.match_output(&out.output_key(&form.split(&long).expect("it fits"))), None);
            }
        }
        let out = Template::parse("x/{id}.npy", &form).expect("a template");
        for other in ["x/.npy", "y/t.npy", "x/t.flac", "x/a%2.npy", "x/a%zz.npy", "x/%FF.npy"] {
            assert_eq!(out.match_output(other), None, "{other}");
        }
        let pair = EntityForm::parse("{a},{b}").expect("a form");
        let parts = Template::parse("x/{a}+{b}.npy", &pair).expect("a template");
        assert!(!parts.tells_id() && parts.match_output("x/a+b.npy").is_none());
    }

    #[test]
    fn broken_templates_are_named() {
        let form = EntityForm::default();
        assert_eq!(Template::parse("a{", &form), Err(BadTemplate::Brace));
        assert_eq!(Template::parse("a}", &form), Err(BadTemplate::Brace));
        assert!(matches!(Template::parse("{a}", &form), Err(BadTemplate::Unknown(..))));
        assert!(matches!(Template::parse("x.{ext}", &form), Err(BadTemplate::Unknown(..))));
        assert!(matches!(EntityForm::parse("{a}{b}"), Err(BadTemplate::Touching(..))));
        assert!(matches!(EntityForm::parse("{a},{a}"), Err(BadTemplate::Twice(..))));
        assert_eq!(EntityForm::parse("x"), Err(BadTemplate::NoVariable));
    }
}
