//! Names of all scripts: told apart, readable in the stores, and found under the names that former versions gave them.

mod corpus; //   two hundred names
mod listed; //  which names of a source reach a run
mod no_case; //  a store that takes `T` and `t` for one
mod real; //     a real file system of that kind
mod sources; //  what in a source is an entity, and what is passed over

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use euterpe_actors::ids::{EntityId, normal_form};
use euterpe_actors::storage::{Content, Storage};
use euterpe_actors::template::{EntityForm, Template};

use crate::cli::{Bench, Called};
use crate::s3::{Server, Studio};
use corpus::names;

const GRAPH: &str = r#"
version: 1
graph: names
stores: {src: SRC, out: OUT}
defaults: {retries: 0, claim: never}
jobs:
  a: {use: json.merge, in: {x: "src:{id}.json"}, out: "out:a/{id}.json"}
  b: {use: json.merge, in: {x: a}, out: "out:b/{id}.json"}
"#;

fn content(name: &str) -> String {
    serde_json::json!({"id": normal_form(name)}).to_string()
}

/// The key that a former version gave the output of a name.
fn former(job: &str, name: &str) -> String {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
    let id = normal_form(name);
    let key = id.bytes().map(|byte| if safe(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    format!("{job}/{}.json", key.collect::<String>())
}

/// That the outputs of all names are there, each with its own content under a name that shows its letters.
fn all_are_made(outputs: &BTreeMap<String, Vec<u8>>) {
    let names = names();
    let ids: BTreeSet<String> = names.iter().map(|name| normal_form(name).into_owned()).collect();
    assert!(ids.len() >= 200, "only {} names", ids.len());
    assert_eq!(outputs.len(), 2 * ids.len());
    let mut seen = BTreeSet::new();
    for (path, bytes) in outputs.iter().filter(|(path, _)| path.starts_with("b/")) {
        let made: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
        let id = made["x"]["x"]["id"].as_str().expect("an id").to_owned();
        for letter in id.chars().filter(|c| c.is_alphanumeric()) {
            assert!(path.contains(letter), "`{letter}` of `{id}` is not in `{path}`");
        }
        seen.insert(id);
    }
    assert_eq!(seen, ids);
}

/// The counts of the last run: made, dead, open.
fn counts(ran: &Called) -> [u64; 3] {
    let summary = ran.facts().pop().expect("a summary");
    let jobs = summary["jobs"].as_object().expect("jobs");
    ["done", "dead", "open"].map(|outcome| jobs.values().map(|job| job[outcome].as_u64().expect("a count")).sum())
}

#[test]
fn two_hundred_names_of_all_scripts_are_made_in_a_folder_and_found_under_former_names() {
    let bench = Bench::new(&GRAPH.replace("SRC", "./src").replace("OUT", "{url: ./out, fsync: false}"));
    for name in names() {
        bench.write(&format!("src/{name}.json"), &content(&name));
    }
    let planned = bench.call("--json plan g.yaml").ends(0).last();
    assert_eq!((&planned["work"], &planned["bad_names"]), (&(2 * names().len()).into(), &0.into()), "{planned}");
    let ran = bench.call("--json run g.yaml").ends(0);
    assert_eq!(counts(&ran), [2 * names().len() as u64, 0, 0]);
    let outputs = bench.files("out").into_iter().map(|path| (path.clone(), bench.read(&format!("out/{path}")).into()));
    all_are_made(&outputs.collect());
    bench.call("runs check g.yaml last --hashes").ends(0);
    assert!(bench.call("run g.yaml").ends(0).out.starts_with("nothing to do"));

    // As a former version left them: nothing is made again, whether a listing shows it or not.
    let (form, here) = (EntityForm::default(), bench.path("out"));
    for (job, name) in names().iter().flat_map(|name| [("a", name), ("b", name)]) {
        let id = EntityId::of_name(name).expect("an id");
        let template = Template::parse(&format!("{job}/{{id}}.json"), &form).expect("a template");
        let now = template.output_key(&form.split(&id).expect("it fits"));
        let then = here.join(former(job, name));
        std::fs::create_dir_all(then.parent().expect("a folder")).expect("made");
        std::fs::rename(here.join(now), then).expect("renamed");
    }
    assert_eq!(counts(&bench.call("--json run g.yaml").ends(0)), [0, 0, 0]);
    assert_eq!(counts(&bench.call("--json run g.yaml --force=b").ends(0)), [names().len() as u64, 0, 0]);
    assert!(bench.has("out/b/茉莉花.json") && !bench.has(&format!("out/{}", former("b", "茉莉花"))));
    assert!(bench.has(&format!("out/{}", former("a", "茉莉花"))));
}

#[tokio::test]
async fn two_hundred_names_of_all_scripts_are_made_in_a_bucket_and_found_under_former_names() {
    use crate::s3::BUCKET;
    let (src, out) = (format!("s3://{BUCKET}/src"), format!("s3://{BUCKET}/out"));
    let studio = Studio::new(Server::memory(), &GRAPH.replace("SRC", &src).replace("OUT", &out));
    let (sources, made) = (studio.server.store("src"), studio.server.store("out"));
    for name in names() {
        let bytes = Content::Bytes(Bytes::from(content(&name)));
        sources.store(&format!("{name}.json"), bytes, None).await.expect("stored");
    }
    let ran = studio.call("--json run g.yaml").ends(0);
    assert_eq!(counts(&ran), [2 * names().len() as u64, 0, 0]);
    let outputs = studio.objects("out").await;
    all_are_made(&outputs);
    assert_eq!(counts(&studio.call("--json run g.yaml").ends(0)), [0, 0, 0]);

    let name = "茉莉花";
    let object = made.open(&format!("b/{name}.json")).await.expect("made");
    for (path, named) in [("b/茉莉花.json", true), ("b/茉莉花", false), ("b/T.json", true), ("b/T.JSON", false)] {
        assert_eq!(made.is_named(path).await.expect("listed"), named, "{path}");
    }
    made.store(&former("b", name), object.content, object.info.stamp).await.expect("stored");
    made.remove(&format!("b/{name}.json")).await.expect("removed");
    assert_eq!(counts(&studio.call("--json run g.yaml").ends(0)), [0, 0, 0]);
}
