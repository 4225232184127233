//! Templates: entity forms, output keys, source keys and entity mappings, such as `pcm/{id}.flac`.

mod form;
mod key;

use std::fmt;

use thiserror::Error;

pub use form::{EntityForm, Parts};
pub use key::Template;

/// The extension of a source, whichever the consuming transform reads.
const EXT: &str = "ext";

/// A variable of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Var {
    /// `{id}`: the whole entity id.
    Id,
    /// `{a}`: a part of the entity id, by its place in the entity form.
    Part(usize),
    /// `{ext}`: a file extension; at the end of a source key only.
    Ext,
}

/// A stretch of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Stands for itself.
    Text(String),
    /// Stands for a part of the entity.
    Var(Var),
}

/// Why a text is no template. Names the offence and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadTemplate {
    /// A `{` without its `}`, or the other way round.
    #[error("unbalanced brace; write variables as `{{id}}`")]
    Brace,
    /// A variable that the entity form does not have.
    #[error("no variable `{{{0}}}` here; {1}")]
    Unknown(String, String),
    /// Two variables with nothing between them.
    #[error("`{{{0}}}` and `{{{1}}}` need text between them to be told apart")]
    Touching(String, String),
    /// A variable more than once in an entity form.
    #[error("`{{{0}}}` stands twice in the entity form")]
    Twice(String),
    /// An entity form without variables.
    #[error("an entity form needs at least one variable, such as `{{id}}`")]
    NoVariable,
}

enum Token {
    Text(String),
    Name(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, BadTemplate> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['{', '}']).unwrap_or(rest.len());
        if end > 0 {
            out.push(Token::Text(rest[..end].to_owned()));
            rest = &rest[end..];
            continue;
        }
        let inner = rest.strip_prefix('{').ok_or(BadTemplate::Brace)?;
        let end = inner.find('}').ok_or(BadTemplate::Brace)?;
        let name = &inner[..end];
        if name.is_empty() || name.contains('{') {
            return Err(BadTemplate::Brace);
        }
        out.push(Token::Name(name.to_owned()));
        rest = &inner[end + 1..];
    }
    Ok(out)
}

fn write_pieces(f: &mut fmt::Formatter<'_>, pieces: &[Piece], names: &[String]) -> fmt::Result {
    for piece in pieces {
        match piece {
            Piece::Text(text) => f.write_str(text)?,
            Piece::Var(Var::Id) => f.write_str("{id}")?,
            Piece::Var(Var::Part(at)) => write!(f, "{{{}}}", names[*at])?,
            Piece::Var(Var::Ext) => f.write_str("{ext}")?,
        }
    }
    Ok(())
}

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
