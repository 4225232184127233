//! A machine that has no certificates to tell a server by: where encryption is asked for that is told, with what to do.

use super::run::Studio;
use super::server::{BUCKET, Server};
use crate::cli::ended;

const GRAPH: &str = "
version: 1
graph: trust
stores: {in: ./in, out: {url: \"s3://BUCKET/out\" ENDPOINT}}
jobs:
  a: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: \"in:{id}.txt\"}, out: \"out:a/{id}.txt\"}
";

/// Runs on a machine that trusts nobody; `server` is the address in the graph file, `named` the one in the environment.
fn runs(studio: &Studio, server: Option<&str>, named: Option<&str>) -> crate::cli::Called {
    let endpoint = server.map_or_else(String::new, |server| format!(", endpoint: \"{server}\""));
    std::fs::write(studio.path("g.yaml"), GRAPH.replace("BUCKET", BUCKET).replace(" ENDPOINT", &endpoint))
        .expect("written");
    let mut command = studio.command("run g.yaml");
    command.env("SSL_CERT_FILE", studio.path("none.pem")).env("SSL_CERT_DIR", studio.path("none"));
    command.env_remove("AWS_ENDPOINT_URL");
    command.envs(named.map(|named| ("AWS_ENDPOINT_URL", named)));
    ended(command.output().expect("it starts"))
}

#[test]
fn without_certificates_an_encrypted_server_is_refused_with_the_remedy_and_a_plain_one_is_used() {
    let studio = Studio::new(Server::memory(), "");
    for folder in ["in", "none"] {
        std::fs::create_dir(studio.path(folder)).expect("made");
    }
    std::fs::write(studio.path("none.pem"), "").expect("written");
    std::fs::write(studio.path("in/t-1.txt"), "text").expect("written");
    for (server, named) in [(Some("https://127.0.0.1:1"), None), (None, None), (None, Some("https://127.0.0.1:1"))] {
        let ran = runs(&studio, server, named).ends(1);
        assert!(ran.err.contains("store `out`") && ran.err.contains("install `ca-certificates`"), "{ran:?}");
        assert!(ran.err.contains("SSL_CERT_FILE") && !ran.err.contains("panicked"), "{ran:?}");
    }
    let plain = studio.server.endpoint();
    runs(&studio, Some(&plain), None).ends(0);
    runs(&studio, None, Some(&plain)).ends(0);
}
