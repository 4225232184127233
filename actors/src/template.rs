//! Templates: entity forms, output keys, source keys and entity mappings, such as `pcm/{id}.flac`.

use std::fmt;

use thiserror::Error;

use crate::ids::{BadId, EntityId};

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

/// How an entity id is put together: `{id}`, or parts with text between them such as `{a},{b}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityForm {
    pieces: Vec<Piece>,
    names: Vec<String>,
}

impl Default for EntityForm {
    fn default() -> Self {
        Self { pieces: vec![Piece::Var(Var::Id)], names: Vec::new() }
    }
}

impl EntityForm {
    /// Reads a form. `{id}` alone is every id; otherwise each variable names a part.
    ///
    /// # Errors
    /// [`BadTemplate`] with what is wrong.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        if text == "{id}" {
            return Ok(Self::default());
        }
        let mut names: Vec<String> = Vec::new();
        let mut pieces = Vec::new();
        for token in tokens(text)? {
            match token {
                Token::Text(text) => pieces.push(Piece::Text(text)),
                Token::Name(name) if name == "id" || name == EXT => {
                    return Err(BadTemplate::Unknown(name, "a form of several parts names them otherwise".into()));
                }
                Token::Name(name) if names.contains(&name) => return Err(BadTemplate::Twice(name)),
                Token::Name(name) => {
                    if let (Some(Piece::Var(_)), Some(last)) = (pieces.last(), names.last()) {
                        return Err(BadTemplate::Touching(last.clone(), name));
                    }
                    pieces.push(Piece::Var(Var::Part(names.len())));
                    names.push(name);
                }
            }
        }
        if names.is_empty() { Err(BadTemplate::NoVariable) } else { Ok(Self { pieces, names }) }
    }

    /// The names of the parts; none for `{id}`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The stretches of the form.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The texts between parts, which no part may hold.
    pub fn separators(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Var(_) => None,
        })
    }

    /// How specific the form is: forms that fit an id are compared by this, more is more specific.
    pub fn specificity(&self) -> usize {
        if self.names.is_empty() { 0 } else { self.names.len() + self.separators().map(str::len).sum::<usize>() }
    }

    /// Takes an id apart, or says that it does not fit: a part may be neither empty nor hold a separator.
    pub fn split<'e>(&self, entity: &'e EntityId) -> Option<Parts<'e>> {
        let id = entity.as_str();
        if self.names.is_empty() {
            return Some(Parts { id, parts: Vec::new() });
        }
        let mut parts = Vec::with_capacity(self.names.len());
        let mut rest = id;
        for (at, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Piece::Var(_) => {
                    let end = match self.pieces.get(at + 1) {
                        Some(Piece::Text(next)) => rest.find(next.as_str())?,
                        _ => rest.len(),
                    };
                    parts.push(&rest[..end]);
                    rest = &rest[end..];
                }
            }
        }
        let whole = |part: &&str| !part.is_empty() && !self.separators().any(|s| part.contains(s));
        (rest.is_empty() && parts.iter().all(whole)).then_some(Parts { id, parts })
    }
}

impl fmt::Display for EntityForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pieces(f, &self.pieces, &self.names)
    }
}

/// An entity id taken apart by its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts<'e> {
    id: &'e str,
    parts: Vec<&'e str>,
}

/// A text with variables of an entity form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    pieces: Vec<Piece>,
    names: Vec<String>,
}

impl Template {
    /// Reads a template whose variables are `{id}` and the parts of `form`.
    ///
    /// # Errors
    /// [`BadTemplate`] with what is wrong.
    pub fn parse(text: &str, form: &EntityForm) -> Result<Self, BadTemplate> {
        Self::read(text, form, false)
    }

    /// Reads the template of a source key, which may end in `.{ext}`.
    ///
    /// # Errors
    /// [`BadTemplate`] with what is wrong.
    pub fn parse_source(text: &str, form: &EntityForm) -> Result<Self, BadTemplate> {
        Self::read(text, form, true)
    }

