//! `deploy print`: what is written, word for word, and that Kubernetes knows every key of it.

mod refused; // what pods cannot share, what a ConfigMap cannot hold, secrets, groups

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cli::{Bench, Called};

const GRAPH: &str = r#"version: 1
graph: My_tags
stores:
  music: ./music
  derived: {url: "s3://studio/derived", endpoint: "${S3_ENDPOINT:-http://127.0.0.1:9000}"}
defaults: {timeout: 90s}
jobs:
  text:
    use: command
    with: {argv: [sh, tools/words.sh, "{input}", "{output}"]}
    in: {text: "music:{id}.txt"}
    out: "derived:text/{id}.txt"
    pool: {workers: 3, memory: 100MiB}
  mood:
    python: transforms/mood.py:mood
    env: {requirements: transforms/requirements.txt}
    in: {text: text}
    out: "derived:mood/{id}.json"
    pool: {workers: 2, memory: 1GiB}
    timeout: 20m
  card: {use: json.merge, in: {mood: mood}, out: "derived:cards/{id}.json"}
"#;

/// Where everything is for pods.
const PLACES: &str = "--image registry.example/euterpe:1 --store music=/srv/media/music --volume media=/srv/media --state s3://studio/state";

fn bench() -> Bench {
    let bench = Bench::new(GRAPH);
    bench.write("tools/words.sh", "#!/bin/sh\nset -e\ntr ' ' '\\n' <\"$1\" >\"$2\"\n");
    std::fs::set_permissions(bench.path("tools/words.sh"), PermissionsExt::from_mode(0o755)).expect("executable");
    bench.write(
        "transforms/mood.py",
        "from .words import count\n\n\ndef mood(text):\n    return {\"words\": count(text)}\n",
    );
    bench.write("transforms/words.py", "def count(text):\n\treturn len(text.split())\n");
    bench.write("transforms/__init__.py", "");
    bench.write("transforms/requirements.txt", "numpy==2.3.4\n");
    bench.write("transforms/unused.py", "");
    bench
}

fn print(bench: &Bench, more: &str) -> Called {
    bench.call(&format!("deploy print g.yaml {more}"))
}

/// The objects of a page of manifests.
fn objects(page: &str) -> Vec<Value> {
    let documents = page.split("---\n").skip(1);
    documents.map(|text| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))).collect()
}

/// The only object of a kind with this name.
fn object<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let found: Vec<&Value> =
        objects.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name).collect();
    assert_eq!(found.len(), 1, "{kind} {name}: {objects:#?}");
    found[0]
}

/// What Kubernetes keeps of an object: keys that it does not know are lost.
fn kept<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    let read: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object:#}"));
    serde_json::to_value(read).expect("JSON")
}

/// The keys of KEDA's objects that are written, by the documentation of its version 2.
fn known_to_keda(object: &Value) -> bool {
    let of = |value: &Value, keys: &[&str]| {
        value.as_object().is_some_and(|map| map.keys().all(|key| keys.contains(&key.as_str())))
    };
    let spec = &object["spec"];
    let is_known = match object["kind"].as_str() {
        Some("TriggerAuthentication") => {
            let references = spec["secretTargetRef"].as_array().expect("a list");
            of(spec, &["secretTargetRef"]) && references.iter().all(|one| of(one, &["parameter", "name", "key"]))
        }
        Some("ScaledObject") => {
            let keys = [
                "scaleTargetRef",
                "minReplicaCount",
                "maxReplicaCount",
                "pollingInterval",
                "cooldownPeriod",
                "triggers",
            ];
            let of_trigger = |trigger: &Value| {
                let metadata = &trigger["metadata"];
                let all_texts = metadata.as_object().is_some_and(|map| map.values().all(Value::is_string));
                all_texts
                    && of(trigger, &["type", "metadata", "authenticationRef"])
                    && match trigger["type"].as_str() {
                        Some("rabbitmq") => of(metadata, &["protocol", "queueName", "mode", "value"]),
                        Some("prometheus") => of(metadata, &["serverAddress", "query", "threshold"]),
                        _ => false,
                    }
            };
            of(spec, &keys)
                && of(&spec["scaleTargetRef"], &["apiVersion", "kind", "name"])
                && spec["triggers"].as_array().is_some_and(|triggers| triggers.iter().all(of_trigger))
        }
        _ => false,
    };
    is_known && of(object, &["apiVersion", "kind", "metadata", "spec"])
}

