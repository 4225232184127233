//! `create`, then `test`, then `run`: each works at the first try, word for word as the created README says.

use crate::cli::Bench;

#[test]
fn what_create_makes_works_word_for_word_as_its_readme_says() {
    let bench = Bench::new("");
    bench.call("create new").ends(0);
    let readme = bench.read("new/README.md");
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("euterpe ")).collect();
    assert!(commands.len() >= 4, "{commands:?}");
    // Those of the cluster need an engine with images: tests/cluster/run calls them.
    let here = |command: &&&str| {
        !command.contains("~/Music") && !["up ", "down", "ps"].iter().any(|verb| command.starts_with(verb))
    };
    for (number, command) in commands.iter().filter(here).enumerate() {
        let called = bench.call_in("new", command).ends(0);
        assert!(number > 0 || called.out.contains("4 tests hold, 0 failed"), "{called:?}");
    }
    assert_eq!(bench.files("new/derived/mood").iter().filter(|file| file.ends_with(".json")).count(), 3);
    let again = bench.call("create new").ends(1).err;
    assert!(again.contains("there already; nothing was written"), "{again}");
}

#[test]
fn a_test_that_does_not_hold_says_what_is_and_ends_with_1() {
    let bench = Bench::new("");
    bench.call("create new").ends(0);
    let graph = bench.read("new/graph.yaml").replace("mood: driving, energy: 0.85", "mood: driving, energy: 0.84");
    bench.write("new/graph.yaml", &graph);
    let code = bench.read("new/transforms/mood.py").replace("\"dramatic\"", "\"dreary\"");
    bench.write("new/transforms/mood.py", &code);
    let said = bench.call_in("new", "test graph.yaml").ends(1).out;
    assert!(said.contains("FAIL a loud track of even level is driving"), "{said}");
    assert!(said.contains("0.85") && said.contains("0.84"), "{said}");
    assert!(said.contains("FAIL transforms/test_mood.py") && said.contains("'dreary' != 'dramatic'"), "{said}");
    assert!(said.contains("2 tests hold, 2 failed"), "{said}");
    let facts = bench.call_in("new", "test graph.yaml calm --json").ends(0).facts();
    assert_eq!((facts.len(), &facts[0]["ok"], &facts[1]["passed"]), (2, &true.into(), &1.into()), "{facts:?}");
    assert!(!bench.has("new/derived"), "a test writes into scratch folders only");
}

#[test]
fn tests_see_dead_letters_skips_files_and_sound() {
    let graph = r#"
version: 1
graph: all
stores: {music: ./music, out: ./out}
jobs:
  tone: {use: synth.track, with: {seconds: 2}, out: "out:tone/{id}.wav"}
  flac: {use: audio.transcode, with: {rate: 22050, channels: 1}, in: {audio: "music:{id}.wav"}, out: "out:flac/{id}.flac"}
  text: {python: t.py:text, in: {text: "music:{id}.txt"}, out: "out:text/{id}.txt"}
tests:
  - {entity: t, expect: {tone: {audio: {seconds: 2, rate: 44100, channels: 2}}}}
  - {entity: t, given: {"music:t.wav": {file: sound.wav}}, expect: {flac: {audio: {seconds: 2, rate: 22050, channels: 1}}}}
  - {entity: t, given: {"music:t.wav": {text: no sound}}, expect: {flac: {dead: bad_input}}}
  - {entity: t, expect: {flac: {dead: source_missing}}}
  - {entity: t, given: {"music:t.txt": {text: a}}, expect: {text: {text: A, contains: A, file: a.txt}, "out:text/t.txt": {}}}
  - {entity: t, given: {"music:t.txt": {text: skip}}, expect: {text: {skipped: true}}}
  - {entity: t, given: {"music:t.txt": {text: fatal}}, expect: {text: {dead: fatal}}}
  - {entity: t, given: {"music:t.txt": {text: a}}, expect: {text: {text: B}}}
"#;
    let bench = Bench::new(graph);
    let code = "from euterpe import Fatal, Skip\n\ndef text(text: str) -> str:\n    \
                if text == 'skip':\n        raise Skip('not wanted')\n    \
                if text == 'fatal':\n        raise Fatal('no use')\n    return text.upper()\n";
    bench.write("t.py", code);
    bench.write("a.txt", "A");
    std::fs::write(bench.path("sound.wav"), crate::audio::material::sweep(44_100, 2, 2.0)).expect("written");
    let said = bench.call("test g.yaml").ends(1).out;
    assert!(said.contains("7 tests hold, 1 failed"), "{said}");
    assert!(said.contains("text is \"A\", not \"B\""), "{said}");
    let wrong = graph.replace("expect: {tone: {audio: {seconds", "expect: {tome: {audio: {seconds");
    bench.write("g.yaml", &wrong.replace("{dead: fatal}", "{deed: fatal}"));
    let said = bench.call("lint g.yaml").ends(3).err;
    assert!(said.contains("tests.0  no job named `tome`; did you mean `tone`?"), "{said}");
    assert!(said.contains("tests.6  unknown field `deed`"), "{said}");
}
