//! The shape of the code where crates cannot hold it: circles between files, the floors of the actors, the length of files.

mod imports;

use std::{
    fs,
    path::{Path, PathBuf},
};

const MOST_LINES: usize = 350;

/// The upper floors of the actors, from the bottom: a file below one may not import from it.
const FLOORS: [&[&str]; 5] = [&["dedupe", "parent_trigger"], &["context"], &["worker"], &["pool"], &["node"]];

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(below: &Path, into: &mut Vec<PathBuf>) {
    if below.is_file() {
        into.push(below.to_owned());
        return;
    }
    for entry in fs::read_dir(below).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn files(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    rust_files(&home().join(below), &mut found);
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

/// The folders with the sources of all crates.
fn sources() -> Vec<PathBuf> {
    let crates = fs::read_dir(home().join("crates")).expect("a folder").map(|entry| entry.expect("an entry").path());
    crates.chain([home().join("actors"), home()]).map(|folder| folder.join("src")).collect()
}

#[test]
fn no_file_leads_back_to_itself() {
    let mut wrong = Vec::new();
    for folder in sources() {
        for circle in imports::circles(&imports::of(&folder)) {
            wrong.push(format!("{}: {}", folder.strip_prefix(home()).expect("below").display(), circle.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "files that need each other:\n{}", wrong.join("\n"));
}

#[test]
fn the_floors_of_the_actors_are_kept() {
    let imports = imports::of(&home().join("actors/src"));
    let floor_of = |module: &[String]| {
        let name = module.first().map(String::as_str);
        FLOORS.iter().position(|floor| name.is_some_and(|name| floor.contains(&name))).map_or(0, |at| at + 1)
    };
    for (at, floor) in FLOORS.iter().enumerate() {
        assert!(
            floor.iter().all(|name| imports.keys().any(|module| module.first().is_some_and(|first| first == name)))
        );
        assert_eq!(floor_of(&[floor[0].to_owned()]), at + 1);
    }
    let mut wrong = Vec::new();
    for (module, from) in imports.iter().filter(|(module, _)| !module.is_empty()) {
        for from in from.iter().filter(|from| floor_of(from) > floor_of(module)) {
            wrong.push(format!("{} imports from {}", module.join("::"), from.join("::")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_one_file_knows_bincode_and_none_is_long_or_without_its_first_line() {
    let mut wrong = Vec::new();
    for (path, text) in ["src", "actors", "crates", "tests", "benches"].into_iter().flat_map(files) {
        let name = path.strip_prefix(home()).expect("below").display().to_string();
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{name} has {lines} lines"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not say in its first line what it is"));
        }
        if text.contains("bincode::") && name != "actors/src/wire.rs" && name != "tests/all/layout/mod.rs" {
            wrong.push(format!("{name} knows bincode"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `println!` and `eprintln!` panic where nobody reads any more, and end a run for it: facts go by `cli::Output`, lines for
/// people by `telemetry::say`.
#[test]
fn nothing_is_printed_that_panics_where_nobody_reads() {
    let is_printed =
        |(_, text): &(PathBuf, String)| text.split("\nmod tests {").next().unwrap_or(text).contains("println!(");
    let testkit = home().join("crates/testkit"); // tests only
    let printing = ["src", "crates"].into_iter().flat_map(files).filter(is_printed).map(|(path, _)| path);
    let is_test =
        |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
    let printing: Vec<PathBuf> = printing.filter(|path| !path.starts_with(&testkit) && !is_test(path)).collect();
    // A transform of test builds that prints on purpose.
    assert_eq!(printing, [home().join("crates/engine/src/builtin/faulty.rs")]);
}
