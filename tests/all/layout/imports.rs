//! Which file of a crate imports from which other, read from the text of its `use` lines.
//!
//! What stands in a file's tests does not count. A name that a `mod.rs` hands on by `pub use` counts as an import from the
//! file that the name comes from, so that a contents page makes no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The path of a module: `["worker", "steps"]`; empty for the root of the crate.
pub type Module = Vec<String>;

/// For each module of a crate those that it imports from.
pub type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// One name that a `use` line brings: where its path leads, the name, and whether it is handed on.
struct Use {
    from: Module,
    name: Option<String>,
    handed_on: bool,
}

/// Reads the imports of the crate whose sources lie in `folder`.
pub fn of(folder: &Path) -> Imports {
    let mut texts = BTreeMap::new();
    read(folder, &mut Vec::new(), &mut texts);
    let uses: BTreeMap<&Module, Vec<Use>> =
        texts.iter().map(|(module, text)| (module, uses_of(module, text, &texts))).collect();
    let mut handed_on: BTreeMap<(Module, String), Module> = BTreeMap::new();
    for (module, uses) in &uses {
        for one in uses.iter().filter(|one| one.handed_on && one.from != **module) {
            handed_on.extend(one.name.clone().map(|name| (((*module).clone(), name), one.from.clone())));
        }
    }
    let source_of = |one: &Use| {
        let (mut from, mut seen) = (one.from.clone(), BTreeSet::new());
        while let Some(name) = &one.name
            && seen.insert(from.clone())
            && let Some(next) = handed_on.get(&(from.clone(), name.clone()))
        {
            from = next.clone();
        }
        from
    };
    let imports = |(module, uses): (&Module, Vec<Use>)| {
        let from: BTreeSet<Module> = uses.iter().filter(|one| !one.handed_on).map(source_of).collect();
        (module.clone(), from.into_iter().filter(|from| from != module).collect())
    };
    uses.into_iter().map(imports).collect()
}

/// Groups of modules each of which leads to itself by way of the others.
pub fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let reach: BTreeMap<&Module, BTreeSet<&Module>> =
        imports.keys().map(|from| (from, reached(imports, from))).collect();
    let mut circles = BTreeSet::new();
    for (module, reached) in &reach {
        if reached.contains(*module) {
            let circle = reached.iter().filter(|other| reach[**other].contains(*module)).map(|other| other.join("::"));
            circles.insert(circle.collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}

fn reached<'i>(imports: &'i Imports, from: &Module) -> BTreeSet<&'i Module> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(module) = left.pop() {
        for next in imports.get(module).into_iter().flatten() {
            if reached.insert(next) {
                left.push(next);
            }
        }
    }
    reached
}

fn read(folder: &Path, at: &mut Module, texts: &mut BTreeMap<Module, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            at.push(stem);
            read(&path, at, texts);
            at.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut module = at.clone();
            if !matches!(stem.as_str(), "mod" | "lib" | "main") {
                module.push(stem);
            }
            let text = fs::read_to_string(&path).expect("text");
            let code = text.split("\nmod tests {").next().unwrap_or(&text);
            texts.insert(module, code.to_owned());
        }
    }
}

fn uses_of(module: &Module, text: &str, texts: &BTreeMap<Module, String>) -> Vec<Use> {
    let mut uses = Vec::new();
    let (mut rest, mut before) = (text, "");
    while let Some((line, after)) = rest.split_once('\n') {
        let line_at = line.trim_start();
        let handed_on = line_at.starts_with("pub");
        let path = line_at.strip_prefix("use ").or_else(|| Some(line_at.split_once(" use ")?.1).filter(|_| handed_on));
        let (false, Some(path)) = (before.contains("cfg(test)"), path) else {
            (rest, before) = (after, line);
            continue;
        };
        let start = rest.len() - (rest.len() - (path.as_ptr() as usize - rest.as_ptr() as usize));
        let tree = rest[start..].split(';').next().unwrap_or_default();
        for path in paths(tree) {
            uses.extend(resolved(module, &path, texts).map(|(from, name)| Use { from, name, handed_on }));
        }
        (rest, before) = (after, line);
    }
    uses
}

/// The paths of a tree such as `a::{b, c::{d, e}}`.
fn paths(tree: &str) -> Vec<String> {
    let tree = tree.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((start, inner)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("one").push(c);
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| paths(&format!("{start}{}", part.trim()))).collect()
}

/// The module of this crate that a path leads to, with the name of what is meant in it; nothing for other crates.
fn resolved(module: &Module, path: &str, texts: &BTreeMap<Module, String>) -> Option<(Module, Option<String>)> {
    let path = path.split(" as ").next().unwrap_or(path).trim();
    let mut segments: Vec<String> = path.split("::").map(|segment| segment.trim().to_owned()).collect();
    let first = segments.first()?.clone();
    let mut full = match first.as_str() {
        "crate" => segments.split_off(1),
        "self" => [module.clone(), segments.split_off(1)].concat(),
        "super" => {
            let up = segments.iter().take_while(|segment| *segment == "super").count();
            [module[..module.len().checked_sub(up)?].to_vec(), segments.split_off(up)].concat()
        }
        _ if texts.contains_key(&[module.clone(), vec![first.clone()]].concat()) => [module.clone(), segments].concat(),
        _ => return None,
    };
    if full.last().is_some_and(|last| last == "self") {
        full.pop();
    }
    let length = (0..=full.len()).rev().find(|length| texts.contains_key(&full[..*length]))?;
    let name = full[length..].last().cloned();
    full.truncate(length);
    Some((full, name))
}
