//! Encrypted connections, and those that are refused: at once, with one sentence.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::certificates::Certificates;
use super::cluster::Said;
use super::server::free_port;
use super::{Cluster, Rabbit, nodes::diamond, soon};

/// Sooner than a verb gives up that tries again.
const AT_ONCE: Duration = Duration::from_secs(8);

/// A call that must be refused with exit 1, at once, in one sentence with this sign.
#[track_caller]
fn refused(cluster: &Cluster, args: &[&str], sign: &str) -> Said {
    let start = Instant::now();
    let said = cluster.call(args).ends(1);
    assert!(start.elapsed() < AT_ONCE, "it took {:?}: {said:?}", start.elapsed());
    // A broker that turns somebody away may close before that one has heard why: then it is asked once more.
    let lines: Vec<&str> = said.err.lines().filter(|line| !line.contains("trying again")).collect();
    assert!(lines.len() == 1 && lines[0].contains(sign), "{said:#?}");
    said
}

#[test]
fn an_encrypted_connection_works_with_the_authority_named_and_no_other_certificate_does() {
    let (certificates, port) = (Certificates::new(), free_port());
    let rabbit = Rabbit::with(&certificates.listener(port, "ssl_options.verify = verify_none"));
    let url = |host: &str, port: u16| format!("amqps://guest:guest@{host}:{port}");
    let ca = certificates.text("ca.pem");
    let mut cluster = Cluster::at(&diamond(0), url("localhost", port));
    cluster.node(&["--broker-ca", &ca]);
    cluster.ids((0..50).map(|n| format!("t-{n}")));
    let ran = cluster.call(&["--json", "run", "g.yaml", "--ids", "ids", "--broker-ca", &ca]).ends(0);
    assert_eq!(ran.last()["open"].as_u64(), Some(0), "{ran:?}");
    assert!(rabbit.ctl(&["list_connections", "ssl", "--no-table-headers"]).lines().all(|line| line.trim() == "true"));

    for verb in [&["run", "g.yaml", "--ids", "ids", "--all"][..], &["node", "g.yaml"], &["status", "g.yaml"]] {
        let verb: Vec<&str> = verb.iter().copied().filter(|arg| *arg != "--all").collect();
        refused(&cluster, &verb, "--broker-ca");
    }
    let wrong_name = url("127.0.0.1", port);
    let wrong = ["node", "g.yaml", "--broker-ca", &ca, "--broker", &wrong_name];
    refused(&cluster, &wrong, "for another name");
    let alone = Alone::listen(&certificates);
    let signed_by_nobody = url("localhost", alone.port);
    refused(&cluster, &["node", "g.yaml", "--broker-ca", &ca, "--broker", &signed_by_nobody], "signed");
    let plain = url("localhost", rabbit.port());
    refused(&cluster, &["node", "g.yaml", "--broker-ca", &ca, "--broker", &plain], "does not speak TLS");
    let key = certificates.text("server.key");
    refused(&cluster, &["node", "g.yaml", "--broker-ca", &key], "holds no certificate");
    refused(&cluster, &["node", "g.yaml", "--broker-ca", "nowhere.pem"], "could not read");
}

#[test]
fn a_broker_that_wants_client_certificates_takes_those_with_one_and_nobody_else() {
    let (certificates, port) = (Certificates::new(), free_port());
    let wants = "ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true";
    let _rabbit = Rabbit::with(&certificates.listener(port, wants));
    let mut cluster = Cluster::at(&diamond(0), format!("amqps://guest:guest@localhost:{port}"));
    let [ca, pem, key] = ["ca.pem", "client.pem", "client.key"].map(|name| certificates.text(name));
    let known = ["--broker-ca", &ca, "--broker-cert", &pem, "--broker-key", &key];
    cluster.node(&known);
    let ran = cluster.call(&[&["--json", "run", "g.yaml", "t-1", "t-2"][..], &known].concat()).ends(0);
    assert_eq!(ran.last()["open"].as_u64(), Some(0), "{ran:?}");
    refused(&cluster, &["node", "g.yaml", "--broker-ca", &ca], "--broker-cert");
    let [pem, key] = ["alone.pem", "alone.key"].map(|name| certificates.text(name));
    let unknown = ["node", "g.yaml", "--broker-ca", &ca, "--broker-cert", &pem, "--broker-key", &key];
    refused(&cluster, &unknown, "alert");
    let half = cluster.call(&["node", "g.yaml", "--broker-cert", &pem]).ends(2);
    assert!(half.err.contains("--broker-key"), "{half:?}");
}

#[test]
fn plain_text_to_another_machine_is_refused_by_name() {
    let cluster = Cluster::at(&diamond(0), "amqp://guest:guest@rabbit.example.org:5672".into());
    for verb in ["run", "node", "publish", "status", "verify"] {
        let said = match verb {
            "run" | "publish" => cluster.call(&[verb, "g.yaml", "t-1"]),
            _ => cluster.call(&[verb, "g.yaml"]),
        };
        let said = said.ends(2);
        assert!(said.err.contains("rabbit.example.org:5672") && said.err.contains("--allow-plaintext"), "{said:?}");
    }
}

/// A server that speaks TLS with a certificate that nobody signed. Dropped, it is ended.
struct Alone {
    port: u16,
    process: Child,
}

impl Alone {
    fn listen(certificates: &Certificates) -> Self {
        let port = free_port();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(certificates.path("alone.pem")).arg("-key").arg(certificates.path("alone.key"));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let alone = Self { port, process: process.expect("openssl") };
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        soon("openssl listens", Duration::from_secs(10), listens);
        alone
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Ended already is as good.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
