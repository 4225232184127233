//! The examples for users of the library: built with the tests, and run.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The suite of the storage port at its end, run here.
#[path = "../../examples/storage_adapter.rs"]
#[expect(dead_code, reason = "its `main` is run as a program")]
mod storage_adapter;

/// Runs an example. It lies beside the folder of the tests' own binary, where all targets were built; a build of this one
/// target alone has left it out.
fn run(name: &str, arguments: &[&str]) -> Output {
    let tests = std::env::current_exe().expect("a path");
    let below: PathBuf = tests.ancestors().nth(2).expect("a target folder").join("examples").join(name);
    if !below.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.current_dir(env!("CARGO_MANIFEST_DIR")).args(["build", "--quiet", "--all-features", "--example", name]);
        assert!(build.status().expect("cargo starts").success(), "{name} is not built");
    }
    let output = Command::new(&below).args(arguments).env_remove("EUTERPE_BROKER").output();
    output.unwrap_or_else(|error| panic!("{}: {error}", below.display()))
}

fn printed(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{out}{err}", output.status);
    out.into_owned()
}

#[test]
fn a_run_is_stopped_and_resumed_from_rust() {
    let said = printed(&run("drive_a_run", &[]));
    assert!(said.contains("the first run was stopped"), "{said}");
    assert!(said.contains("after the second: 12 tracks = 12 done + 0 open"), "{said}");
}

#[test]
fn a_store_of_ones_own_takes_the_place_of_the_graph_files() {
    assert!(printed(&run("storage_adapter", &[])).contains("4 writes"));
}

#[test]
fn a_program_of_ones_own_runs_its_transforms_beside_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let graph = folder.path().join("g.yaml");
    let text = r#"
version: 1
graph: mine
stores: {texts: ./texts, made: ./made}
jobs:
  words: {use: words.count, with: {at_least: 3}, in: {text: "texts:{id}.{ext}"}, out: "made:words/{id}"}
  title: {use: shout, in: {words: words}, out: "made:title/{id}"}
"#;
    std::fs::create_dir(folder.path().join("texts")).expect("made");
    std::fs::write(folder.path().join("texts/ode.txt"), "sing in me muse").expect("written");
    std::fs::write(&graph, text).expect("written");
    let graph = graph.to_str().expect("text");
    printed(&run("native_transform", &["run", graph]));
    let made = |name: &str| std::fs::read_to_string(folder.path().join("made").join(name)).expect("made");
    assert_eq!((made("words/ode").as_str(), made("title/ode").as_str()), ("2\n", "ODE"));
    std::fs::write(folder.path().join("g.yaml"), text.replace("at_least: 3", "at_most: 3")).expect("written");
    let refused = run("native_transform", &["lint", graph]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean `at_least`?"));
}
