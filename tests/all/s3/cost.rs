//! The requests that `plan --cost` foretells are those that a run then makes.

use std::collections::BTreeMap;

use euterpe_actors::storage::{Content, Storage};

use super::run::Studio;
use super::server::{BUCKET, Server};

const ENTITIES: u64 = 60;

/// The jobs of some graphs: of one job, of a chain, with two outputs, with two inputs.
const GRAPHS: [&str; 4] = [
    r#"  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
"#,
    r#"  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: a}, out: "out:b/{id}.txt"}
"#,
    r#"  a: {use: command, with: {argv: [sh, -c, "cp $0 $1; cp $0 $2", "{input}", "{output.one}", "{output.two}"]}, in: {x: "in:{id}.txt"}, outputs: {one: "out:a/{id}.txt", two: "out:b/{id}.txt"}}
"#,
    r#"  a: {use: command, with: {argv: [cp, "{input}", "{output}"]}, in: {x: "in:{id}.txt"}, out: "out:a/{id}.txt"}
  b: {use: command, with: {argv: [sh, -c, "cat $0 $1 > $2", "{input.x}", "{input.n}", "{output}"]}, in: {x: a, n: "notes:{id}.txt"}, out: "out:b/{id}.txt"}
  c: {use: command, with: {argv: [sh, -c, "cat $0 $1 > $2", "{input.x}", "{input.y}", "{output}"]}, in: {x: a, y: b}, out: "out:c/{id}.txt"}
"#,
];

fn graph(jobs: &str) -> String {
    let store = |name: &str| format!("{name}: \"s3://{BUCKET}/{name}\"");
    let stores = ["in", "notes", "out"].map(store).join(", ");
    format!("version: 1\ngraph: g\nstores: {{{stores}}}\njobs:\n{jobs}")
}

/// Lists, reads and writes.
fn counted(asked: &BTreeMap<String, u64>) -> [u64; 3] {
    let of = |names: &[&str]| names.iter().filter_map(|name| asked.get(*name)).sum();
    let writes = ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];
    [of(&["ListObjectsV2"]), of(&["HeadObject", "HeadBucket", "GetObject"]), of(&writes)]
}

#[tokio::test]
async fn a_plan_foretells_how_many_requests_its_run_makes() {
    let mut problems = String::new();
    for jobs in GRAPHS {
        let studio = Studio::new(Server::memory(), &graph(jobs));
        for store in ["in", "notes"] {
            let storage = studio.server.store(store);
            for n in 0..=ENTITIES {
                let text = Content::Bytes(format!("{store} of {n}").into());
                storage.store(&format!("t-{n:03}.txt"), text, None).await.expect("stored");
            }
        }
        studio.call("run g.yaml t-000").ends(0); // finds out what the bucket promises
        let cost = studio.call("plan g.yaml --cost --json").ends(0).last()["cost"].clone();
        let told = |kind: &str| -> u64 {
            let stores = cost["requests"].as_object().expect("stores").values();
            stores.map(|of| of[kind].as_u64().expect("a number")).sum()
        };
        let foretold = ["lists", "reads", "writes"].map(told);
        studio.server.tell("forget");
        studio.call("run g.yaml").ends(0);
        let asked = studio.server.asked();
        let made = counted(&asked);
        for ((kind, foretold), made) in ["lists", "reads", "writes"].iter().zip(foretold).zip(made) {
            if foretold.abs_diff(made) > 6.max(made / 20) {
                problems += &format!("{kind}: {foretold} foretold, {made} made: {asked:?} of\n{jobs}");
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}
