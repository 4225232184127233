//! Very many dead letters in a bucket: `dead ls` of all, and `dead retry` of the few of one reason, with each request counted by
//! its kind, beside a loop over the SDK that only lists the keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use euterpe_actors::state::StateStore;
use euterpe_actors::storage::{Content, Storage};
use euterpe_testkit::letters::{FEW_REASON, letters};

use super::server::{BUCKET, Server};
use super::support::median;
use super::{bare, program, timed};

/// How many letters are tried again.
const FEW: usize = 1_000;

/// How long each page of a listing takes beside what the server works.
const LATENCY_MS: u64 = 20;

const ROUNDS: usize = 3;

pub fn main(count: usize) {
    let server = Server::memory();
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "version: 1\ngraph: letters\nstores: {{in: \"s3://{BUCKET}/in\", out: \"s3://{BUCKET}/out\"}}\njobs:\n  \
         mel: {{use: bench.hand_on, in: {{in: \"in:{{id}}.txt\"}}, out: \"out:mel/{{id}}.txt\"}}\n"
    );
    fs::write(folder.path().join("g.yaml"), text).expect("written");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let call = |words: &str| program::watched(command(&server, folder.path(), words));
    let source = async || server.store("in").store("x.txt", Content::Bytes("x".into()), None).await;
    runtime.block_on(source()).expect("stored");
    call("run g.yaml x"); // finds out what the bucket promises, and that nothing killed its process
    runtime.block_on(seed(&server, count));
    server.tell(&format!("listing-millis {LATENCY_MS}"));
    println!(
        "{count} dead letters of 7 reasons in a bucket, {FEW} of them `{FEW_REASON}`; {LATENCY_MS} ms for each page of a listing"
    );
    let (mut listed, mut plain, mut peaks, mut asked) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
    for _ in 0..ROUNDS {
        server.tell("forget");
        plain.push(runtime.block_on(timed(async || assert_eq!(keys(&server).await.len(), count))).wall);
        let pages: u64 = server.asked().values().sum();
        server.tell("forget");
        let (took, peak) = call("dead ls g.yaml");
        listed.push(took);
        peaks.push(peak as f64);
        asked = server.asked();
        println!("  a round: {} requests; page after page: {pages}", told(&asked));
    }
    let (took, plain, peak) = (median(listed), median(plain), median(peaks) / f64::from(1 << 20));
    println!(
        "dead ls: {took:.2} s, {:.2} of listing page after page ({plain:.1} s); {peak:.1} MiB; {}. Aim: at most 1,100 requests.",
        took / plain,
        told(&asked)
    );
    let mut others = runtime.block_on(keys(&server));
    let end = format!("{FEW_REASON}.json"); // what is before it comes encoded in listings
    server.tell("forget");
    let (took, peak) = call(&format!("dead retry g.yaml --reason {FEW_REASON}"));
    let asked = server.asked();
    let touched = server.touched("state/letters/dead/");
    let (few, strange): (Vec<&String>, Vec<&String>) = touched.iter().partition(|key| key.ends_with(&end));
    others.retain(|key| !key.ends_with(&end));
    assert!(runtime.block_on(keys(&server)) == others, "other letters are left than those that were not meant");
    let made = server.touched("out/mel/").len();
    let peak = peak as f64 / f64::from(1 << 20);
    println!("dead retry --reason {FEW_REASON}: {took:.2} s, {peak:.1} MiB; {}", told(&asked));
    println!(
        "  of the letters themselves {} of {FEW} were asked for, and {} others (aim: none); {made} outputs; {:.1} requests for each \
         beside the pages of listings",
        few.len(),
        strange.len(),
        asked.iter().filter(|(kind, _)| *kind != "ListObjectsV2").map(|(_, times)| times).sum::<u64>() as f64
            / FEW as f64
    );
}

/// The letters, and the sources of those that are tried again.
async fn seed(server: &Server, count: usize) {
    server.tell(&format!("seed in/t-0 .txt {FEW}"));
    server.tell(&format!("letters state/letters/ mel {count} {FEW}"));
    // One is kept as nodes do it, with the records that go with letters.
    let state = StateStore::new(Arc::new(server.store("state/letters")));
    state.keep_letter(&letters("mel", count, FEW).next().expect("one")).await.expect("kept");
}

fn command(server: &Server, folder: &Path, words: &str) -> Command {
    let mut command = program::command(folder, &format!("{words} --state s3://{BUCKET}/state"));
    command
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// The keys of all letters, by a loop over the SDK that asks for page after page.
async fn keys(server: &Server) -> Vec<String> {
    let client = bare(&server.endpoint());
    let (mut keys, mut token) = (Vec::new(), None);
    loop {
        let ask = client.list_objects_v2().bucket(BUCKET).prefix("state/letters/dead/").set_continuation_token(token);
        let answer = ask.send().await.expect("listed");
        keys.extend(answer.contents().iter().filter_map(|object| object.key()).map(str::to_owned));
        token = answer.next_continuation_token;
        if token.is_none() {
            return keys;
        }
    }
}

/// Requests by their kind, and all.
fn told(asked: &BTreeMap<String, u64>) -> String {
    let kinds: Vec<String> = asked.iter().map(|(kind, times)| format!("{kind} {times}")).collect();
    format!("{} in all ({})", asked.values().sum::<u64>(), kinds.join(", "))
}
