//! The Python files that a function is made of: its own, and those that it imports from below its graph's folder or its own.
//!
//! Only statements that begin a line with `import` or `from` are followed, over several lines where they go on. A module
//! that is imported in another way is not seen; neither are packages of the environment, which lie elsewhere and are pinned
//! by the requirements.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::code_digest::normalised;

/// The files below `root`, or below the folder of `file`, that `file` is made of, and `file` itself. What cannot be read is left out.
pub fn sources(root: &Path, file: &Path) -> BTreeSet<PathBuf> {
    let (root, file) = (normalised(root), normalised(file));
    let beside = file.parent().unwrap_or(&root).to_owned();
    let mut seen = BTreeMap::new();
    let mut waiting = vec![file];
    while let Some(file) = waiting.pop() {
        if seen.contains_key(&file) {
            continue;
        }
        let text = text_of(&file);
        for module in text.iter().flat_map(|text| imported(text)) {
            let folders = match module.dots {
                0 => vec![beside.clone(), root.clone()],
                up => file.ancestors().nth(up).map(Path::to_owned).into_iter().collect(),
            };
            let inside = folders.iter().filter(|folder| folder.starts_with(&root) || folder.starts_with(&beside));
            waiting.extend(inside.flat_map(|folder| module.files_in(folder)).filter(|path| path.is_file()));
        }
        seen.insert(file, text.is_some());
    }
    seen.into_iter().filter_map(|(file, is_readable)| is_readable.then_some(file)).collect()
}

/// The text of a file, if it can be read; what is not UTF-8 in it is replaced.
fn text_of(file: &Path) -> Option<String> {
    fs::read(file).ok().map(|content| String::from_utf8_lossy(&content).into_owned())
}

/// A module as an import names it: `..a.b` has two dots and two names.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    dots: usize,
    names: Vec<String>,
}

impl Module {
    fn of(path: &str) -> Self {
        let names = path.trim_start_matches('.');
        let dots = path.len() - names.len();
        let names = names.split('.').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self { dots, names }
    }

    /// Whether its names can be names of modules: a text that only looks like an import must not lead out of the folder.
    fn has_plain_names(&self) -> bool {
        self.names.iter().all(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
    }

    /// Where its files would be in a folder. Python runs each package on the way as well: for `a.b.c` those of `a` and `a.b`,
    /// and for a module with dots that of the folder itself.
    fn files_in(&self, folder: &Path) -> Vec<PathBuf> {
        let mut path = folder.to_owned();
        let mut files = Vec::new();
        if self.dots > 0 {
            files.push(path.join("__init__.py"));
        }
        for name in &self.names {
            path.push(name);
            files.push(path.join("__init__.py"));
        }
        if !self.names.is_empty() {
            files.push(path.with_extension("py"));
        }
        files
    }
}

/// The modules that a text imports, each with all that it might mean: `from a import b` is `a` and `a.b`.
fn imported(text: &str) -> Vec<Module> {
    let first_word = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    let mut modules = Vec::new();
    for statement in statements(text) {
        if let Some(list) = after(&statement, "import") {
            modules.extend(list.split(',').map(|one| Module::of(&first_word(one))));
            continue;
        }
        let Some((from, list)) = after(&statement, "from").and_then(split_at_import) else { continue };
        modules.push(Module::of(from));
        let joint = if from.ends_with('.') { "" } else { "." };
        let names = list.split(',').map(first_word).filter(|name| !name.is_empty());
        modules.extend(names.map(|name| Module::of(&format!("{from}{joint}{name}"))));
    }
    modules.retain(Module::has_plain_names);
    modules
}

/// What follows a keyword at the start of a statement.
fn after<'s>(statement: &'s str, keyword: &str) -> Option<&'s str> {
    let rest = statement.strip_prefix(keyword)?;
    // `from.near import x` is Python, `importlib.reload(x)` is another statement.
    rest.starts_with([' ', '\t', '.']).then(|| rest.trim())
}

