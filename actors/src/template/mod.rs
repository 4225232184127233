//! Templates: entity forms, output keys, source keys and entity mappings, such as `pcm/{id}.flac`.

mod form;
mod key;
mod pieces;

pub use form::{EntityForm, Parts};
pub use key::Template;
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
