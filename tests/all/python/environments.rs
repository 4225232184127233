//! Environments of their own: two versions of one package in one graph, built once; and a scrubbed environment.

use std::fs;

use super::bench;
use crate::cli::Bench;

/// A package of one module with a version, as a folder that pip can install.
pub fn package(bench: &Bench, version: &str) {
    let folder = format!("packages/{version}");
    bench.write(&format!("{folder}/tempo.py"), &format!("VERSION = \"{version}\"\n"));
    let project = format!(
        "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\n\
         name = \"tempo\"\nversion = \"{version}\"\n[tool.setuptools]\npy-modules = [\"tempo\"]\n"
    );
    bench.write(&format!("{folder}/pyproject.toml"), &project);
    bench.write(&format!("{version}.txt"), &format!("tempo @ file://{}\n", bench.path(&folder).display()));
}

#[test]
fn two_jobs_have_two_versions_of_one_package_and_each_environment_is_built_once() {
    let graph = "version: 1\ngraph: two\nstores: {out: ./out}\njobs:\n  \
                 old: {python: t.py:work, env: {requirements: 1.0.txt}, out: \"out:old/{id}.txt\"}\n  \
                 new: {python: t.py:work, env: {requirements: 2.0.txt}, out: \"out:new/{id}.txt\"}\n  \
                 again: {python: t.py:work, env: {requirements: 2.0.txt}, out: \"out:again/{id}.txt\"}\n";
    let bench = Bench::new(graph);
    bench.write("t.py", "import tempo\n\ndef work() -> str:\n    return tempo.VERSION\n");
    package(&bench, "1.0");
    package(&bench, "2.0");
    let first = bench.call("run g.yaml a b").ends(0).err;
    assert_eq!(first.matches("building the Python environment").count(), 2, "{first}");
    for (job, version) in [("old", "1.0"), ("new", "2.0"), ("again", "2.0")] {
        assert_eq!(bench.read(&format!("out/{job}/a.txt")), version);
    }
    let second = bench.call("run g.yaml c").ends(0).err;
    assert!(!second.contains("building"), "{second}");
    let verified = bench.call("verify g.yaml").ends(0).out;
    let old =
        verified.lines().find(|line| line.starts_with("ok  workers of old: t.py:work: Python 3.")).expect(&verified);
    assert!(old.contains(" with what ") && old.contains("1.0.txt asks for; 1 thread for numeric libraries"), "{old}");
    // One that was left half built is built anew.
    let environments = fs::read_dir(bench.path(".euterpe/environments")).expect("listed");
    for folder in environments.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()) {
        fs::remove_file(folder.join("euterpe-is-whole")).expect("a mark");
        fs::remove_dir_all(folder.join("lib")).expect("a library");
    }
    let third = bench.call("verify g.yaml").ends(0).err;
    assert_eq!(third.matches("building the Python environment").count(), 2, "{third}");
}

#[test]
fn requirements_that_cannot_be_installed_are_one_clear_error_and_nothing_is_started() {
    let bench = bench("    python: t.py:work\n    env: {requirements: r.txt}\n", "def work() -> str:\n    return ''\n");
    bench.write("r.txt", "./no-such-folder\n");
    let called = bench.call("run g.yaml a b").ends(1);
    let place = "g.yaml:6:3: jobs.job: could not install ";
    assert_eq!(called.err.matches(place).count(), 1, "{}", called.err);
    assert!(called.err.contains("no-such-folder"), "{}", called.err);
    assert!(bench.files("out").is_empty() && called.out.is_empty(), "something was started");
    assert!(bench.call("runs ls g.yaml").ends(0).out.contains("no runs"), "a run was begun");
}

#[test]
fn an_interpreter_or_a_venv_that_is_not_there_is_told_with_the_remedy() {
    for (env, says) in [
        ("{venv: ./nothing}", "is no virtual environment; make it with `python3 -m venv"),
        ("{python: no-such-python}", "there is no Python at no-such-python; correct `env: {python: …}`"),
    ] {
        let job = format!("    python: t.py:work\n    env: {env}\n");
        let bench = bench(&job, "def work() -> str:\n    return ''\n");
        let said = bench.call("run g.yaml a").ends(1).err;
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_child_sees_only_what_it_needs_and_what_the_graph_file_names() {
    let text = "import json, os\n\ndef work() -> dict:\n    return {'env': dict(os.environ), 'cwd': os.getcwd(), \
                'fds': sorted(os.listdir('/proc/self/fd'), key=int)}\n";
    let graph = "version: 1\ngraph: e\nstores: {out: ./out}\njobs:\n  job:\n    python: t.py:work\n    \
                 env: {inherit: [MY_TOKEN], variables: {COLOUR: blue, NUMBER: 3}}\n    \
                 pool: {workers: 1}\n    out: \"out:{id}.json\"\n";
    let bench = Bench::new(graph);
    bench.write("t.py", text);
    let secrets = [
        ("AWS_SECRET_ACCESS_KEY", "canary-1"),
        ("EUTERPE_BROKER_KEY", ""),
        ("MY_TOKEN", "wanted"),
        ("OTHER", "canary-2"),
    ];
    bench.call_with("run g.yaml a", &secrets[..1]).ends(0);
    bench.call_with("run g.yaml b", &[secrets[2], secrets[3]]).ends(0);
    let seen =
        |id: &str| serde_json::from_str::<serde_json::Value>(&bench.read(&format!("out/{id}.json"))).expect("JSON");
    for id in ["a", "b"] {
        assert!(!seen(id).to_string().contains("canary"), "{:#}", seen(id));
        assert_eq!(seen(id)["env"]["COLOUR"], "blue");
        assert_eq!(seen(id)["env"]["NUMBER"], "3");
        assert_eq!(seen(id)["env"]["PYTHONHASHSEED"], "0");
        assert!(seen(id)["env"]["OMP_NUM_THREADS"].as_str().is_some_and(|threads| threads != "0"));
        let cwd = seen(id)["cwd"].as_str().expect("a folder").to_owned();
        assert!(cwd.contains(".euterpe/e/scratch/home-") && cwd.contains("/worker-job-"), "{cwd}");
        // The socket, beside what any program gets that this test starts: nothing of the node's is open in the child.
        let usual = std::process::Command::new("ls").arg("/proc/self/fd").output().expect("ls").stdout;
        let usual = String::from_utf8_lossy(&usual).lines().count();
        assert_eq!(seen(id)["fds"].as_array().map(Vec::len), Some(usual + 1), "{}", seen(id)["fds"]);
    }
    assert_eq!(seen("b")["env"]["MY_TOKEN"], "wanted");
    let left = bench.files(".euterpe/e/scratch");
    assert!(left.is_empty(), "{left:?}");
}