/// The module and the names of `module import names`.
fn split_at_import(rest: &str) -> Option<(&str, &str)> {
    let at = rest.match_indices("import").map(|(at, _)| at).find(|at| {
        let (before, behind) = (rest[..*at].chars().next_back(), rest[at + "import".len()..].chars().next());
        // Brackets have become spaces.
        before.is_some_and(|before| before.is_whitespace() || before == '.') && behind.is_some_and(char::is_whitespace)
    })?;
    Some((rest[..at].trim(), rest[at + "import".len()..].trim()))
}

/// The statements of a text that begin a line with an import, each on one line, without comments and brackets.
fn statements(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins = |line: &str| line.starts_with("import") || line.starts_with("from");
    // Each line is looked at by itself, for a text that only looks like an import may seem not to end.
    let whole = (0..lines.len()).filter(|at| begins(lines[*at])).map(|at| whole(&lines[at..]));
    whole.flat_map(|line| line.split(';').map(|one| one.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// The statement that begins in the first of these lines. It goes on behind a backslash at the end of a line, and until a
/// bracket is closed.
fn whole(lines: &[&str]) -> String {
    let mut statement = String::new();
    for line in lines {
        let line = line.split('#').next().unwrap_or_default().trim();
        let (line, goes_on) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        statement.push_str(line);
        statement.push(' ');
        if !goes_on && (!statement.contains('(') || statement.contains(')')) {
            break;
        }
    }
    statement.replace(['(', ')'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the files that `t/f.py` is made of, where these are there.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, text).expect("written");
        }
        let found = sources(root.path(), &root.path().join("t/../t/f.py"));
        let below = |path: &PathBuf| path.strip_prefix(root.path()).expect("below").display().to_string();
        found.iter().map(below).collect()
    }

    #[test]
    fn what_a_file_imports_from_below_the_folder_is_found_and_nothing_else() {
        let f = "import numpy, helper\nfrom shared.scales import mel as m\nfrom . import near\nx = 'import no'\n";
        let files = [
            ("t/f.py", f),
            ("t/helper.py", "import t.deep  # by its way from the root\n"),
            ("t/near.py", "from ..shared import curves\n"),
            ("t/deep.py", "from f import f\n"),
            ("shared/__init__.py", ""),
            ("shared/scales.py", ""),
            ("shared/curves.py", ""),
            ("shared/unused.py", ""),
            ("t/no.py", ""),
        ];
        let all = [
            "shared/__init__.py",
            "shared/curves.py",
            "shared/scales.py",
            "t/deep.py",
            "t/f.py",
            "t/helper.py",
            "t/near.py",
        ];
        assert_eq!(found(&files), all);
    }

    #[test]
    fn an_import_is_followed_over_several_lines() {
        let f = "from shared import (  # brackets\n    one,\n\n    two as t,  # (a comment)\n)\n\
                 from shared \\\n    import three, \\\n    four\nfrom shared import(five)\nfrom.near import x; import six\n\
                 import \\\n    seven\n\"\"\"\nfrom here import (what is no import\n\"\"\"\nimport eight\n";
        let names = ["one", "two", "three", "four", "five", "unused"].map(|name| format!("shared/{name}.py"));
        let more = ["near", "six", "seven", "eight"].map(|name| format!("t/{name}.py"));
        let files: Vec<(&str, &str)> =
            names.iter().chain(&more).map(|name| (name.as_str(), "")).chain([("t/f.py", f)]).collect();
        let mut all: Vec<&str> = files.iter().map(|(name, _)| *name).filter(|name| !name.contains("unused")).collect();
        all.sort_unstable();
        assert_eq!(found(&files), all);
    }

    #[test]
    fn the_packages_above_an_imported_module_are_found_with_it() {
        let files = [
            ("t/f.py", "import a.b.c\nfrom .p.q import r\n"),
            ("t/__init__.py", ""),
            ("a/__init__.py", "from . import hidden\n"),
            ("a/hidden.py", ""),
            ("a/b/__init__.py", ""),
            ("a/b/c.py", ""),
            ("a/b/other.py", ""),
            ("t/p/__init__.py", ""),
            ("t/p/q/__init__.py", ""),
            ("t/p/q/r.py", ""),
        ];
        let mut all: Vec<&str> = files.iter().map(|(name, _)| *name).filter(|name| *name != "a/b/other.py").collect();
        all.sort_unstable();
        assert_eq!(found(&files), all);
    }
}
