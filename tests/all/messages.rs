//! Bodies by other programs: the schema takes what is read and refuses what is not, and what the manual shows is good.

use std::path::Path;

use euterpe_actors::broker::ForeignProperties;
use euterpe_actors::foreign::{self, ForeignMessage, Unreadable};
use euterpe_actors::ids::{JobName, StoreName};
use euterpe_actors::plan::{JobIx, JobSpec, NodePlan, OutputPlan};
use euterpe_actors::retry::RetryPolicy;
use euterpe_actors::template::{EntityForm, Template};
use euterpe_actors::transform::{Product, inline};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng, rngs::SmallRng};
use serde_json::Value;

/// The jobs that the manual speaks of.
pub fn plan() -> NodePlan {
    let form = EntityForm::default();
    let spec = |name: &str| JobSpec {
        name: JobName::new(name).expect("a name"),
        form: form.clone(),
        inputs: Vec::new(),
        outputs: vec![OutputPlan {
            store: StoreName::new("m").expect("a name"),
            key: Template::parse(&format!("{name}/{{id}}"), &form).expect("a template"),
        }],
        transform: inline(|_| Ok(Product::bytes(&b"x"[..]))),
        workers: 1,
        timeout: std::time::Duration::from_secs(1),
        retry: RetryPolicy::default(),
        claim: false,
        settings: 0,
    };
    NodePlan::new(["pcm", "mel", "card"].map(spec).into())
}

fn read(body: &str, plan: &NodePlan) -> Result<ForeignMessage, Unreadable> {
    let said = ForeignProperties { content_type: "application/json".into(), ..ForeignProperties::default() };
    foreign::read(body.as_bytes(), &said, JobIx(1), plan)
}

#[test]
fn every_json_body_in_the_manual_matches_the_schema_and_is_read() {
    let (manual, plan) = (include_str!("../../docs/amqp.md"), plan());
    let validator = jsonschema::validator_for(&foreign::schema()).expect("the schema is one");
    let blocks = manual.split("```json\n").skip(1).filter_map(|block| block.split("```").next());
    let shell = manual.split("--body '").skip(1).filter_map(|rest| rest.split('\'').next());
    let python = manual.lines().filter_map(|line| Some(line.strip_prefix("publish(\"")?.split_once("\", ")?.1));
    let python = python.filter_map(|call| call.strip_suffix(')')).map(|dict| dict.replace("True", "true"));
    let bodies: Vec<String> = blocks.chain(shell).map(str::to_owned).chain(python).collect();
    assert_eq!(bodies.len(), 6, "{bodies:#?}");
    for body in bodies {
        let value: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{body}: {errors:#?}");
        read(&body, &plan).unwrap_or_else(|bad| panic!("{body}: {}", bad.text));
    }
}

#[test]
fn the_schema_takes_what_is_read_and_nothing_else() {
    let plan = plan();
    let validator = jsonschema::validator_for(&foreign::schema()).expect("the schema is one");
    let values: &[(&str, &[&str])] = &[
        ("entity", &[r#""t-1""#, r#""a/b é""#, r#""""#, "1", "null", r#"["t-1"]"#]),
        ("mode", &[r#""top_down""#, r#""bottom_up""#, r#""up""#, "true"]),
        (
            "force",
            &["true", "false", r#""all""#, "[]", r#"["mel"]"#, r#"["mel","mel"]"#, r#""mel""#, "1", "[1]", "null"],
        ),
        ("only", &["[]", r#"["card"]"#, r#""card""#, "[null]", "{}"]),
        ("ping", &["true", "false", r#""true""#, "0"]),
        (
            "run",
            &[r#""20261123-063012.345-1a2b3c4d""#, r#""20261123-063012.345-inbox""#, r#""inbox""#, r#""last""#, "1"],
        ),
        ("more", &["1"]),
    ];
    let mut rng = SmallRng::seed_from_u64(7);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..20_000 {
        let mut pairs = Vec::new();
        for (key, values) in values {
            // The first ones are good: otherwise hardly any body was.
            let most = if rng.random_bool(0.8) { values.len().min(2) } else { values.len() };
            let chance = match *key {
                "entity" => 0.95,
                "more" => 0.02,
                _ => 0.4,
            };
            if rng.random_bool(chance) {
                pairs.push(format!("\"{key}\": {}", values[..most].choose(&mut rng).expect("some")));
            }
        }
        let body = format!("{{{}}}", pairs.join(", "));
        let value: Value = serde_json::from_str(&body).expect("JSON");
        let wish = read(&body, &plan);
        assert_eq!(validator.is_valid(&value), wish.is_ok(), "{body}: {wish:?}");
        if wish.is_ok() { good += 1 } else { bad += 1 }
    }
    assert!(good > 2000 && bad > 2000, "{good} good, {bad} bad");
}

#[test]
fn the_committed_schema_is_what_the_program_writes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/message.schema.json");
    let now = serde_json::to_string_pretty(&foreign::schema()).expect("JSON") + "\n";
    if std::env::var_os("EUTERPE_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let committed = std::fs::read_to_string(&path).expect("config/message.schema.json");
    assert!(committed == now, "run `euterpe schema --message > config/message.schema.json` and commit it");
}
