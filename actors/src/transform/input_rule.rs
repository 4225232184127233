//! Which inputs a transform takes, as a value that can be checked.

use super::options;

/// Which inputs a transform takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputRule {
    /// None at all: it makes its output from the id.
    None,
    /// Exactly these names.
    Exactly(&'static [&'static str]),
    /// One or more, under any names.
    OneOrMore,
    /// Any number, under any names.
    Any,
}

impl InputRule {
    /// What is wrong with a job's input names, or nothing.
    pub fn problem(&self, names: &[&str]) -> Option<String> {
        match self {
            InputRule::None if !names.is_empty() => {
                Some(format!("this transform takes no inputs; leave out {}", options::list(names)))
            }
            InputRule::OneOrMore if names.is_empty() => Some("this transform needs at least one input".to_owned()),
            InputRule::Exactly(wanted) => {
                let same = wanted.len() == names.len() && wanted.iter().all(|name| names.contains(name));
                (!same).then(|| {
                    let noun = if wanted.len() == 1 { "the input" } else { "the inputs" };
                    format!("this transform takes {noun} {}, not {}", options::list(wanted), options::list(names))
                })
            }
            _ => None,
        }
    }
}
