//! S3 servers, each in a process of its own on a port of its own, which ends with the test that owns it. Those of this
//! binary start within a hundredth of a second, count what they are asked and lie as their test says: none is shared.
//!
//! The process is this test binary again: it runs nothing but [`serves`].

mod bodies;
mod buckets;
mod journal;
mod memory;
mod moto;
mod serve;
mod switches;

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use euterpe_storage::s3::{Cache, S3Settings, S3Storage, Tuning};

pub use moto::Moto;
pub use serve::serve_if_asked;

/// The bucket that each of them has.
pub const BUCKET: &str = "euterpe-test";

/// The user of each of them.
pub const USER: &str = "test-user";
pub const SECRET: &str = "test-secret";

/// Says in the environment of the process which server it is.
const ROLE: &str = "EUTERPE_TEST_S3";

/// A server of this binary.
pub struct Server {
    process: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    /// A bucket in memory whose conditions hold.
    pub fn memory() -> Self {
        Self::start("memory")
    }

    /// s3s-fs over a folder.
    pub fn folder() -> Self {
        Self::start("folder")
    }

    fn start(role: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let mut process = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "s3::server::serves", "--ignored", "--nocapture", "--test-threads=1"])
            .env(ROLE, format!("{role} {}", folder.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this binary runs");
        let stdin = process.stdin.take().expect("piped");
        let mut lines = BufReader::new(process.stdout.take().expect("piped"));
        let port = told(&mut lines, "listening").parse().expect("a port");
        Self { process, lines: Mutex::new((stdin, lines)), port, _folder: folder }
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A store in its bucket, under `prefix`.
    pub fn store(&self, prefix: &str) -> S3Storage {
        store(&self.endpoint(), prefix, Tuning::default())
    }

    /// Tells the server in memory to do something.
    pub fn tell(&self, line: &str) -> String {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(lines.0, "{line}").expect("it listens");
        told(&mut lines.1, "answer")
    }

    /// How many bytes of objects whose keys start so the server in memory sent since it last forgot.
    pub fn served(&self, prefix: &str) -> u64 {
        self.tell(&format!("served {prefix}")).parse().expect("a number")
    }

    /// The keys, of those that start so, of objects that the server in memory was asked for by name since it last forgot.
    pub fn touched(&self, prefix: &str) -> Vec<String> {
        serde_json::from_str(&self.tell(&format!("touched {prefix}"))).expect("names")
    }

    /// What the server in memory was asked since it last forgot.
    pub fn asked(&self) -> BTreeMap<String, u64> {
        serde_json::from_str(&self.tell("asked")).expect("names and numbers")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Gone already is as good.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// The rest of the next line that starts with a word. libtest writes lines of its own before.
fn told(lines: &mut impl BufRead, word: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(lines.read_line(&mut line).expect("it speaks") > 0, "the server ended");
        if let Some((_, rest)) = line.split_once(&format!("{word} ")) {
            return rest.trim().to_owned();
        }
    }
}

/// A store at an address.
pub fn store(endpoint: &str, prefix: &str, tuning: Tuning) -> S3Storage {
    store_at(endpoint, BUCKET, prefix, tuning)
}

/// The same in another bucket.
pub fn store_at(endpoint: &str, bucket: &str, prefix: &str, tuning: Tuning) -> S3Storage {
    let scratch = std::env::temp_dir().join(format!("euterpe-s3-tests-{}", std::process::id()));
    S3Storage::new(S3Settings { bucket: bucket.to_owned(), ..settings(&scratch, None, endpoint, prefix, tuning) })
}

/// A store at an address whose files are in `scratch`.
pub fn store_in(scratch: &Path, cache: Option<Cache>, endpoint: &str, prefix: &str, tuning: Tuning) -> S3Storage {
    S3Storage::new(settings(scratch, cache, endpoint, prefix, tuning))
}

fn settings(scratch: &Path, cache: Option<Cache>, endpoint: &str, prefix: &str, tuning: Tuning) -> S3Settings {
    let identity = Credentials::new(USER, SECRET, None, None, "test");
    S3Settings {
        bucket: BUCKET.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: Some(endpoint.to_owned()),
        region: Some("us-east-1".to_owned()),
        scratch: scratch.to_owned(),
        cache,
        identity: Some(SharedCredentialsProvider::new(identity)),
        tuning,
    }
}

/// A time at which a server's clock may start, since the epoch: that of now, for signatures go by it, but late within its
/// second, so that what the server tells of it is cut off by much.
pub fn late_in_a_second() -> Duration {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("a clock");
    Duration::from_secs(now.as_secs()) + Duration::from_millis(900)
}

/// A text as in an address.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./*".contains(&byte);
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[test]
#[ignore = "the process of a server; other tests start it"]
fn serves() {
    serve_if_asked();
}
