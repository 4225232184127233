//! The memory of a node that moves objects of 1 GB from a bucket into a bucket, with one such object and with several.
//!
//! The node is that of `euterpe run`: this bench's own binary as a program, with a transform that hands its input on. What
//! it has read and made is kept on its disk as usual.

use std::fs;

use aws_sdk_s3::primitives::ByteStream;

use super::server::{BUCKET, Server};
use super::{bare, program};

const SIZE: usize = 1_000_000_000;
const OBJECTS: usize = 4;
const WORKERS: usize = 2;

pub fn main() {
    let server = Server::memory();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = bare(&server.endpoint());
        for n in 0..OBJECTS {
            let body = ByteStream::from(vec![n as u8; SIZE]);
            client.put_object().bucket(BUCKET).key(format!("big/t-{n}.bin")).body(body).send().await.expect("put");
        }
    });
    println!("memory: a node moves objects of 1 GB from a bucket into a bucket, {WORKERS} workers");
    let peaks = [1, OBJECTS].map(|objects| {
        let (peak, took) = moved(&server, objects);
        println!("{objects} objects: at most {:.1} MB resident, {took:.1} s", peak as f64 / 1e6);
        peak as f64
    });
    println!("with {OBJECTS} to with one: {:.2}; aim: below 150 MB with any number", peaks[1] / peaks[0]);
}

/// The highest resident set of a node that moves so many objects, in bytes, and how many seconds it took.
fn moved(server: &Server, objects: usize) -> (u64, f64) {
    let folder = tempfile::tempdir().expect("a folder");
    let (bucket, endpoint) = (format!("s3://{BUCKET}"), server.endpoint());
    let text = format!(
        "version: 1\ngraph: large\nstores:\n  big: {{url: \"{bucket}/big\", endpoint: \"{endpoint}\", region: us-east-1}}\n  \
         out: {{url: \"{bucket}/out{objects}\", endpoint: \"{endpoint}\", region: us-east-1}}\njobs:\n  \
         move: {{use: bench.hand_on, in: {{in: \"big:{{id}}.bin\"}}, out: \"out:{{id}}.bin\", pool: {{workers: {WORKERS}}}}}\n"
    );
    fs::write(folder.path().join("g.yaml"), text).expect("written");
    let ids: Vec<String> = (0..objects).map(|n| format!("t-{n}")).collect();
    let (took, peak) = program::watched(program::command(folder.path(), &format!("run g.yaml {}", ids.join(" "))));
    (peak, took)
}
