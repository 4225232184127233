//! What a listing of folders passes over: hidden folders that may not be read, links into outputs.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    thread,
};

use euterpe_actors::storage::{ListedProblem, Page};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use super::list::{Wanted, walk};
use super::root::Root;

/// What is listed, or the sentence why not, by a thread that may not read what its user may not.
fn listed(root: &Path, prefix: &str) -> Result<Vec<(String, Option<ListedProblem>)>, String> {
    let listing = || {
        let mut sets = capabilities(None).expect("asked");
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
        set_capabilities(None, sets).expect("given up");
        let mut lines = Vec::new();
        let mut each = |page: Page| {
            lines.extend(page.iter().map(|listed| (listed.path.to_owned(), listed.problem)));
            true
        };
        let root = Root::open(root, false).expect("opened");
        walk(&root, &[], prefix, Wanted::Objects, &mut each).map_err(|error| error.text())?;
        Ok(lines)
    };
    thread::scope(|scope| scope.spawn(listing).join().expect("no panic"))
}

#[test]
fn a_hidden_folder_that_may_not_be_read_is_passed_over_unless_the_prefix_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let shut = [".library", "in/.library", "in/lost+found", "plain/x"].map(|path| folder.path().join(path));
    for path in &shut {
        fs::create_dir_all(path).expect("made");
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("shut");
    }
    let passed = |path: &str| (path.to_owned(), Some(ListedProblem::Unreadable));
    assert_eq!(listed(folder.path(), "in/"), Ok(vec![passed("in/.library"), passed("in/lost+found")]));
    for prefix in [".library/", ".library/t-", ".lib", "in/.library/", "in/.lib", "in/lost+", "plain/", "pl"] {
        let error = listed(folder.path(), prefix).expect_err(prefix);
        assert!(error.contains("cannot be read"), "{prefix}: {error}");
    }
    for path in &shut {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("opened");
    }
}

#[test]
fn no_link_leads_into_outputs_and_whoever_lists_them_by_name_sees_them() {
    let place = tempfile::tempdir().expect("a folder");
    let at = |path: &str| place.path().join(path);
    for folder in ["src/in", "src/more", "out/a/deep"] {
        fs::create_dir_all(at(folder)).expect("made");
        fs::write(at(folder).join("x"), "x").expect("written");
    }
    for (target, link) in [("out/a", "src/in/back"), ("", "src/in/all"), ("src/more", "src/in/more")] {
        symlink(at(target), at(link)).expect("linked");
    }
    symlink(at("out"), at("src/whole")).expect("linked");
    let list = |root: &str, outputs: &[PathBuf], prefix: &str| {
        let mut lines = Vec::new();
        let mut each = |page: Page| {
            lines.extend(page.iter().map(|listed| (listed.path.to_owned(), listed.problem)));
            true
        };
        let root = Root::open(&at(root), true).expect("opened");
        walk(&root, outputs, prefix, Wanted::Objects, &mut each).map(|()| lines).expect("listed")
    };
    let is_output = |path: &str| (path.to_owned(), Some(ListedProblem::IsOutput));
    let object = |path: &str| (path.to_owned(), None);
    let elsewhere = |path: &str| (path.to_owned(), Some(ListedProblem::ListedElsewhere));
    let outputs = [at("out/a"), at("gone")];
    let mut found = list("src", &outputs, "in/");
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        found,
        [
            is_output("in/all/out/a"),
            elsewhere("in/all/src/in"),
            object("in/all/src/more/x"),
            elsewhere("in/all/src/whole"),
            is_output("in/back"),
            elsewhere("in/more"),
            object("in/x"),
        ]
    );
    // The prefix itself may lead there.
    assert_eq!(list("src", &outputs, "in/back/"), [is_output("in/back")]);
    assert_eq!(list("src", &outputs, "whole/"), [is_output("whole/a")]);
    // Outputs are listed where they lie.
    assert_eq!(list("out", &outputs, "a/"), [object("a/deep/x")]);
}

#[test]
fn a_folder_that_is_exchanged_while_it_is_listed_is_not_taken_for_listed() {
    let around = tempfile::tempdir().expect("a folder");
    let [store, away] = ["store", "away"].map(|name| around.path().join(name));
    fs::create_dir(&store).expect("made");
    fs::write(store.join("t-1"), "x").expect("written");
    let root = Root::open(&store, false).expect("opened");
    let mut pages = 0;
    let mut exchange = |_| {
        pages += 1;
        fs::rename(&store, &away).expect("moved");
        fs::create_dir(&store).expect("made");
        fs::write(store.join("t-2"), "x").expect("written");
        true
    };
    let error = walk(&root, &[], "", Wanted::Objects, &mut exchange).expect_err("half of it");
    assert!(error.text().contains("while it was listed"), "{}", error.text());
    assert_eq!(pages, 1);
    walk(&root, &[], "", Wanted::Objects, |_| true).expect("the one that is there now");
}
