//! What a person has set for a cluster: in the environment, or in the file `.env` beside the compose file.

use std::collections::BTreeMap;
use std::path::Path;

/// The variables that Compose sees.
#[derive(Clone, Debug, Default)]
pub struct Set(BTreeMap<String, String>);

impl Set {
    /// Those for a compose file. The environment goes before `.env`, as Compose has it.
    pub fn beside(file: &Path) -> Self {
        // Without the file, and where it cannot be read, Compose has nothing of it either, or says so itself.
        let text = std::fs::read_to_string(file.with_file_name(".env")).unwrap_or_default();
        let environment = std::env::vars_os();
        Self::of(&text, environment.map(|(name, value)| (text_of(&name), text_of(&value))))
    }

    /// Those of the text of an `.env` and of an environment.
    pub fn of(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let lines = lines.filter_map(|line| line.strip_prefix("export ").unwrap_or(line).split_once('='));
        let lines = lines.map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()).to_owned()));
        Self(lines.chain(environment).collect())
    }

    /// The value of a variable; none where it is set to nothing, which counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

fn text_of(text: &std::ffi::OsStr) -> String {
    text.to_string_lossy().into_owned()
}

fn unquoted(value: &str) -> &str {
    let between = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_before_the_file_and_nothing_is_as_good_as_unset() {
        let text = "# remark\nA=file\nexport B=\"two words\"\nC='x'\nD=\nE=file\n\nnonsense\n";
        let set = Set::of(text, [("A".to_owned(), "shell".to_owned()), ("E".to_owned(), String::new())]);
        let all = ["A", "B", "C", "D", "E", "F"].map(|name| set.get(name));
        assert_eq!(all, [Some("shell"), Some("two words"), Some("x"), None, None, None]);
    }
}
