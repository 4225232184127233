//! Every example in `config/` is good, matches the schema and names it; the committed schema is the program's own.

use std::path::{Path, PathBuf};

use euterpe::app::App;
use euterpe_graph_file::{Plan, Problems, Surroundings, check_text, load, schema::schema};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

fn examples() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).expect("the folder of examples").map(|file| file.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|suffix| suffix == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn every_example_is_good_matches_the_schema_and_names_it_in_its_first_line() {
    let app = App::new();
    let validator = jsonschema::validator_for(&schema(app.registry())).expect("the schema is one");
    let examples = examples();
    assert!(examples.len() >= 2, "{examples:?}");
    for path in examples {
        let text = std::fs::read_to_string(&path).expect("an example");
        assert!(text.starts_with("# yaml-language-server: $schema=graph.schema.json\n"), "{}", path.display());
        let value: Value = serde_saphyr::from_str(&text).expect("YAML");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
        let env = |_: &str| None;
        if let Err(problems) = load(&path, Surroundings { registry: app.registry(), env: &env, stores: &[] }) {
            panic!("{problems}");
        }
    }
}

#[test]
fn the_committed_schema_is_what_the_program_writes() {
    let path = folder().join("graph.schema.json");
    let now = serde_json::to_string_pretty(&schema(App::new().registry())).expect("JSON") + "\n";
    if std::env::var_os("EUTERPE_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let committed = std::fs::read_to_string(&path).expect("config/graph.schema.json");
    assert!(committed == now, "run `euterpe schema > config/graph.schema.json` and commit it");
}

#[test]
fn the_schema_refuses_what_an_editor_should_underline() {
    let validator = jsonschema::validator_for(&schema(App::new().registry())).expect("the schema is one");
    let good = r#"{"version": 1, "graph": "g", "stores": {"d": "./d"},
        "jobs": {"a": {"use": "synth.track", "out": "d:{id}.wav", "pool": {"workers": "${W:-4}"}}}}"#;
    let is_valid = |text: &str| validator.is_valid(&serde_json::from_str(text).expect("JSON"));
    assert!(is_valid(good));
    for (from, to) in [
        ("\"graph\"", "\"graf\""),
        ("\"version\": 1", "\"version\": 2"),
        ("synth.track", "synth.trak"),
        ("\"out\"", "\"uot\""),
        ("\"pool\": {\"workers\": \"${W:-4}\"}", "\"timeout\": \"10\""),
        ("\"${W:-4}\"", "0"),
        ("\"out\"", "\"in\": {\"audio\": \"x\"}, \"out\""),
        ("\"d:{id}.wav\"", "\"no store\""),
    ] {
        assert!(!is_valid(&good.replace(from, to)), "{to} was taken");
    }
}

fn check(text: &str) -> Result<Plan, Problems> {
    let app = App::new();
    let env = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
    let around = Surroundings { registry: app.registry(), env: &env, stores: &[] };
    check_text(text, Path::new("/graphs/g.yaml"), around)
}

#[test]
fn the_whole_file_in_the_reference_is_good() {
    let reference = include_str!("../../docs/graph-file.md");
    let file =
        reference.split("```yaml\n").find(|block| block.starts_with("version: 1")).expect("the reference has one");
    let plan = check(file.split("```").next().expect("its end")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(plan.jobs.len(), 5);
}

#[test]
fn what_a_transform_says_of_its_options_is_a_problem_of_the_file() {
    for (options, path, says) in [
        ("argv: []", "jobs.a.with.argv", "name the program"),
        ("argv: [x], env: {'A=': b}", "jobs.a.with.env.A=", "neither `=` nor NUL"),
    ] {
        let text = format!(
            "version: 1\ngraph: g\nstores: {{d: ./d}}\njobs:\n  a: {{use: worker, with: {{{options}}}, out: \"d:{{id}}.json\"}}"
        );
        let problems = check(&text).expect_err("refused").problems;
        assert!(problems.iter().any(|p| p.path == path && p.message.contains(says)), "{problems:?}");
    }
}