/// Everything that can be asked for at once.
const ALL: &str = "--namespace studio --group tag=mood --replicas 2 --max-replicas 20 --messages-per-node 50 \
                   --prometheus http://prometheus.monitoring:9090 --secret-env S3_ENDPOINT=media/endpoint --env AWS_REGION=eu-north-1 \
                   --allow-plaintext";

#[test]
fn the_manifests_of_a_graph_are_these_and_the_same_each_time() {
    let bench = bench();
    let page = print(&bench, &format!("{PLACES} {ALL}")).ends(0);
    insta::assert_snapshot!(page.out);
    assert_eq!(print(&bench, &format!("{PLACES} {ALL}")).ends(0).out, page.out);
}

#[test]
fn kubernetes_and_keda_know_every_key_that_is_written() {
    let bench = bench();
    let mut kinds = BTreeMap::new();
    for more in [ALL, "", "--without-keda --in-image /srv/graph --service-account studio --memory 2GiB --cpus 3"] {
        for object in objects(&print(&bench, &format!("{PLACES} {more}")).ends(0).out) {
            let kind = object["kind"].as_str().expect("a kind").to_owned();
            match kind.as_str() {
                "ConfigMap" => assert_eq!(kept::<ConfigMap>(&object), object),
                "Deployment" => assert_eq!(kept::<Deployment>(&object), object),
                "PodDisruptionBudget" => assert_eq!(kept::<PodDisruptionBudget>(&object), object),
                _ => assert!(known_to_keda(&object), "{object:#}"),
            }
            *kinds.entry(kind).or_insert(0) += 1;
        }
    }
    let of = |kind: &str| kinds.get(kind).copied();
    let all = ["ConfigMap", "Deployment", "PodDisruptionBudget", "ScaledObject", "TriggerAuthentication"].map(of);
    assert_eq!(all, [Some(2), Some(4), Some(4), Some(3), Some(2)], "{kinds:?}");
    // The comparison finds a key that is misspelt.
    let misspelt = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {}, "spec": {"maxUnavailabel": 1}});
    assert_ne!(kept::<PodDisruptionBudget>(&misspelt), misspelt);
}

#[test]
fn a_group_has_the_queues_the_time_and_the_memory_of_its_jobs() {
    let bench = bench();
    let objects = objects(&print(&bench, &format!("{PLACES} {ALL}")).ends(0).out);
    let names: Vec<&Value> = objects
        .iter()
        .filter(|object| object["kind"] == "Deployment")
        .map(|object| &object["metadata"]["name"])
        .collect();
    let [tag, nodes] = names[..] else { panic!("{names:?}") };
    let pod =
        |name: &Value| &object(&objects, "Deployment", name.as_str().expect("a name"))["spec"]["template"]["spec"];
    let (tagging, others) = (pod(tag), pod(nodes));
    let words = |pod: &Value| pod["containers"][0]["args"].as_array().expect("words").clone();
    let after = |pod: &Value, flag: &str| {
        let words = words(pod);
        words[words.iter().position(|word| word == flag).expect("the flag") + 1].clone()
    };
    assert_eq!((after(tagging, "--jobs"), after(others, "--jobs")), (json!("mood"), json!("text,card")));
    assert_eq!((after(tagging, "--grace"), after(others, "--grace")), (json!("1200s"), json!("90s")));
    assert_eq!([tagging, others].map(|pod| &pod["terminationGracePeriodSeconds"]), [1210, 100]);
    // 256 MiB and two workers of 1 GiB; 256 MiB, three of 100 MiB, and three cores that may have 256 MiB of `card` each.
    let limits = |pod: &Value| pod["containers"][0]["resources"]["limits"].clone();
    assert_eq!(limits(tagging), json!({"cpu": "2", "memory": "2304Mi"}));
    assert_eq!(limits(others), json!({"cpu": "3", "memory": "1324Mi"}));
    let scaled = object(&objects, "ScaledObject", nodes.as_str().expect("a name"));
    let triggers = scaled["spec"]["triggers"].as_array().expect("triggers");
    let queues: Vec<&Value> = triggers.iter().map(|trigger| &trigger["metadata"]["queueName"]).collect();
    assert_eq!(queues, [&json!("euterpe.My_tags.job.text"), &json!("euterpe.My_tags.job.card"), &Value::Null]);
    assert_eq!(
        triggers[2]["metadata"]["query"],
        "sum(euterpe:work_remaining:sum{graph=\"My_tags\",job=~\"text|card\"})"
    );
}

