//! Templates of keys and mappings: variables filled in from an entity, and read back from a listed key.

use std::borrow::Cow;
use std::fmt;

use super::form::{EntityForm, Parts};
use super::names::{NameRules, Stretch, decode, encode, encode_formerly, fit, shorten};
use super::pieces::{BadTemplate, EXT, Piece, Token, Var, tokens, write_pieces};
use crate::ids::{BadId, EntityId};

/// A text with variables of an entity form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    pieces: Vec<Piece>,
    names: Vec<String>,
    rules: NameRules,
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
        Ok(Self { pieces, names: form.names.clone(), rules: NameRules::default() })
    }

    /// The stretches of the template.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether it ends in `.{ext}`.
    pub fn has_ext(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Var(Var::Ext)))
    }

    /// Whether the whole id stands in it, once and alone, so that [`Template::match_source`] can read ids off keys.
    pub fn is_keyed_by_id(&self) -> bool {
        let pieces = self.pieces.iter().filter(|piece| !matches!(piece, Piece::Var(Var::Ext)));
        let mut variables = pieces.filter(|piece| matches!(piece, Piece::Var(_)));
        matches!((variables.next(), variables.next()), (Some(Piece::Var(Var::Id)), None))
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

    /// This template in a store with names of its own.
    #[must_use]
    pub fn in_store(self, rules: NameRules) -> Self {
        Self { rules, ..self }
    }

    /// How its variables are written, for comparison with other nodes. What changes a key changes this.
    pub(crate) fn spelling(&self) -> &'static str {
        if self.rules.tells_case { "letters of all scripts\n" } else { "letters of all scripts, without case\n" }
    }

    /// The output key of an entity. In a variable, letters, digits and signs of all scripts stay as they are, and what is
    /// unsafe is percent-encoded. What is too long for the store is shortened, with a hash at its end.
    pub fn output_key(&self, parts: &Parts<'_>) -> String {
        let mut key = String::with_capacity(32 + parts.id.len());
        self.render(parts, "", &mut key, encode);
        let fits = self.rules.tells_case
            && key.len() <= self.rules.longest_path
            && key.split('/').all(|segment| segment.len() <= self.rules.longest_segment);
        if fits { key } else { self.fitted_key(parts) }
    }

    /// The output key of an entity in a store that cannot hold it as it is.
    fn fitted_key(&self, parts: &Parts<'_>) -> String {
        let mut segments: Vec<Vec<Stretch<'_>>> = vec![Vec::new()];
        for piece in &self.pieces {
            let (text, is_variable) = match piece {
                Piece::Text(text) => (text.as_str(), false),
                Piece::Var(Var::Id) => (parts.id, true),
                Piece::Var(Var::Part(at)) => (parts.parts[*at], true),
                Piece::Var(Var::Ext) => continue, // never in an output
            };
            for (at, segment) in text.split('/').enumerate() {
                if at > 0 {
                    segments.push(Vec::new());
                }
                let mut encoded = String::new();
                if is_variable {
                    encode(segment, &mut encoded)
                } else {
                    encoded.push_str(segment)
                }
                let raw = is_variable.then_some(segment);
                segments.last_mut().expect("one at least").push(Stretch { encoded, raw });
            }
        }
        let fitted = segments.iter_mut().map(|stretches| {
            fit(stretches, &self.rules);
            stretches.iter().map(|stretch| stretch.encoded.as_str()).collect::<String>()
        });
        let key = fitted.collect::<Vec<_>>().join("/");
        if key.len() <= self.rules.longest_path { key } else { self.shortened_key(parts) }
    }

    /// The output key of an entity whose segments are too many: each variable as a whole gets its share of the path.
    fn shortened_key(&self, parts: &Parts<'_>) -> String {
        let stretch = |piece: &'_ Piece| -> Stretch<'_> {
            let raw = match piece {
                Piece::Text(text) => return Stretch { encoded: text.clone(), raw: None },
                Piece::Var(Var::Id) => parts.id,
                Piece::Var(Var::Part(at)) => parts.parts[*at],
                Piece::Var(Var::Ext) => "",
            };
            let mut encoded = String::new();
            encode(raw, &mut encoded);
            Stretch { encoded, raw: Some(raw) }
        };
        let mut stretches: Vec<Stretch<'_>> = Vec::new();
        for piece in &self.pieces {
            stretches.push(stretch(piece));
        }
        shorten(&mut stretches, self.rules.longest_path);
        stretches.into_iter().map(|stretch| stretch.encoded).collect()
    }

    /// Other keys under which the output of an entity may lie: the one that former versions gave it, and the one that it
    /// has in a store that tells case, where this one does not.
    pub fn former_keys(&self, parts: &Parts<'_>) -> Vec<String> {
        let most = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 3 * parts.id.len() };
        let longest = self.rules.longest_segment.min(self.rules.longest_path);
        if parts.id.is_ascii() && self.rules.tells_case && self.pieces.iter().map(most).sum::<usize>() <= longest {
            return Vec::new(); // encoded as ever, and too short to be shortened
        }
        let now = self.output_key(parts);
        let mut keys = Vec::new();
        if !self.rules.tells_case {
            let rules = NameRules { tells_case: true, ..self.rules };
            keys.push(Self { rules, ..self.clone() }.output_key(parts));
        }
        let mut key = String::with_capacity(32 + 3 * parts.id.len());
        self.render(parts, "", &mut key, encode_formerly);
        if !keys.contains(&key) {
            keys.push(key);
        }
        keys.retain(|key| *key != now);
        keys
    }

    /// Whether the key of an entity is shortened.
    pub fn is_shortened(&self, parts: &Parts<'_>) -> bool {
        let mut key = String::new();
        self.render(parts, "", &mut key, encode);
        let rules = NameRules { tells_case: true, ..self.rules };
        Self { rules, ..self.clone() }.output_key(parts) != key
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
        Some((whole_id(pieces, rest)?, ext))
    }

    /// The id whose output lies at a listed path, whatever the rules by which it was written there. None where the path does not
    /// fit, or does not hold the whole id: the template takes it apart, or it was shortened.
    pub fn match_output<'k>(&self, path: &'k str) -> Option<Cow<'k, str>> {
        decode(whole_id(&self.pieces, path)?)
    }

    /// Whether a key holds the whole id once, so that a listed key tells the id.
    pub fn tells_id(&self) -> bool {
        let pieces = if self.has_ext() { &self.pieces[..self.pieces.len() - 1] } else { &self.pieces[..] };
        let ids = pieces.iter().filter(|piece| matches!(piece, Piece::Var(Var::Id))).count();
        ids == 1 && pieces.iter().all(|piece| matches!(piece, Piece::Text(_) | Piece::Var(Var::Id)))
    }

    /// The key, where it is the same for all entities.
    pub fn constant(&self) -> Option<&str> {
        match &self.pieces[..] {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// What stands for the id in a key that these pieces make; none where they do not hold the whole id once.
fn whole_id<'k>(pieces: &[Piece], key: &'k str) -> Option<&'k str> {
    let id = match pieces {
        [Piece::Var(Var::Id)] => key,
        [Piece::Text(before), Piece::Var(Var::Id)] => key.strip_prefix(before.as_str())?,
        [Piece::Var(Var::Id), Piece::Text(after)] => key.strip_suffix(after.as_str())?,
        [Piece::Text(before), Piece::Var(Var::Id), Piece::Text(after)] => {
            key.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?
        }
        _ => return None, // only sources keyed by the whole id can be listed
    };
    (!id.is_empty()).then_some(id)
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pieces(f, &self.pieces, &self.names)
    }
}

fn known(form: &EntityForm, source: bool) -> String {
    let mut names: Vec<String> = vec!["`{id}`".into()];
    names.extend(form.names.iter().map(|name| format!("`{{{name}}}`")));
    let ext = if source { ", and `.{ext}` at the end" } else { "" };
    format!("there is {}{ext}", names.join(", "))
}
