//! What a template is made of: stretches of text and variables.

use std::fmt;

use thiserror::Error;

/// The extension of a source, whichever the consuming transform reads.
pub(super) const EXT: &str = "ext";

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

pub(super) enum Token {
    Text(String),
    Name(String),
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, BadTemplate> {
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

pub(super) fn write_pieces(f: &mut fmt::Formatter<'_>, pieces: &[Piece], names: &[String]) -> fmt::Result {
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
