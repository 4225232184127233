//! A bucket of a test's own at moto's server, which starts slowly and which all tests of a run share.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicU32, Ordering},
};

use euterpe_storage::s3::{S3Storage, Tuning};

use super::server::{Moto, store_at};

/// A bucket. It stays until the server ends.
pub struct Bucket {
    name: String,
    port: u16,
    /// The server, where none is shared.
    _own: Option<Moto>,
}

/// A server to be shared, and its port as text.
pub fn shared() -> (Moto, String) {
    let moto = Moto::start();
    let port = moto.port.to_string();
    (moto, port)
}

impl Bucket {
    /// Makes an empty bucket, at the run's shared server where there is one.
    pub fn at_moto() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (own, port) = match crate::shared::place_of("moto") {
            Some(port) => (None, port),
            None => {
                let (moto, port) = shared();
                (Some(moto), port)
            }
        };
        let name = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let bucket = Self { name, port: port.parse().expect("a port"), _own: own };
        bucket.make();
        bucket
    }

    /// A store in it, under `prefix`.
    pub fn store(&self, prefix: &str) -> S3Storage {
        store_at(&format!("http://127.0.0.1:{}", self.port), &self.name, prefix, Tuning::default())
    }

    /// Makes it by a request as S3 knows it, without a signature, which moto does not ask for.
    fn make(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let name = &self.name;
        write!(stream, "PUT /{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
