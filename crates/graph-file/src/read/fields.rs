//! The fields of one mapping, taken key by key. A key that was not taken is unknown, and a problem.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::position::{At, Position};
use crate::problem::Findings;
use crate::scalar::{Meaning, meaning};
use crate::tree::{Kind, Node, join};
use crate::units;
use crate::wording::{did_you_mean, listed, printable};

/// A mapping that is being read.
pub struct Fields<'n, 'f> {
    /// The path of the mapping, such as `jobs.mix`.
    pub path: String,
    /// Its position.
    pub position: Position,
    entries: Vec<(&'n At<String>, &'n Node)>,
    asked: Vec<&'static str>,
    findings: &'f Findings,
}

impl<'n, 'f> Fields<'n, 'f> {
    /// The fields of `node`; `None`, and a problem, where it is no mapping. A key that stands twice is a problem.
    pub fn of(node: &'n Node, path: impl Into<String>, findings: &'f Findings) -> Option<Self> {
        let path = path.into();
        let Kind::Map(map) = &node.kind else {
            findings.add(node.position, path, format!("expected keys with values, got {}", describe(node)));
            return None;
        };
        let mut entries: Vec<(&At<String>, &Node)> = Vec::with_capacity(map.len());
        let mut first: std::collections::HashMap<&str, Position> = std::collections::HashMap::new();
        for (key, value) in map {
            match first.insert(&key.value, key.position) {
                None => entries.push((key, value)),
                Some(position) => {
                    first.insert(&key.value, position);
                    let message = format!("stands twice, first in line {}; leave one out", position.line);
                    findings.add(key.position, join(&path, &key.value), message);
                }
            }
        }
        Some(Self { path, position: node.position, entries, asked: Vec::new(), findings })
    }

    /// All entries, for a mapping whose keys are the user's own names.
    pub fn all(&self) -> impl Iterator<Item = (&'n At<String>, &'n Node)> + use<'n> {
        self.entries.clone().into_iter()
    }

    /// The path of a key.
    pub fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.position_of(key).is_some()
    }

    /// The position of the value of a key.
    pub fn position_of(&self, key: &str) -> Option<Position> {
        self.entries.iter().find(|(known, _)| known.value == key).map(|(_, node)| node.position)
    }

    /// Takes the value of a key.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        let at = self.entries.iter().position(|(known, _)| known.value == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Takes the value of a key that must be there; `example` ends the sentence that asks for it.
    pub fn require(&mut self, key: &'static str, example: &str) -> Option<&'n Node> {
        let node = self.take(key);
        if node.is_none() {
            self.findings.add(self.position, self.at(key), format!("missing; {example}"));
        }
        node
    }

    /// Reports all keys that were not taken as unknown.
    pub fn finish(self) {
        for (key, _) in &self.entries {
            let remedy = match key.value.as_str() {
                "<<" => "; merge keys are not read: write the values out, or use `defaults`".to_owned(),
                wrong => {
                    let near = did_you_mean(wrong, self.asked.iter().copied());
                    let names = || format!("; there is {}", listed(&self.asked));
                    if near.is_empty() { names() } else { near }
                }
            };
            let message = format!("no key `{}` here{remedy}", printable(&key.value));
            self.findings.add(key.position, join(&self.path, &key.value), message);
        }
    }

    /// A text under `key`.
    pub fn text(&mut self, key: &'static str, example: &str) -> Option<At<String>> {
        let node = self.take(key)?;
        text(node, &self.at(key), example, self.findings)
    }

    /// A whole number under `key`.
    pub fn whole(&mut self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        let node = self.take(key)?;
        whole(node, &self.at(key), range, self.findings)
    }

    /// `true` or `false` under `key`.
    pub fn flag(&mut self, key: &'static str) -> Option<At<bool>> {
        let node = self.take(key)?;
        // With quotes or without: `"${FSYNC:-true}"` needs them inside of braces.
        if let Kind::Scalar { text, .. } = &node.kind
            && let Meaning::Flag(flag) = meaning(text, true)
        {
            return Some(At::new(flag, node.position));
        }
        self.findings.add(node.position, self.at(key), format!("expected `true` or `false`, got {}", describe(node)));
        None
    }

    /// A duration under `key`.
    pub fn duration(&mut self, key: &'static str, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.measured(key, "a duration such as `10m` or `500ms`", units::duration, units::duration_text, range)
    }

    /// A size in bytes under `key`.
    pub fn size(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        self.measured(key, "a size such as `512MiB` or `4GB`", units::size, units::size_text, range)
    }

    fn measured<T: PartialOrd + Copy>(
        &mut self,
        key: &'static str,
        what: &str,
        read: fn(&str) -> Option<T>,
        write: fn(T) -> String,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let node = self.take(key)?;
        let value = match &node.kind {
            Kind::Scalar { text, .. } => read(text),
            _ => None,
        };
        let message = match value {
            Some(value) if range.contains(&value) => return Some(value),
            Some(value) => {
                let (least, most) = (write(*range.start()), write(*range.end()));
                format!("expected {what} from {least} to {most}, got {}", write(value))
            }
            None => format!("expected {what}, got {}", describe(node)),
        };
        self.findings.add(node.position, self.at(key), message);
        None
    }

    /// One of a few words under `key`.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&'static str, T)]) -> Option<T> {
        let node = self.take(key)?;
        if let Kind::Scalar { text, .. } = &node.kind
            && let Some((_, value)) = choices.iter().find(|(word, _)| word == text)
        {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let message = format!("expected {}, got {}", listed(&words).replace(" and ", " or "), describe(node));
        self.findings.add(node.position, self.at(key), message);
        None
    }
}

/// A text that is not empty; numbers and truth values count as the text they are written as.
pub fn text(node: &Node, path: &str, example: &str, findings: &Findings) -> Option<At<String>> {
    match &node.kind {
        Kind::Scalar { text, plain } if meaning(text, *plain) != Meaning::Nothing && !text.is_empty() => {
            Some(At::new(text.clone(), node.position))
        }
        _ => {
            findings.add(node.position, path, format!("expected {example}, got {}", describe(node)));
            None
        }
    }
}

/// A whole number within a range, with quotes or without: `"${WORKERS}"` needs them inside of braces.
pub fn whole(node: &Node, path: &str, range: RangeInclusive<i64>, findings: &Findings) -> Option<i64> {
    if let Kind::Scalar { text, .. } = &node.kind
        && let Meaning::Whole(number) = meaning(text, true)
        && range.contains(&number)
    {
        return Some(number);
    }
    let message = format!("expected a number from {} to {}, got {}", range.start(), range.end(), describe(node));
    findings.add(node.position, path, message);
    None
}

/// A value in words, as the end of a sentence.
pub fn describe(node: &Node) -> String {
    match &node.kind {
        Kind::List(_) => "a list".into(),
        Kind::Map(_) => "keys with values".into(),
        Kind::Scalar { text, plain } => match meaning(text, *plain) {
            Meaning::Nothing => "nothing".into(),
            Meaning::Whole(_) | Meaning::Real(_) | Meaning::Flag(_) => text.chars().take(40).collect(),
            Meaning::Text if text.is_empty() => "an empty text".into(),
            Meaning::Text if text.chars().count() > 60 => {
                format!("`{}…`", printable(&text.chars().take(60).collect::<String>()))
            }
            Meaning::Text => format!("`{}`", printable(text)),
        },
    }
}
