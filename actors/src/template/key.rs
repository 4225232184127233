//! Templates of keys and mappings: variables filled in from an entity, and read back from a listed key.

use std::fmt;

use super::form::{EntityForm, Parts};
use super::pieces::{BadTemplate, EXT, Piece, Token, Var, tokens, write_pieces};
use crate::ids::{BadId, EntityId};

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

fn known(form: &EntityForm, source: bool) -> String {
    let mut names: Vec<String> = vec!["`{id}`".into()];
    names.extend(form.names.iter().map(|name| format!("`{{{name}}}`")));
    let ext = if source { ", and `.{ext}` at the end" } else { "" };
    format!("there is {}{ext}", names.join(", "))
}
