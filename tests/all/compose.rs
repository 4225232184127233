//! What the compose file and the Dockerfile promise, read from the files; `tests/cluster/run` proves it by real containers.

use std::path::Path;

use serde_json::Value;

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The services, with what they take from `<<` filled in.
fn services() -> Vec<(String, Value)> {
    let file: Value = serde_saphyr::from_str(&text("docker-compose.yml")).expect("YAML");
    let services = file["services"].as_object().expect("services").clone();
    let merged = services.into_iter().map(|(name, mut service)| {
        let base = service.as_object_mut().expect("keys").remove("<<").unwrap_or_default();
        for (key, value) in base.as_object().into_iter().flatten() {
            service.as_object_mut().expect("keys").entry(key.clone()).or_insert(value.clone());
        }
        (name, service)
    });
    merged.collect()
}

#[test]
fn every_container_is_read_only_has_no_rights_and_no_root() {
    let services = services();
    assert!(services.len() >= 6, "{services:?}");
    for (name, service) in &services {
        assert_eq!(service["read_only"], true, "{name}: {service:#}");
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], serde_json::json!(["no-new-privileges:true"]), "{name}");
        let is_ours = service["image"].as_str().is_some_and(|image| image.contains("EUTERPE_IMAGE"));
        assert!(is_ours || service["user"] == "10001:10001", "{name}");
        for limit in ["mem_limit", "cpus"] {
            assert!(service[limit].as_str().is_some_and(|value| value.starts_with("${")), "{name}.{limit}");
        }
    }
    for file in ["Dockerfile", "Dockerfile.prebuilt"] {
        let users: Vec<String> =
            text(file).lines().filter_map(|line| line.strip_prefix("USER ").map(str::to_owned)).collect();
        assert_eq!(users, ["10001:10001", "10001:10001"], "{file}: the bases of all images that are run");
    }
}

/// The lines from one stage's to the next blank line.
fn stage(file: &str, name: &str) -> String {
    let text = text(file);
    let mut blocks =
        text.split("\n\n").filter(|block| block.lines().any(|line| line.starts_with("FROM ") && line.ends_with(name)));
    blocks.next().unwrap_or_else(|| panic!("{file} has no stage {name}")).to_owned()
}

#[test]
fn an_image_of_a_program_that_is_built_already_is_otherwise_the_same() {
    for base in [" AS base", " AS base-python"] {
        assert_eq!(stage("Dockerfile", base), stage("Dockerfile.prebuilt", base));
    }
    // A builder without BuildKit builds every stage of a file, so none may want what the sources do not hold.
    assert!(!text("Dockerfile").contains("dist/"));
}

#[test]
fn nothing_is_published_beyond_this_machine_and_no_password_is_written_down() {
    let file = text("docker-compose.yml");
    assert!(!file.contains("0.0.0.0"));
    let mut published = 0;
    for (name, service) in services() {
        for port in service["ports"].as_array().into_iter().flatten() {
            published += 1;
            assert!(port.as_str().is_some_and(|port| port.starts_with("127.0.0.1:")), "{name}: {port}");
        }
        for (variable, value) in service["environment"].as_object().into_iter().flatten() {
            let secret = ["PASS", "SECRET", "KEY", "TOKEN"].iter().any(|word| variable.contains(word));
            assert!(!secret, "{name}: {variable} = {value}");
        }
    }
    assert_eq!(published, 5);
    assert!(!file.contains("amqp://"), "a URL of a broker holds a password");
}

#[test]
fn what_watches_the_cluster_starts_by_its_profile_alone_and_finds_what_the_nodes_serve() {
    let services = services();
    let of = |wanted: &str| &services.iter().find(|(name, _)| name == wanted).expect("a service").1;
    let profiled = services.iter().filter(|(_, service)| service["profiles"] == serde_json::json!(["observability"]));
    assert_eq!(profiled.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["grafana", "prometheus"]);
    let node = of("node")["command"].as_array().expect("words");
    let at = node.iter().position(|word| word == "--metrics").expect("the nodes serve metrics");
    let served = node[at + 1].as_str().and_then(|place| place.strip_prefix("*:")).expect("on all addresses");
    let config: Value = serde_saphyr::from_str(&text("config/observability/cluster.yaml")).expect("YAML");
    let found = &config["scrape_configs"][0]["dns_sd_configs"][0];
    assert_eq!((&found["names"], found["port"].to_string()), (&serde_json::json!(["node"]), served.to_owned()));
    let source: Value =
        serde_saphyr::from_str(&text("config/observability/grafana/datasources/prometheus.yaml")).expect("YAML");
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    for name in ["prometheus", "grafana"] {
        let mounted = of(name)["volumes"][0].as_str().expect("a mount");
        assert_eq!(mounted, "${EUTERPE_OBSERVABILITY:-./config/observability}:/observability:ro");
        let said = format!("{} {}", of(name)["command"], of(name)["environment"]);
        let files = said.split('"').filter_map(|word| Some(word.split_once("/observability/")?.1));
        let missing: Vec<&str> = files.filter(|file| !Path::new("config/observability").join(file).exists()).collect();
        assert!(missing.is_empty(), "{name} is told of {missing:?}");
    }
}