    fn read(text: &str, form: &EntityForm, source: bool) -> Result<Self, BadTemplate> {
        let mut pieces = Vec::new();
        for token in tokens(text)? {
            pieces.push(match token {
                Token::Text(text) => Piece::Text(text),
                Token::Name(name) if name == "id" => Piece::Var(Var::Id),
                Token::Name(name) if name == EXT && source && text.ends_with(".{ext}") => Piece::Var(Var::Ext),
                Token::Name(name) => match form.names.iter().position(|n| *n == name) {
                    Some(at) => Piece::Var(Var::Part(at)),
                    None => return Err(BadTemplate::Unknown(name, known(form, source))),
                },
            });
        }
        Ok(Self { pieces, names: form.names.clone() })
    }

    /// The stretches of the template.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether it ends in `.{ext}`.
    pub fn has_ext(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Var(Var::Ext)))
    }

    /// The constant text that every rendering starts with.
    pub fn prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The suffix after the last dot of the constant end, without the dot; empty where there is none.
    pub fn suffix(&self) -> &str {
        match self.pieces.last() {
            Some(Piece::Text(text)) => text.rsplit_once('.').map_or("", |(_, suffix)| suffix),
            _ => "",
        }
    }

    /// The output key of an entity: whatever is not `[A-Za-z0-9._/-]` in a variable is percent-encoded.
    pub fn output_key(&self, parts: &Parts<'_>) -> String {
        let mut key = String::with_capacity(32 + parts.id.len());
        self.render(parts, "", &mut key, encode);
        key
    }

    /// The source key of an entity, as listed; `ext` fills `{ext}`.
    pub fn source_key(&self, parts: &Parts<'_>, ext: &str) -> String {
        let mut key = String::with_capacity(32 + parts.id.len());
        self.render(parts, ext, &mut key, |text, key| key.push_str(text));
        key
    }

    /// The entity that this mapping names.
    ///
    /// # Errors
    /// Where the result is no entity id.
    pub fn entity(&self, parts: &Parts<'_>) -> Result<EntityId, BadId> {
        EntityId::new(&self.source_key(parts, ""))
    }

    fn render(&self, parts: &Parts<'_>, ext: &str, into: &mut String, put: fn(&str, &mut String)) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => into.push_str(text),
                Piece::Var(Var::Id) => put(parts.id, into),
                Piece::Var(Var::Part(at)) => put(parts.parts[*at], into),
                Piece::Var(Var::Ext) => into.push_str(ext),
            }
        }
    }

    /// The id that a listed source key stands for, and its extension where the template ends in `.{ext}`.
    ///
    /// None where the key does not fit. The id is not checked: a name that cannot be an id is the caller's to report.
    pub fn match_source<'k>(&self, key: &'k str) -> Option<(&'k str, &'k str)> {
        let mut rest = key;
        let mut ext = "";
        let mut pieces = &self.pieces[..];
        if let [head @ .., Piece::Var(Var::Ext)] = pieces {
            let dot = rest.rfind('.')?;
            ext = &rest[dot + 1..];
            rest = &rest[..=dot];
            if ext.is_empty() || ext.contains('/') {
                return None;
            }
            pieces = head;
        }
        match pieces {
            [Piece::Var(Var::Id)] => {}
            [Piece::Text(before), Piece::Var(Var::Id)] => rest = rest.strip_prefix(before.as_str())?,
            [Piece::Var(Var::Id), Piece::Text(after)] => rest = rest.strip_suffix(after.as_str())?,
            [Piece::Text(before), Piece::Var(Var::Id), Piece::Text(after)] => {
                rest = rest.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
            }
            _ => return None, // only sources keyed by the whole id can be listed
        }
        (!rest.is_empty()).then_some((rest, ext))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pieces(f, &self.pieces, &self.names)
    }
}

/// Percent-encodes what is not safe in every store, injectively. A lone `.` or `..` segment cannot be an id.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'/' | b'-' => into.push(byte as char),
            other => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                into.push('%');
                into.push(HEX[usize::from(other >> 4)] as char);
                into.push(HEX[usize::from(other & 15)] as char);
            }
        }
    }
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

fn known(form: &EntityForm, source: bool) -> String {
    let mut names: Vec<String> = vec!["`{id}`".into()];
    names.extend(form.names.iter().map(|name| format!("`{{{name}}}`")));
    let ext = if source { ", and `.{ext}` at the end" } else { "" };
    format!("there is {}{ext}", names.join(", "))
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
