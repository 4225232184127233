//! The verbs lint, graph, schema and config show, as a person calls them: what is printed where, and the exit code.

use std::path::Path;

use assert_cmd::Command;

fn euterpe(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_euterpe"));
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn broken(folder: &Path) -> String {
    let path = folder.join("broken.yaml");
    std::fs::write(
        &path,
        "version: 1\ngraph: g\nstores: {d: ./d}\njobs:\n  a: {use: synth.trak, out: \"d:{id}.wav\"}\n",
    )
    .expect("written");
    path.to_str().expect("text").to_owned()
}

#[test]
fn lint_ends_0_on_a_good_file_and_says_what_it_saw() {
    let (code, out, err) = euterpe(&["lint", "config/quickstart.yaml"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out, "config/quickstart.yaml: no problems; graph `quickstart`, 7 jobs, 2 stores\n");
    let (code, out, _) = euterpe(&["lint", "--json", "config/quickstart.yaml"]);
    let fact: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &fact["jobs"], &fact["problems"]), (0, &serde_json::json!(7), &serde_json::json!([])));
}

#[test]
fn where_nobody_reads_the_problems_the_exit_code_still_tells_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_euterpe"));
    let status = command.args(["lint", &broken(folder.path())]).stderr(writer).status().expect("it starts");
    assert_eq!(status.code(), Some(3));
}

#[test]
fn lint_ends_3_on_a_broken_file_with_the_page_of_problems() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = broken(folder.path());
    let (code, out, err) = euterpe(&["lint", &file]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert_eq!(
        err,
        format!(
            "{file}: 1 problem\n  5:12  jobs.a.use  no transform named `synth.trak`; did you mean `synth.track`?\n"
        )
    );
    let (code, out, _) = euterpe(&["lint", "--json", &file]);
    let fact: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &fact["problems"][0]["line"], &fact["problems"][0]["column"]), (3, &5.into(), &12.into()));
    let (code, _, err) = euterpe(&["lint", "no-such-file.yaml"]);
    assert_eq!(code, 3);
    assert!(err.contains("there is no such file"), "{err}");
}

#[test]
fn a_command_line_that_makes_no_sense_ends_2_and_help_ends_0() {
    assert_eq!(euterpe(&["lint"]).0, 2);
    assert_eq!(euterpe(&["frobnicate"]).0, 2);
    assert_eq!(euterpe(&["lint", "config/quickstart.yaml", "--store", "nonsense"]).0, 2);
    assert_eq!(euterpe(&["--help"]).0, 0);
    assert_eq!(euterpe(&["--version"]).0, 0);
}

#[test]
fn graph_draws_on_standard_output_or_into_a_file_whose_suffix_says_how() {
    let (code, out, _) = euterpe(&["graph", "config/quickstart.yaml"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("quickstart\n└─ track  synth.track\n"), "{out}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("g.svg");
    let (code, out, _) = euterpe(&["graph", "config/quickstart.yaml", "-o", file.to_str().expect("text")]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(std::fs::read_to_string(file).expect("drawn").starts_with("<svg "));
}

#[test]
fn config_show_prints_a_graph_file_that_means_the_same() {
    let (code, first, _) = euterpe(&["config", "show", "config/quickstart.yaml"]);
    assert_eq!(code, 0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("again.yaml");
    // What the machine decides is words, not a setting.
    let text = first.replace("      workers: as many as there are cores\n", "").replace("    pool:\n", "");
    std::fs::write(&path, text).expect("written");
    let (code, second, err) = euterpe(&["config", "show", path.to_str().expect("text")]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(first, second);
}
