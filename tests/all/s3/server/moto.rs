//! moto's server, a Python program that is written by others than the rest: a second opinion on what S3 is.

use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use euterpe_storage::s3::{S3Storage, Tuning};

use super::BUCKET;
use crate::venv::python_with;

/// How long it may take to start on a loaded machine.
const START: Duration = Duration::from_secs(60);

/// A running server. Dropped, it is ended.
pub struct Moto {
    process: Child,
    port: u16,
}

impl Moto {
    /// Starts it, with one empty bucket.
    pub fn start() -> Self {
        let python = python_with("moto", &["moto[s3,server]==5.2.5"]);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let log = File::create(python.with_file_name(format!("moto-{port}.log"))).expect("a log");
        let process = Command::new(python.with_file_name("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log)
            .spawn()
            .expect("moto is installed");
        let moto = Self { process, port };
        let until = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "moto did not start");
            thread::sleep(Duration::from_millis(50)); // a deadline against a real process
        }
        moto.make_bucket();
        moto
    }

    /// A store in its bucket, under `prefix`.
    pub fn store(&self, prefix: &str) -> S3Storage {
        super::store(&format!("http://127.0.0.1:{}", self.port), prefix, Tuning::default())
    }

    /// Makes the bucket by a request as S3 knows it, without a signature, which moto does not ask for.
    fn make_bucket(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        write!(stream, "PUT /{BUCKET} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Gone already is as good.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
