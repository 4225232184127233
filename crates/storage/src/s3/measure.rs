//! Measures a content in one pass before it is sent: its size, its hash for the stamp, its checksums for the server.

use std::{fs::File, io, io::Read, os::unix::fs::FileExt, path::PathBuf};

use aws_sdk_s3::primitives::{ByteStream, Length};
use bytes::Bytes;
use euterpe_actors::blocking_threads::on_blocking_thread;
use euterpe_actors::storage::Content;

use super::error::{Refusal, S3Error};
use super::scratch_file::Fingerprint;
use super::settings::Tuning;

/// The most parts that an upload may have.
const MOST_PARTS: u64 = 10_000;

/// A content with its size, hash and checksums.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub body: Body,
    pub size: u64,
    /// BLAKE3 in hexadecimal.
    pub hash: String,
    /// CRC32 of each part, as in the header; one if the content is sent at once.
    pub checksums: Vec<String>,
    /// How many bytes a part has.
    pub part: u64,
    /// Tells whether the file has changed since; `None` for bytes.
    pub fingerprint: Option<Fingerprint>,
}

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Bytes(Bytes),
    File(PathBuf),
}

impl Measured {
    /// Some of the bytes as a body that can be sent again; in memory if all of them are to be signed.
    pub async fn bytes(&self, start: u64, length: u64, signed: bool) -> Result<ByteStream, Refusal> {
        let unreadable = |error: &dyn std::fmt::Display| {
            Refusal::Other(S3Error::unavailable(format!("the content cannot be read: {error}")))
        };
        match &self.body {
            Body::Bytes(bytes) => {
                let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                Ok(ByteStream::from(bytes.slice(at(start)..at(start + length))))
            }
            Body::File(_) if length == 0 => Ok(ByteStream::default()),
            Body::File(path) if signed => {
                let path = path.clone();
                let read = on_blocking_thread(move || {
                    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
                    File::open(path)?.read_exact_at(&mut bytes, start)?;
                    io::Result::Ok(Bytes::from(bytes))
                });
                let read = read.await.map_err(|error| Refusal::Other(S3Error::of_thread(&error)))?;
                Ok(ByteStream::from(read.map_err(|error| unreadable(&error))?))
            }
            Body::File(path) => {
                let opened =
                    ByteStream::read_from().path(path).offset(start).length(Length::Exact(length)).build().await;
                opened.map_err(|error| unreadable(&error))
            }
        }
    }
}

/// Reads the content once. The inner error means that the content itself cannot be read.
pub(super) async fn measured(content: Content, tuning: &Tuning) -> Result<io::Result<Measured>, S3Error> {
    let tuning = tuning.clone();
    on_blocking_thread(move || measure(content, &tuning)).await.map_err(|error| S3Error::of_thread(&error))
}

fn measure(content: Content, tuning: &Tuning) -> io::Result<Measured> {
    let (body, mut file, expected, fingerprint) = match content {
        Content::Bytes(bytes) => {
            let size = bytes.len() as u64;
            (Body::Bytes(bytes), None, size, None)
        }
        Content::File(path) => {
            let file = File::open(&path)?;
            let metadata = file.metadata()?;
            (Body::File(path), Some(file), metadata.len(), Some(Fingerprint::from(&metadata)))
        }
    };
    let part = match expected >= tuning.in_parts_from {
        true => tuning.part.max(expected.div_ceil(MOST_PARTS)),
        false => u64::MAX,
    };
    let mut sums =
        Sums { hash: blake3::Hasher::new(), crc: crc32fast::Hasher::new(), in_part: 0, part, done: Vec::new() };
    let size = match (&body, &mut file) {
        (_, Some(file)) => {
            let mut buffer = vec![0; 256 << 10];
            let mut size = 0;
            loop {
                match file.read(&mut buffer)? {
                    0 => break size,
                    read => {
                        sums.add(&buffer[..read]);
                        size += read as u64;
                    }
                }
            }
        }
        (Body::Bytes(bytes), None) => {
            sums.add(bytes);
            expected
        }
        (Body::File(_), None) => unreachable!("a file is open"),
    };
    let (hash, checksums) = sums.end();
    Ok(Measured { body, size, hash, checksums, part, fingerprint })
}

struct Sums {
    hash: blake3::Hasher,
    crc: crc32fast::Hasher,
    in_part: u64,
    part: u64,
    done: Vec<String>,
}

impl Sums {
    fn add(&mut self, mut bytes: &[u8]) {
        self.hash.update(bytes);
        while !bytes.is_empty() {
            if self.in_part == self.part {
                self.next_part();
            }
            let room = usize::try_from(self.part - self.in_part).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.crc.update(now);
            self.in_part += room as u64;
            bytes = later;
        }
    }

    fn next_part(&mut self) {
        let crc = std::mem::take(&mut self.crc).finalize();
        self.done.push(aws_smithy_types::base64::encode(crc.to_be_bytes()));
        self.in_part = 0;
    }

    fn end(mut self) -> (String, Vec<String>) {
        self.next_part();
        (self.hash.finalize().to_hex().to_string(), self.done)
    }
}
