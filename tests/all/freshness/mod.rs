//! When is an output out of date? A table of cases, each over folders and over a bucket: what happens, what `plan` says, what
//! `run` makes, what `explain` tells, and that nothing is left to do.

mod case; //    one case, and how it is checked
mod change; //  what happens between two runs
mod code; //    Python functions
mod jobs; //    options, scripts, edges
mod outputs; // outputs that are missing, made anew, foreign
mod place; //   folders and buckets
mod setup; //   the graphs
mod sources; // sources

use std::collections::BTreeSet;

use case::{Case, check};
use place::{Bucket, Folders};
use setup::{COMMANDS, PYTHON};

/// All tables.
const TABLES: [&[Case]; 8] = [
    sources::REPLACED_SOURCES,
    sources::OTHER_SOURCES,
    outputs::MISSING_OUTPUTS,
    outputs::MADE_ANEW,
    outputs::FOREIGN,
    jobs::CHANGED_JOBS,
    jobs::CHANGED_EDGES,
    code::PYTHON_JOBS,
];

#[test]
fn sources_that_are_others_now_in_folders() {
    check(&COMMANDS, sources::REPLACED_SOURCES, Folders::with);
}

#[test]
fn sources_that_are_others_now_in_a_bucket() {
    check(&COMMANDS, sources::REPLACED_SOURCES, Bucket::with);
}

#[test]
fn sources_that_come_and_go_in_folders() {
    check(&COMMANDS, sources::OTHER_SOURCES, Folders::with);
}

#[test]
fn sources_that_come_and_go_in_a_bucket() {
    check(&COMMANDS, sources::OTHER_SOURCES, Bucket::with);
}

#[test]
fn outputs_that_are_missing_in_folders() {
    check(&COMMANDS, outputs::MISSING_OUTPUTS, Folders::with);
}

#[test]
fn outputs_that_are_missing_in_a_bucket() {
    check(&COMMANDS, outputs::MISSING_OUTPUTS, Bucket::with);
}

#[test]
fn outputs_that_were_made_anew_in_folders() {
    check(&COMMANDS, outputs::MADE_ANEW, Folders::with);
}

#[test]
fn outputs_that_were_made_anew_in_a_bucket() {
    check(&COMMANDS, outputs::MADE_ANEW, Bucket::with);
}

#[test]
fn outputs_of_others_and_of_before_in_folders() {
    check(&COMMANDS, outputs::FOREIGN, Folders::with);
}

#[test]
fn outputs_of_others_and_of_before_in_a_bucket() {
    check(&COMMANDS, outputs::FOREIGN, Bucket::with);
}

#[test]
fn jobs_that_were_changed_over_folders() {
    check(&COMMANDS, jobs::CHANGED_JOBS, Folders::with);
}

#[test]
fn jobs_that_were_changed_over_a_bucket() {
    check(&COMMANDS, jobs::CHANGED_JOBS, Bucket::with);
}

#[test]
fn jobs_that_read_or_write_elsewhere_over_folders() {
    check(&COMMANDS, jobs::CHANGED_EDGES, Folders::with);
}

#[test]
fn jobs_that_read_or_write_elsewhere_over_a_bucket() {
    check(&COMMANDS, jobs::CHANGED_EDGES, Bucket::with);
}

#[test]
fn python_functions_that_were_changed_over_folders() {
    check(&PYTHON, code::PYTHON_JOBS, Folders::with);
}

#[test]
fn python_functions_that_were_changed_over_a_bucket() {
    check(&PYTHON, code::PYTHON_JOBS, Bucket::with);
}

/// A line of the documentation's table is a case, and says rightly whether anything is made.
#[test]
fn the_table_for_users_is_that_of_the_cases() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guarantees.md");
    let page = std::fs::read_to_string(page).expect("a page");
    let (_, table) = page.split_once("\n### Case by case\n").expect("the table");
    let table = table.split("\n## ").next().expect("a section");
    let cases = || TABLES.iter().copied().flatten();
    let names: BTreeSet<&str> = cases().map(|case| case.name).collect();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .skip(1)
        .map(|line| line.split(" | ").collect())
        .collect();
    assert!(lines.len() >= 40, "{} lines", lines.len());
    for line in &lines {
        let [name, folders, bucket] = line[..] else { panic!("not three cells: {line:?}") };
        assert!(names.contains(name), "no case is called so: {name}");
        for case in cases().filter(|case| case.name == name) {
            for (told, says) in [(case.in_folders, folders), (case.in_a_bucket, bucket)] {
                let says = if says == "the same" { folders } else { says };
                assert_eq!(says.starts_with("nothing"), told.makes.is_empty(), "{name}: {says}");
                assert_eq!(says.contains("told"), !told.left.is_empty(), "{name}: {says}");
            }
        }
    }
}
