//! What every transform that comes with the program has in common.

use euterpe_actors::transform::{Entry, InputRule, OpenContext, Product, inline};
use serde_json::Value;

use super::registry;

#[test]
fn every_builtin_is_found_by_its_name_and_documents_each_of_its_options() {
    let registry = registry();
    for name in [
        "audio.loudness",
        "audio.melspectrogram",
        "audio.spectrogram",
        "audio.transcode",
        "command",
        "json.merge",
        "synth.track",
        "worker",
    ] {
        let entry = registry.find(name).unwrap_or_else(|| panic!("{name} is not there"));
        assert!(!entry.summary().is_empty());
        let schema = entry.schema();
        assert_eq!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{name} takes unknown options");
        for (option, about) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            assert!(about.get("description").is_some(), "{name}: `{option}` has no description");
        }
    }
    assert!(registry.find("audio.transcod").is_none());
}

#[test]
fn the_documentation_names_every_transform_and_option() {
    let page = include_str!("../../../../docs/transforms.md");
    let is_for_users = |entry: &&Entry| !entry.name().starts_with("test."); // in test builds only
    for entry in registry().entries().filter(is_for_users) {
        let heading = format!("\n## {}\n", entry.name());
        let (_, section) = page.split_once(&heading).unwrap_or_else(|| panic!("no section {}", entry.name()));
        let section = section.split("\n## ").next().unwrap_or_default();
        let schema = entry.schema();
        for option in schema.get("properties").and_then(Value::as_object).into_iter().flat_map(|all| all.keys()) {
            let said = section.contains(&format!("`{option}`")) || option == "max_minutes";
            assert!(said, "{}: `{option}` is not documented", entry.name());
        }
    }
}

#[test]
fn a_transform_of_ones_own_takes_no_options_and_says_so() {
    let mut registry = registry();
    registry.register(Entry::native("mine", inline(|_| Ok(Product::bytes("x")))));
    let mine = registry.find("mine").expect("registered");
    assert!(mine.open(&Value::Null, &OpenContext::default()).is_ok());
    let problems = mine.open(&serde_json::json!({"speed": 3}), &OpenContext::default()).err().expect("refused");
    assert_eq!(problems[0].to_string(), "speed: no option named `speed`: this transform takes none");
}

#[test]
fn inputs_and_outputs_that_do_not_fit_are_named_with_what_would() {
    let rule = InputRule::Exactly(&["audio"]);
    assert_eq!(rule.problem(&["audio"]), None);
    assert_eq!(rule.problem(&["pcm"]).as_deref(), Some("this transform takes the input `audio`, not `pcm`"));
    assert!(InputRule::OneOrMore.problem(&[]).is_some() && InputRule::None.problem(&["a"]).is_some());
    let registry = registry();
    let mel = registry.find("audio.melspectrogram").expect("built in");
    assert_eq!(mel.output_problem(&["npy"]), None);
    let said = mel.output_problem(&["wav"]);
    assert_eq!(said.as_deref(), Some("`audio.melspectrogram` writes `.npy`, not `.wav`; change the output's suffix"));
}
