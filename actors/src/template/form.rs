//! Entity forms: how an id is put together of parts, and taken apart again.

use std::fmt;

use super::pieces::{BadTemplate, EXT, Piece, Token, Var, tokens, write_pieces};
use crate::ids::EntityId;

/// How an entity id is put together: `{id}`, or parts with text between them such as `{a},{b}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntityForm {
    pub(super) pieces: Vec<Piece>,
    pub(super) names: Vec<String>,
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
        self.split_name(entity.as_str())
    }

    /// The same for a name that need not be in normal form, such as one that a source has.
    pub fn split_name<'e>(&self, id: &'e str) -> Option<Parts<'e>> {
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
    pub(super) id: &'e str,
    pub(super) parts: Vec<&'e str>,
}

impl Parts<'_> {
    /// The whole id.
    pub fn id(&self) -> &str {
        self.id
    }

    /// The parts, in the order of [`EntityForm::names`].
    pub fn values(&self) -> &[&str] {
        &self.parts
    }
}
