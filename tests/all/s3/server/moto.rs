//! moto's server, a Python program that is written by others than the rest: a second opinion on what S3 is.

use std::{
    fs::File,
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::venv::python_with;

/// How long it may take to start on a loaded machine.
const START: Duration = Duration::from_secs(60);

/// A running server. Dropped, it is ended.
pub struct Moto {
    process: Child,
    /// Its port.
    pub port: u16,
}

impl Moto {
    /// Starts it, without a bucket.
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
        moto
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Gone already is as good.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
