//! Every broken graph file is refused with a position inside of the file and a sentence that helps.

use crate::graph_file::check;

/// A file whose jobs are the given lines, from line 5 on.
pub fn jobs(lines: &str) -> String {
    format!("version: 1\ngraph: g\nstores: {{m: ./m, d: ./d}}\njobs:\n{lines}\n")
}

/// A file with one good job, in line 5, changed by `change`.
fn changed(from: &str, to: &str) -> String {
    let good = jobs("  a: {use: audio.loudness, in: {audio: \"m:{id}.ogg\"}, out: \"d:a/{id}.json\", timeout: 1m}");
    assert!(good.contains(from), "`{from}` is not in the good file");
    assert!(check(&good).is_ok(), "{}", check(&good).expect_err("good"));
    good.replacen(from, to, 1)
}

/// The file, the line of one of its problems, and a part of what is said there.
fn cases() -> Vec<(String, u32, &'static str)> {
    let mut cases: Vec<(String, u32, &'static str)> = Vec::new();
    shapes(&mut cases);
    settings(&mut cases);
    stores(&mut cases);
    references(&mut cases);
    templates(&mut cases);
    clashes(&mut cases);
    cases
}

fn shapes(cases: &mut Vec<(String, u32, &'static str)>) {
    for (text, line, says) in [
        ("", 1, "the file is empty"),
        ("\n\n# nothing\n", 1, "the file is empty"),
        ("just text", 1, "expected keys with values, got `just text`"),
        ("[1, 2]", 1, "expected keys with values, got a list"),
        ("a: b: c", 1, "not YAML"),
        ("version: 1\n\tgraph: g", 1, "found a tab; indent with spaces"),
        ("version: [1", 1, "not YAML"),
        ("a: *nowhere", 1, "not YAML"),
        ("a: \"open", 1, "not YAML"),
        ("version: 1\n---\nversion: 1", 2, "a second document"),
        ("a: &a [*a]", 1, "stands for too much, or for itself"),
        ("? [a, b]\n: c", 1, "a key must be a plain text"),
        ("version: !int 1\ngraph: g", 1, "tags"),
        ("%TAG ! x", 1, "not YAML"),
        ("\u{0}", 1, "not YAML"),
        ("version: 1\ngraph: g\nstores: {}\njobs: {}", 4, "a graph has at least one job"),
        ("version: 1\ngraph: g\nstores: {}\njobs: []", 4, "expected keys with values, got a list"),
        ("version: 1\ngraph: g\nstores:\njobs:\n  a:", 3, "expected keys with values, got nothing"),
        ("version: 1\ngraph: g\nstores:\njobs:\n  a:", 5, "expected keys with values, got nothing"),
        ("graph: g", 1, "missing; write `version: 1`"),
        ("version: 1", 1, "missing; a graph has at least one job"),
    ] {
        cases.push((text.to_owned(), line, says));
    }
    for (from, to, line, says) in [
        ("version: 1", "version: 2", 1, "this program reads version 1, got 2"),
        ("version: 1", "version: one", 1, "this program reads version 1, got `one`"),
        ("version: 1", "version:", 1, "got nothing"),
        ("graph: g", "graph: 9 lives", 2, "a name starts with a letter"),
        ("graph: g", "graph: \"\"", 2, "got an empty text"),
        ("graph: g", "graph: [g]", 2, "got a list"),
        ("graph: g", "graph: g\ngraph: h", 3, "stands twice, first in line 2"),
        ("graph: g", "graf: g", 2, "did you mean `graph`?"),
        ("graph: g", "graph: g\nsomething: 1", 3, "no key `something` here; there is `version`"),
        ("graph: g", "graph: g\n<<: {a: 1}", 3, "merge keys are not read"),
        ("graph: g", "graph: ${NOT_SET}", 2, "the variable `NOT_SET` is not set"),
        ("graph: g", "graph: ${NOT SET}", 2, "cannot be the name of a variable"),
        ("graph: g", "graph: g${", 2, "`${` without its `}`"),
        ("  a: {use", "  a b: {use", 5, "a name starts with a letter"),
        ("  a: {use", "  \"\": {use", 5, "a name starts with a letter"),
        ("  a: {use", "  1: {use", 5, "a name starts with a letter"),
        ("timeout: 1m", "tmeout: 1m", 5, "did you mean `timeout`?"),
        ("timeout: 1m", "use: audio.loudness", 5, "stands twice"),
        ("use: audio.loudness, ", "", 5, "what does it run?"),
        ("use: audio.loudness", "use: [audio.loudness]", 5, "got a list"),
        ("use: audio.loudness", "use: audio.loudnes", 5, "did you mean `audio.loudness`?"),
        ("use: audio.loudness", "use: nonsense", 5, "no transform named `nonsense`; there is"),
        ("use: audio.loudness", "python: t.py:f", 5, "`t.py` cannot be read"),
        ("use: audio.loudness", "python: t.py:f, env: {venv: v, python: p}", 5, "leave the others out"),
        ("use: audio.loudness", "python: t.py:f, env: {vnv: v}", 5, "did you mean `venv`?"),
        ("use: audio.loudness", "python: t.py:f, env: {requirements: r.txt}", 5, "there is no file `r.txt`"),
        ("use: audio.loudness", "python: t.py:f, env: {inherit: HOME}", 5, "expected a list"),
        ("use: audio.loudness", "python: t.py:f, env: {inherit: ['A=B']}", 5, "neither `=` nor NUL"),
        ("use: audio.loudness", "use: worker, with: {argv: []}", 5, "name the program"),
        ("use: audio.loudness", "use: worker, with: {argv: [x], env: {'A=': b}}", 5, "neither `=` nor NUL"),
        ("use: audio.loudness", "python: t.rb", 5, "write a file and a function"),
        ("use: audio.loudness", "use: audio.loudness, python: t.py:f", 5, "not both"),
        ("timeout: 1m", "env: {venv: v}", 5, "`env` goes with `python`"),
        ("timeout: 1m", "with: [1]", 5, "expected options with values, got a list"),
        ("timeout: 1m", "with: 7", 5, "expected options with values, got 7"),
        ("timeout: 1m", "with: {a: .nan}", 5, "not a number that can be worked with"),
        ("timeout: 1m", "with: {a: 1, a: 2}", 5, "stands twice"),
    ] {
        cases.push((changed(from, to), line, says));
    }
}

fn settings(cases: &mut Vec<(String, u32, &'static str)>) {
    for (to, says) in [
        ("timeout: 10", "expected a duration such as `10m` or `500ms`, got 10"),
        ("timeout: ten minutes", "expected a duration"),
        ("timeout: -1s", "expected a duration"),
        ("timeout: 0s", "from 10ms to 7d, got 0s"),
        ("timeout: 8d", "from 10ms to 7d, got 8d"),
        ("timeout: 1s1m", "expected a duration"),
        ("timeout: [1m]", "expected a duration such as `10m` or `500ms`, got a list"),
        ("timeout:", "got nothing"),
        ("backoff: 6m", "from 1ms to 5m, got 6m"),
        ("retries: -1", "from 0 to 100, got -1"),
        ("retries: 1.5", "got 1.5"),
        ("retries: many", "got `many`"),
        ("retries: 99999999999999999999", "from 0 to 100, got"),
        ("claim: sometimes", "expected `auto` or `never`, got `sometimes`"),
        ("isolation: jail", "expected `none` or `process`"),
        ("pool: 4", "expected keys with values, got 4"),
        ("pool: {workers: 0}", "expected a number from 1 to 1024, got 0"),
        ("pool: {workers: 1025}", "got 1025"),
        ("pool: {workers: \"4x\"}", "got `4x`"),
        ("pool: {worker: 4}", "did you mean `workers`?"),
        ("pool: {memory: 512}", "expected a size such as `512MiB` or `4GB`, got 512"),
        ("pool: {memory: 1KiB}", "from 1MiB to 16TiB, got 1KiB"),
        ("pool: {memory: lots}", "expected a size"),
        ("pool: {recycle_after: 0}", "got 0"),
        ("entity: id", "needs at least one variable"),
        ("entity: \"{a}{b}\"", "need text between them"),
        ("entity: \"{a},{a}\"", "stands twice"),
        ("entity: \"{a\"", "unbalanced brace"),
        ("version: [1]", "expected a number or a text, got a list"),
    ] {
        cases.push((changed("timeout: 1m", to), 5, says));
    }
    cases.push((changed("graph: g", "graph: g\ndefaults: {retires: 3}"), 3, "did you mean `retries`?"));
    cases.push((changed("graph: g", "graph: g\ndefaults: 3"), 3, "expected keys with values"));
    cases.push((changed("graph: g", "graph: g\ndefaults: {isolation: jail}"), 3, "expected `none` or `process`"));
}

fn stores(cases: &mut Vec<(String, u32, &'static str)>) {
    for (to, says) in [
        ("m: ", "got nothing"),
        ("m: []", "got a list"),
        ("m: {}", "missing; write a folder"),
        ("m: {url: ./m, fsync: maybe}", "expected `true` or `false`, got `maybe`"),
        ("m: {url: ./m, sync: true}", "did you mean `fsync`?"),
        ("m: {url: ./m, region: eu}", "goes with `s3://` only"),
        ("m: {url: \"s3://bucket\", fsync: false}", "goes with a folder only"),
        ("m: {url: \"s3://bucket\", endpoint: host}", "`endpoint` is an address"),
        ("m: {url: \"s3://bucket\", endpoint: \"http://u:p@host\"}", "credentials do not belong"),
        ("m: {url: \"s3://bucket\", endpoint: \"http://169.254.169.254/latest\"}", "a link-local or metadata address"),
        ("m: {url: \"s3://bucket\", endpoint: \"https://2852039166:443\"}", "a link-local or metadata address"),
        ("m: {url: \"s3://bucket\", endpoint: \"http://[fe80::1]:80\"}", "a link-local or metadata address"),
        ("m: \"s3://key:secret@bucket/x\"", "credentials do not belong"),
        ("m: \"s3://\"", "is no bucket"),
        ("m: \"s3://Bucket\"", "is no bucket"),
        ("m: \"s3://bucket/a/../b\"", "a prefix has no empty"),
        ("m: \"s3:bucket\"", "write `s3://bucket/prefix`"),
        ("m: \"http://169.254.169.254/\"", "no store can be reached by `http://`"),
        ("m: \"file://host/x\"", "write the folder itself"),
        ("\"m m\": ./m", "a name starts with a letter"),
        ("m: ./m, m: ./n", "stands twice"),
        ("m: ./m, M: ./n", "`m` and `M` have one variable, `EUTERPE_STORE_M`; rename one of them"),
    ] {
        cases.push((changed("m: ./m", to), 3, says));
    }
}

fn references(cases: &mut Vec<(String, u32, &'static str)>) {
    let source = "\"m:{id}.ogg\"";
    for (to, says) in [
        ("b", "no job named `b`"),
        ("a", "a cycle: a → a"),
        ("a.x", "`a` has no output named `x`"),
        ("\"m/{id}.ogg\"", "a source names its store first"),
        ("\"n:{id}.ogg\"", "no store named `n`"),
        ("\":{id}.ogg\"", "no store named ``"),
        ("\"m:\"", "the key after the store is missing"),
        ("\"m:{x}.ogg\"", "no variable `{x}` here"),
        ("\"m:{ext}/{id}\"", "`{ext}` stands at the end"),
        ("\"m:{id}{ext}\"", "`{ext}` stands at the end"),
        ("\"m:../{id}.ogg\"", "a key has no empty, `.` or `..` segment"),
        ("\"m:/{id}.ogg\"", "a key has no empty"),
        ("{id: \"{a}\"}", "missing; name a job or a source"),
        ("{from: a, of: b}", "no key `of` here"),
        ("{from: \"m:{id}.ogg\", id: \"{id}\"}", "goes with a job only"),
        (
            "{from: \"m:{id}.ogg\", optional: true}",
            "`audio.loudness` cannot work without an input; leave `optional` out",
        ),
        ("{from: \"m:{id}.ogg\", optional: perhaps}", "expected `true` or `false`"),
        ("\"m:{id}.opus\"", "`audio.loudness` cannot read `.opus` files, which `m:{id}.opus` gives it"),
        ("", "got nothing"),
        ("[a]", "got a list"),
    ] {
        cases.push((changed(source, to), 5, says));
    }
    cases.push((changed("audio: \"m", "sound: \"m"), 5, "has no input named `sound`"));
    cases.push((changed("audio: \"m", "audoi: \"m"), 5, "did you mean `audio`?"));
    cases.push((changed(", in: {audio: \"m:{id}.ogg\"}", ""), 5, "needs the input `audio`"));
    cases.push((changed("in: {audio: \"m:{id}.ogg\"}", "in: [m]"), 5, "got a list"));
    let ring = "  a: {use: audio.loudness, in: {audio: c}, out: \"d:a/{id}.json\"}
  b: {use: audio.loudness, in: {audio: a}, out: \"d:b/{id}.json\"}
  c: {use: audio.loudness, in: {audio: b}, out: \"d:c/{id}.json\"}";
    cases.push((jobs(ring), 5, "a cycle: a → b → c → a"));
    let merge = |line: &str| {
        jobs(&format!(
            "  s: {{use: synth.track, out: \"d:s/{{id}}.wav\"}}
  p: {{use: synth.track, entity: \"{{x}}+{{y}}\", out: \"d:p/{{id}}.wav\"}}
  t: {{use: command, {line}, out: \"d:t/{{id}}.json\"}}"
        ))
    };
    let lossy = "  s: {use: command, with: {argv: [x]}, out: \"d:s/{id}.opus\"}
  a: {use: audio.loudness, in: {audio: s}, out: \"d:a/{id}.json\"}";
    cases.push((jobs(lossy), 6, "`audio.loudness` cannot read `.opus` files, which `s` gives it"));
    for (line, says) in [
        ("in: {s: {from: s, optional: true}}", "goes with a source only: what a job makes is always made"),
        ("entity: \"{a},{b}\", in: {s: s}", "this job's entities are `{a},{b}` and those of `s` are `{id}`"),
        ("in: {p: p}", "this job's entities are `{id}` and those of `p` are `{x}+{y}`"),
        ("entity: \"{a},{b}\", in: {p: {from: p, id: \"{a}\"}}", "`{a}` is no entity of `p`"),
        ("entity: \"{a},{b}\", in: {p: {from: p, id: \"{a},{b}\"}}", "`{a},{b}` is no entity of `p`"),
        ("in: {s: {from: s, id: \"../{id}\"}}", "is no entity of `s`"),
        ("in: {s: {from: s, id: \"{b}\"}}", "no variable `{b}` here"),
        ("in: {s: {from: s, id: \"a//b\"}}", "an id may not have an empty"),
        ("in: {s: {from: s, id: \"\"}}", "got an empty text"),
        ("in: {x: \"m:{id}.{ext}\"}", "does not say which extensions it reads"),
        ("in: {s s: s}", "a name starts with a letter"),
    ] {
        cases.push((merge(line), 7, says));
    }
}

fn templates(cases: &mut Vec<(String, u32, &'static str)>) {
    for (to, says) in [
        ("d:a/{id}.txt", "`audio.loudness` writes `.json`"),
        ("d:a/{id}", "`audio.loudness` writes `.json`"),
        ("a/{id}.json", "no store here"),
        ("x:a/{id}.json", "no store named `x`"),
        ("d:", "the key after the store is missing"),
        ("d:a/x.json", "every entity would get this one key"),
        ("d:a/{id.json", "unbalanced brace"),
        ("d:a/id}.json", "unbalanced brace"),
        ("d:a/{}.json", "unbalanced brace"),
        ("d:a/{x}.json", "no variable `{x}` here"),
        ("d:a/{id}.{ext}", "an output names its suffix"),
        ("d:/a/{id}.json", "a key has no empty"),
        ("d:a//{id}.json", "a key has no empty"),
        ("d:a/../{id}.json", "a key has no empty"),
        ("d:./{id}.json", "a key has no empty"),
        ("d:a\\\\{id}.json", "may not hold the character U+005C"),
        ("d:a\\n{id}.json", "may not hold the character U+000A"),
    ] {
        cases.push((changed("d:a/{id}.json", to), 5, says));
    }
    cases.push((changed("out: \"d:a/{id}.json\", ", ""), 5, "missing; write a store and a key"));
    cases.push((changed("out: \"d:a/{id}.json\"", "outputs: {}"), 5, "at least one output"));
    cases.push((changed("timeout: 1m", "outputs: {x: \"d:x/{id}.json\"}"), 5, "`out` or `outputs`, not both"));
    let two = "outputs: {x: \"d:x/{id}.json\", y: \"d:y/{id}.json\"}";
    cases.push((changed("out: \"d:a/{id}.json\"", two), 5, "makes 1 only"));
    for (out, says) in [
        ("d:{a}-{b}.wav", "`-` may stand inside of a part as well"),
        ("d:{a}/{b}.wav", "put `+` between the parts"),
        ("d:{a}{b}.wav", "two entities could get one key"),
        ("d:{a}.wav", "differ in `{b}` alone"),
        ("d:{b}.wav", "differ in `{a}` alone"),
    ] {
        cases.push((jobs(&format!("  p: {{use: synth.track, entity: \"{{a}},{{b}}\", out: \"{out}\"}}")), 5, says));
    }
}

fn clashes(cases: &mut Vec<(String, u32, &'static str)>) {
    let two = |a: &str, b: &str| {
        jobs(&format!("  a: {{use: synth.track, out: \"{a}\"}}\n  b: {{use: synth.track, out: \"{b}\"}}"))
    };
    for (a, b) in [
        ("d:{id}.wav", "d:{id}.wav"),
        ("d:{id}.wav", "d:x/{id}.wav"),
        ("d:{id}.wav", "d:{id}.mono.wav"),
        ("d:x/{id}.wav", "d:{id}/x.wav"),
    ] {
        cases.push((two(a, b), 6, "may be the same key"));
    }
    let places = |stores: &str, a: &str, b: &str| two(a, b).replace("{m: ./m, d: ./d}", stores);
    cases.push((places("{m: ./x, d: x/}", "m:{id}.wav", "d:{id}.wav"), 6, "may be the same key"));
    cases.push((places("{m: ./x, d: ./x/y/../z}", "m:{id}.wav", "d:{id}.wav"), 6, "may be the same key"));
    let buckets = "{m: \"s3://bucket\", d: \"s3://bucket/p\"}";
    cases.push((places(buckets, "m:{id}.wav", "d:{id}.wav"), 6, "may be the same key"));
    for out in ["m:{id}.flac", "m:deep/{id}.flac"] {
        let line = format!("  a: {{use: audio.transcode, in: {{audio: \"m:{{id}}.{{ext}}\"}}, out: \"{out}\"}}");
        cases.push((jobs(&line), 5, "may overwrite the source"));
    }
    let outputs = "outputs: {x: \"d:{id}.bin\", y: \"d:y{id}.bin\"}";
    let line = format!("  a: {{use: command, with: {{argv: [x]}}, {outputs}}}");
    cases.push((jobs(&line), 5, "may be the same key"));
}

#[test]
fn every_broken_file_is_refused_with_a_position_inside_of_it_and_a_sentence_that_helps() {
    let cases = cases();
    assert!(cases.len() >= 100, "only {} cases", cases.len());
    let mut wrong = String::new();
    for (text, line, says) in &cases {
        let lines = text.lines().count().max(1) as u32 + 1;
        match check(text) {
            Ok(_) => wrong.push_str(&format!("\n--- taken, should say `{says}`:\n{text}\n")),
            Err(problems) => {
                let told = problems.problems.iter().any(|p| p.position.line == *line && p.message.contains(says));
                let sane =
                    problems.problems.iter().all(|p| (1..=lines).contains(&p.position.line) && p.position.column >= 1);
                if !told || !sane {
                    wrong.push_str(&format!("\n--- should say `{says}` in line {line}:\n{text}\n{problems}\n"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn what_tells_entities_apart_and_shares_no_key_is_taken() {
    for (form, out) in [
        ("{a},{b}", "d:{id}.wav"),
        ("{a},{b}", "d:{a},{b}.wav"),
        ("{a},{b}", "d:{a}+{b}.wav"),
        ("{a}-{b}", "d:{a}-{b}.wav"),
        ("{a}/{b}", "d:{b}/{a}.wav"),
        ("{a}", "d:{a}/{a}.wav"),
        ("{a},{b}", "d:{id},{a}.wav"),
    ] {
        let text = jobs(&format!("  p: {{use: synth.track, entity: \"{form}\", out: \"{out}\"}}"));
        assert!(check(&text).is_ok(), "{}", check(&text).expect_err("refused"));
    }
    for (a, b) in [("d:{id}.wav", "d:{id}.flac"), ("d:x/{id}.wav", "d:y/{id}.wav"), ("d:{id}.wav", "m:{id}.wav")] {
        let lines = format!("  a: {{use: synth.track, out: \"{a}\"}}\n  b: {{use: synth.track, out: \"{b}\"}}");
        assert!(check(&jobs(&lines)).is_ok(), "{}", check(&jobs(&lines)).expect_err("refused"));
    }
}

#[test]
fn a_path_of_33_edges_is_refused_and_one_of_32_is_taken() {
    let chain = |edges: usize| {
        let first = "  j0: {use: synth.track, out: \"d:j0/{id}.wav\"}\n".to_owned();
        let rest = (1..=edges).map(|n| {
            format!("  j{n}: {{use: audio.transcode, in: {{audio: j{}}}, out: \"d:j{n}/{{id}}.wav\"}}\n", n - 1)
        });
        jobs(&(first + &rest.collect::<String>()))
    };
    assert!(check(&chain(32)).is_ok());
    let problems = check(&chain(33)).expect_err("too deep");
    assert!(problems.to_string().contains("more than 32 jobs lie above this one in a row"), "{problems}");
}
