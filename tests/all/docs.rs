//! What the documentation names exists, and what a person can type, write or meet is named there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use euterpe::cli::Exit;
use euterpe_actors::outcome::Reason;
use euterpe_graph_file::{Surroundings, check_text};
use serde_json::Value;

/// The words with which lines of other programs begin.
#[rustfmt::skip] // or it has a line for each
const OTHERS: [&str; 17] = [
    "amqp-publish", "cargo", "cd", "docker", "eval", "export", "just", "kill", "kubectl", "pip", "python", "rabbitmq-queues",
    "rabbitmqctl", "tar", "tests/chaos",
    "tests/cluster/run", "tests/run",
];

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(home().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages that people read, by their paths.
fn pages() -> BTreeMap<String, String> {
    let docs = std::fs::read_dir(home().join("docs")).expect("the folder of pages");
    let docs = docs.map(|page| format!("docs/{}", page.expect("a page").file_name().to_string_lossy()));
    let docs = docs.filter(|path| path.ends_with(".md"));
    let pages = docs.chain(["README.md", "CONTRIBUTING.md"].map(str::to_owned));
    let pages: BTreeMap<String, String> = pages.map(|path| (path.clone(), text(&path))).collect();
    assert!(pages.len() >= 10, "{:?}", pages.keys());
    pages
}

/// The blocks of code of a page, each with its language.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = page.split("\n```").collect();
    assert!(parts.len() % 2 == 1, "a block of code has no end");
    parts[1..].iter().step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

/// The page without its blocks of code.
fn prose(page: &str) -> String {
    page.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// The code within the lines of a page.
fn spans(page: &str) -> Vec<String> {
    let prose = prose(page);
    let spans = prose.split("\n\n").flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
    spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// The lines of shell of a page.
fn shell(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (language, block) in blocks(page) {
        let block = block.replace("\\\n", " ");
        for line in block.lines() {
            match (language, line.strip_prefix("$ ")) {
                (_, Some(line)) => lines.push(line.to_owned()),
                ("sh", None) => lines.push(line.to_owned()),
                _ => {}
            }
        }
    }
    lines
}

/// A verb with the further verbs below it, as they are typed, and its flags.
fn verbs() -> BTreeMap<String, BTreeSet<String>> {
    fn add(command: &Command, path: &str, verbs: &mut BTreeMap<String, BTreeSet<String>>) {
        let further: Vec<&Command> =
            command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help").collect();
        if further.is_empty() {
            verbs.insert(path.to_owned(), command.get_arguments().filter_map(long).collect());
        }
        for verb in further {
            let path = format!("{path} {}", verb.get_name());
            add(verb, path.trim_start(), verbs);
        }
    }
    let mut verbs = BTreeMap::new();
    let mut command = <euterpe::cli::Command as CommandFactory>::command();
    command.build(); // the flags that hold for every verb are then with each
    add(&command, "", &mut verbs);
    assert!(verbs.len() >= 20, "{verbs:#?}");
    verbs
}

fn long(arg: &Arg) -> Option<String> {
    arg.get_long().map(|name| format!("--{name}"))
}

fn arguments() -> Vec<Arg> {
    fn add(command: &Command, arguments: &mut Vec<Arg>) {
        arguments.extend(command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned());
        command.get_subcommands().filter(|verb| !verb.is_hide_set()).for_each(|verb| add(verb, arguments));
    }
    let mut arguments = Vec::new();
    add(&<euterpe::cli::Command as CommandFactory>::command(), &mut arguments);
    arguments
}

/// The long flags in a line or a span.
fn flags(code: &str) -> Vec<String> {
    let words = code.split(|c: char| c.is_whitespace() || "[](),;".contains(c));
    let flags = words.filter(|word| word.len() > 2 && word.starts_with("--"));
    flags.map(|word| word.split(['=', '…', '.']).next().unwrap_or(word).to_owned()).collect()
}

/// Whether `code` begins with the words of `start`.
fn begins(code: &str, start: &str) -> bool {
    code.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// What is wrong with the flags of something that is typed after `euterpe`.
fn wrong_in(typed: &str, verbs: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let group = |verb: &&String| typed.split(' ').next().is_some_and(|word| begins(verb, word));
    let meant = verbs.iter().find(|(verb, _)| begins(typed, verb));
    let known: BTreeSet<&String> = match meant {
        Some((_, flags)) => flags.iter().collect(),
        None if verbs.keys().any(|verb| group(&verb)) => {
            verbs.iter().filter(|(verb, _)| group(verb)).flat_map(|(_, flags)| flags).collect()
        }
        None if typed.starts_with("--") || typed.starts_with("VERB") => return None,
        None => return Some("no such verb".to_owned()),
    };
    let strange: Vec<String> = flags(typed).into_iter().filter(|flag| !known.contains(flag)).collect();
    (!strange.is_empty()).then(|| format!("no flag {}", strange.join(", ")))
}

#[test]
fn every_verb_and_every_flag_is_documented() {
    let pages = pages();
    let commands = spans(&pages["docs/commands.md"]);
    let said: BTreeSet<String> = pages.values().flat_map(|page| spans(page)).flat_map(|span| flags(&span)).collect();
    let mut missing = Vec::new();
    for (verb, flags) in verbs() {
        if !commands.iter().any(|span| begins(span, &verb)) {
            missing.push(format!("docs/commands.md does not name the verb `{verb}`"));
        }
        missing.extend(flags.difference(&said).map(|flag| format!("no page names {flag} of `{verb}`")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_command_and_every_flag_that_the_pages_show_exists() {
    let verbs = verbs();
    let all: BTreeSet<&String> = verbs.values().flatten().collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, page) in pages() {
        let lines = shell(&page).into_iter().chain(spans(&page));
        for line in lines {
            let line = line.split("  #").next().unwrap_or_default().trim();
            let words = line.split(' ').skip_while(|word| word.contains('=') && !word.starts_with('-'));
            let code = words.collect::<Vec<_>>().join(" ");
            let problem = if let Some(typed) = code.strip_prefix("euterpe ").map(str::trim_start) {
                seen += 1;
                wrong_in(typed, &verbs)
            } else if let Some((_, typed)) = code.split_once("cargo run --release -- ") {
                wrong_in(typed, &verbs)
            } else if OTHERS.iter().any(|other| begins(&code, other)) || code.is_empty() {
                None
            } else if verbs.keys().any(|verb| begins(&code, verb)) {
                wrong_in(&code, &verbs)
            } else {
                flags(&code).into_iter().find(|flag| !all.contains(flag)).map(|flag| format!("no flag {flag}"))
            };
            wrong.extend(problem.map(|problem| format!("{path}: `{line}`: {problem}")));
        }
    }
    assert!(seen >= 50, "only {seen} commands were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_default_of_a_flag_and_its_variable_stand_beside_it() {
    let pages = pages();
    let prose: Vec<String> = pages.values().map(|page| prose(page)).collect();
    // A row of a table, or a paragraph.
    let places: Vec<&str> =
        prose.iter().flat_map(|page| page.split("\n|")).flat_map(|part| part.split("\n\n")).collect();
    let mut wrong = Vec::new();
    for arg in arguments() {
        let Some(flag) = long(&arg) else { continue };
        let beside = |word: &str| {
            places.iter().any(|place| flags(&place.replace('`', " ")).contains(&flag) && place.contains(word))
        };
        let has_value = arg.get_action().takes_values();
        let defaults = arg.get_default_values().iter().filter(|_| has_value);
        let defaults = defaults.map(|value| value.to_string_lossy().into_owned());
        let variables = arg.get_env().map(|name| name.to_string_lossy().into_owned());
        let wanted = defaults.chain(variables).filter(|word| !beside(word));
        wrong.extend(wanted.map(|word| format!("{flag}: `{word}` does not stand beside it")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_exit_code_is_documented() {
    let page = text("docs/commands.md");
    let (_, section) = page.split_once("## Exit codes").expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse::<u8>().ok());
    let codes = [Exit::Ok, Exit::Failed, Exit::Usage, Exit::GraphInvalid, Exit::DeadLetters, Exit::Interrupted];
    assert_eq!(rows.collect::<Vec<_>>(), codes.map(Exit::code));
}

#[test]
fn the_table_of_reasons_has_every_reason_and_no_other() {
    let source = text("actors/src/outcome.rs");
    let names = source.lines().filter_map(|line| line.trim().strip_prefix("Reason::")?.split_once(" => \""));
    let reasons: BTreeSet<String> = names.filter_map(|(_, rest)| rest.strip_suffix("\",")).map(str::to_owned).collect();
    assert!(reasons.contains("bad_input") && reasons.len() >= 19, "{reasons:?}");
    let page = text("docs/guarantees.md");
    let (_, section) = page.split_once("\n## Reasons\n").expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
    for row in &rows {
        serde_json::from_value::<Reason>(Value::from(row.as_str())).unwrap_or_else(|error| panic!("{row}: {error}"));
    }
    assert_eq!(rows, reasons);
}

/// Adds the keys that a schema knows, at any depth. What transforms take is another page's.
fn known_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        keys.insert(name.clone());
        known_keys(below, keys);
    }
    known_keys_of_each(schema, keys);
}

fn known_keys_of_each(schema: &Value, keys: &mut BTreeSet<String>) {
    if schema["additionalProperties"].is_object() {
        known_keys(&schema["additionalProperties"], keys);
    }
    schema["oneOf"].as_array().into_iter().flatten().for_each(|choice| known_keys(choice, keys));
}

/// The keys of a value that its schema does not know.
fn strange_keys(value: &Value, schema: &Value, at: &str, strange: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return };
    let objects = schema["oneOf"].as_array().into_iter().flatten().find(|choice| choice["type"] == "object");
    let schema = objects.unwrap_or(schema);
    for (name, below) in members {
        let at = format!("{at}.{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => strange.push(at),
            (Value::Null, each) => strange_keys(below, each, &at, strange),
            (known, _) => strange_keys(below, known, &at, strange),
        }
    }
}

#[test]
fn the_keys_of_the_graph_file_are_those_of_its_schema() {
    let schema: Value = serde_json::from_str(&text("config/graph.schema.json")).expect("JSON");
    let page = text("docs/graph-file.md");
    let (mut keys, mut wrong) = (BTreeSet::new(), Vec::new());
    known_keys(&schema, &mut keys);
    assert!(["endpoint", "recycle_after", "inherit", "from"].iter().all(|key| keys.contains(*key)), "{keys:?}");
    let spans = spans(&page);
    let is_named = |key: &String| spans.iter().any(|span| span == key || span.starts_with(&format!("{key}:")));
    wrong.extend(keys.iter().filter(|key| !is_named(key)).map(|key| format!("`{key}` is not documented")));

    let job = &schema["properties"]["jobs"]["additionalProperties"];
    let mut examples = 0;
    let is_comment = |block: &str| block.lines().all(|line| line.starts_with('#'));
    for (_, block) in blocks(&page).into_iter().filter(|(language, block)| *language == "yaml" && !is_comment(block)) {
        let value: Value = serde_saphyr::from_str(block).expect("YAML");
        let members = value.as_object().expect("keys");
        examples += 1;
        let is_file = members.keys().all(|key| schema["properties"].get(key).is_some());
        strange_keys(&value, if is_file { &schema } else { job }, "", &mut wrong);
    }
    assert!(examples >= 5, "only {examples} examples were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_tests_that_the_reference_shows_are_read() {
    let page = text("docs/graph-file.md");
    let tests = blocks(&page).into_iter().find(|(_, block)| block.starts_with("tests:")).expect("an example").1;
    let jobs = "version: 1\ngraph: g\nstores: {music: ./music, d: ./d}\njobs:\n  \
                loudness: {use: audio.loudness, in: {audio: \"music:{id}.ogg\"}, out: \"d:loudness/{id}.json\"}\n  \
                mel: {use: audio.melspectrogram, in: {audio: \"music:{id}.ogg\"}, out: \"d:mel/{id}.npy\"}\n  \
                mood: {use: json.merge, in: {loudness: loudness}, out: \"d:mood/{id}.json\"}\n";
    let registry = euterpe_engine::builtin::registry();
    let surroundings = Surroundings { registry: &registry, env: &|_| None, stores: &[] };
    let plan = check_text(&format!("{jobs}{tests}\n"), Path::new("/graphs/g.yaml"), surroundings);
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(plan.tests.len(), 2);
}

#[test]
fn the_example_of_the_readme_stands_in_the_example_file_word_for_word() {
    let (readme, file) = (text("README.md"), text("config/catalogue.yaml"));
    let (before, rest) = readme.split_once("\n```yaml\n").expect("an example");
    let example = rest.split("\n```").next().expect("its end");
    assert!(before.trim_end().ends_with("(config/catalogue.yaml):"), "no word on where the example is from");
    assert!(example.lines().count() > 10 && format!("\n{file}").contains(&format!("\n{example}\n")), "{example}");
}

/// The anchors of a page, as they are made of its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let prose = prose(page);
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let is_kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    headings.map(|text| text.to_lowercase().chars().filter(is_kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = pages();
    pages.extend(["CHANGELOG.md", "python/README.md"].map(|path| (path.to_owned(), text(path))));
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (path, page) in &pages {
        let folder = home().join(Path::new(path).parent().unwrap_or(Path::new("")));
        for link in prose(page).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { home().join(path) } else { folder.join(file) };
            let is_there = match std::fs::read_to_string(&target) {
                Ok(text) => anchor.is_empty() || anchors(&text).contains(anchor),
                Err(_) => target.exists() && anchor.is_empty(),
            };
            if !is_there {
                wrong.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(seen >= 50, "only {seen} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