#[test]
fn a_pod_finds_the_graph_file_and_its_code_where_they_were_and_new_code_has_a_new_name() {
    let bench = bench();
    let of = |page: Called| objects(&page.ends(0).out);
    let code = |objects: &[Value]| {
        let map = objects.iter().find(|object| object["kind"] == "ConfigMap").expect("a map").clone();
        let pod =
            &objects.iter().find(|object| object["kind"] == "Deployment").expect("nodes")["spec"]["template"]["spec"];
        let volume = pod["volumes"].as_array().expect("volumes").iter().find(|volume| volume["name"] == "graph");
        (map, volume.expect("a volume")["configMap"].clone())
    };
    let (map, volume) = code(&of(print(&bench, PLACES)));
    assert_eq!(volume["name"], map["metadata"]["name"]);
    let mut paths = Vec::new();
    for item in volume["items"].as_array().expect("items") {
        let path = item["path"].as_str().expect("a path");
        assert_eq!(map["data"][item["key"].as_str().expect("a key")], bench.read(path), "{path}");
        assert_eq!(item["mode"], if path == "tools/words.sh" { 0o555 } else { 0o444 }, "{path}");
        paths.push(path);
    }
    let all = [
        "g.yaml",
        "tools/words.sh",
        "transforms/__init__.py",
        "transforms/mood.py",
        "transforms/requirements.txt",
        "transforms/words.py",
    ];
    assert_eq!(paths, all);
    bench.write("transforms/words.py", "def count(text):\n\treturn 7\n");
    let (changed, _) = code(&of(print(&bench, PLACES)));
    assert_ne!(changed["metadata"]["name"], map["metadata"]["name"]);
    let in_image = of(print(&bench, &format!("{PLACES} --in-image /srv/graph")));
    assert!(in_image.iter().all(|object| object["kind"] != "ConfigMap"));
    let deployment = in_image.iter().find(|object| object["kind"] == "Deployment").expect("nodes");
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["args"][1], "/srv/graph/g.yaml");
}

#[test]
fn a_volume_is_read_only_unless_something_is_written_to_it_and_buckets_need_one_way_in() {
    let bench = bench();
    let of = |more: &str| {
        let page = print(&bench, &format!("{PLACES} {more}")).ends(0).out;
        let nodes = objects(&page).into_iter().find(|object| object["kind"] == "Deployment").expect("nodes");
        let pod = &nodes["spec"]["template"]["spec"];
        let mounts = pod["containers"][0]["volumeMounts"].as_array().expect("mounts");
        let of = |name: &str| mounts.iter().find(|mount| mount["name"] == name).map(|mount| mount["readOnly"].clone());
        (of("data-0"), of("s3").is_some())
    };
    assert_eq!(of(""), (Some(json!(true)), true));
    assert_eq!(of("--store derived=/srv/media/derived"), (Some(json!(false)), true));
    assert_eq!(of("--service-account studio"), (Some(json!(true)), false));
    assert_eq!(
        of("--secret-env AWS_ACCESS_KEY_ID=s/k --secret-env AWS_SECRET_ACCESS_KEY=s/l"),
        (Some(json!(true)), false)
    );
}

#[test]
fn a_file_for_each_object_holds_what_is_printed() {
    let bench = bench();
    let called = print(&bench, &format!("{PLACES} -o made")).ends(0);
    let files = [
        "broker-authentication.yaml",
        "code.yaml",
        "nodes-deployment.yaml",
        "nodes-disruption-budget.yaml",
        "nodes-scaling.yaml",
    ];
    assert_eq!(bench.files("made"), files);
    assert!(
        files.iter().all(|file| called.out.contains(file)) && called.err.contains("Secret euterpe-broker"),
        "{called:?}"
    );
    let page = print(&bench, PLACES).ends(0).out;
    assert!(files.iter().all(|file| page.contains(&bench.read(&format!("made/{file}")))), "{page}");
    let facts = bench.call(&format!("--json deploy print g.yaml {PLACES}")).ends(0).facts();
    assert_eq!(facts, objects(&page));
}
