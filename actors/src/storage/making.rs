//! What an output was made by and from, as its stamp tells it: so it can be seen later that it is out of date.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::InputName;

/// What tells one version of each input from another, by the job's names for them. An input that is not there has none.
pub type InputPrints = BTreeMap<InputName, String>;

/// The most bytes of names and prints that a stamp holds one by one. A stamp lies in an attribute of a file or in the
/// metadata of an object, where there is little room.
const MOST: usize = 700;

/// What an output was made by and from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    /// Digest of what the job's transform did: its name, its options, its code. In hexadecimal.
    pub recipe: String,
    /// The version of each input that was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: InputPrints,
    /// A digest of them, where there is no room for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<String>,
    /// Which output of its job it is, by its place among them: of all but the primary one, which alone tells the inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<u16>,
}

impl Making {
    /// By this recipe, from these inputs.
    pub fn new(recipe: String, inputs: InputPrints) -> Self {
        let bytes: usize = inputs.iter().map(|(name, print)| name.as_str().len() + print.len() + 6).sum();
        let making = Self { recipe, inputs, all: None, output: None };
        if bytes > MOST { making.shortened() } else { making }
    }

    /// The same with a digest in place of the inputs.
    #[must_use]
    pub fn shortened(&self) -> Self {
        if self.all.is_some() || self.inputs.is_empty() {
            return self.clone();
        }
        let (inputs, all) = (InputPrints::new(), Some(digest(&self.inputs)));
        Self { recipe: self.recipe.clone(), inputs, all, output: self.output }
    }

    /// What another output of the same work tells: by which recipe, and which output it is.
    #[must_use]
    pub fn of_output(&self, number: usize) -> Self {
        Self { recipe: self.recipe.clone(), output: u16::try_from(number).ok(), ..Self::default() }
    }

    /// Whether the inputs are recorded together only: then nobody can say which of them changed.
    pub fn is_shortened(&self) -> bool {
        self.all.is_some()
    }

    /// Whether these are the inputs that it was made from.
    pub fn is_of(&self, now: &InputPrints) -> bool {
        match &self.all {
            Some(all) => *all == digest(now),
            None => self.inputs == *now,
        }
    }
}

fn digest(inputs: &InputPrints) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, print) in inputs {
        hasher.update(format!("{name}\n{}\n{print}\n", print.len()).as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(number: usize, print: &str) -> InputPrints {
        (0..number).map(|n| (format!("i{n}").parse().expect("a name"), print.to_owned())).collect()
    }

    #[test]
    fn many_inputs_are_recorded_as_one_digest_that_tells_them_apart() {
        let few = Making::new("r".into(), prints(3, "x"));
        assert!(!few.is_shortened() && few.is_of(&prints(3, "x")) && !few.is_of(&prints(3, "y")));
        let many = Making::new("r".into(), prints(100, "x"));
        assert!(many.is_shortened() && many.inputs.is_empty());
        assert!(many.is_of(&prints(100, "x")) && !many.is_of(&prints(100, "y")) && !many.is_of(&prints(99, "x")));
        assert!(few.shortened().is_of(&prints(3, "x")) && few.shortened().shortened() == few.shortened());
    }
}
