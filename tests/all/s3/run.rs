//! The program over buckets: what it makes there is what it makes in folders, and what is there is known for little.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use euterpe_actors::storage::Storage;

use super::server::{BUCKET, SECRET, Server, USER};
use crate::audio::material::album;
use crate::cli::{Called, ended};

/// A folder with a graph file, and a server.
pub struct Studio {
    folder: tempfile::TempDir,
    pub server: Server,
    /// Where the program finds the server.
    pub endpoint: String,
}

impl Studio {
    pub fn new(server: Server, graph: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("g.yaml"), graph).expect("written");
        Self { folder, endpoint: server.endpoint(), server }
    }

    fn example(server: Server, name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
        Self::new(server, &std::fs::read_to_string(path).expect("an example"))
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Calls the program, with the server in its environment.
    pub fn call(&self, words: &str) -> Called {
        ended(self.command(words).output().expect("it starts"))
    }

    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_euterpe"));
        command
            .current_dir(&self.folder)
            .args(words.split_whitespace())
            .env_remove("EUTERPE_LOG")
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", USER)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        command
    }

    /// What lies under a prefix of the bucket.
    pub async fn objects(&self, prefix: &str) -> BTreeMap<String, Vec<u8>> {
        let store = self.server.store(prefix);
        let mut paths = Vec::new();
        let mut page = |page: &euterpe_actors::storage::Page| {
            paths.extend(page.paths().map(str::to_owned));
            true
        };
        store.list("", &mut page).await.expect("listed");
        let mut objects = BTreeMap::new();
        for path in paths {
            let object = store.open(&path).await.expect("opened");
            assert!(object.info.stamp.is_some(), "`{path}` has no stamp");
            objects.insert(path, object.content.read().expect("read").to_vec());
        }
        objects
    }
}

/// The files of a folder.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(root).expect("below").to_str().expect("text").to_owned();
                    found.insert(name, std::fs::read(&path).expect("read"));
                }
            }
        }
    }
    found
}

fn same(bucket: &BTreeMap<String, Vec<u8>>, folder: &BTreeMap<String, Vec<u8>>, at_least: usize) {
    assert!(folder.len() >= at_least, "{:?}", folder.keys());
    assert_eq!(bucket.keys().collect::<Vec<_>>(), folder.keys().collect::<Vec<_>>());
    let other: Vec<_> =
        folder.iter().filter(|(name, content)| bucket[*name] != **content).map(|(name, _)| name).collect();
    assert!(other.is_empty(), "other bytes: {other:?}");
}

#[tokio::test]
async fn a_graph_makes_the_same_bytes_in_a_bucket_as_in_folders_and_every_verb_finds_them() {
    let studio = Studio::example(Server::memory(), "quickstart.yaml");
    let stores = format!("--store tracks=s3://{BUCKET}/tracks --store derived=s3://{BUCKET}/derived");
    let planned = studio.call(&format!("--json plan g.yaml t-1 t-2 {stores}"));
    assert!(planned.err.is_empty(), "{planned:?}");
    let ran = studio.call(&format!("run g.yaml t-1 t-2 {stores}")).ends(0);
    assert!(ran.out.contains(&format!("made:    s3://{BUCKET}/derived")), "{ran:?}");
    studio.call("run g.yaml t-1 t-2").ends(0);
    same(&studio.objects("derived").await, &files(&studio.path("quickstart/derived")), 10);
    same(&studio.objects("tracks").await, &files(&studio.path("quickstart/tracks")), 2);

    let again = studio.call(&format!("run g.yaml t-1 t-2 {stores}")).ends(0);
    assert!(again.out.starts_with("nothing to do"), "{again:?}");
    studio.call(&format!("runs check g.yaml last --hashes {stores}")).ends(0);
    studio.call(&format!("verify g.yaml {stores}")).ends(0);
    let explained = studio.call(&format!("explain g.yaml t-1 card {stores}"));
    assert!(explained.out.contains("cards/t-1.json"), "{explained:?}");

    // One more entity, with sources in a folder and outputs in the bucket; forced, it makes everything anew.
    let mixed = format!("--store derived=s3://{BUCKET}/mixed");
    studio.call(&format!("run g.yaml t-1 t-2 {mixed}")).ends(0);
    studio.call(&format!("run g.yaml t-1 t-2 --force=all {mixed}")).ends(0);
    same(&studio.objects("mixed").await, &files(&studio.path("quickstart/derived")), 10);
}

#[tokio::test]
async fn real_music_on_disk_gives_the_same_outputs_in_a_bucket_as_in_a_folder() {
    let studio = Studio::example(Server::memory(), "catalogue.yaml");
    std::fs::create_dir_all(studio.path("music/an album")).expect("made");
    for track in album().iter().take(3) {
        let name = track.file_name().expect("a name").to_str().expect("text");
        std::fs::copy(track, studio.path(&format!("music/an album/é {name}"))).expect("a copy");
    }
    studio.call(&format!("run g.yaml --store derived=s3://{BUCKET}/derived")).ends(0);
    studio.call("run g.yaml").ends(0);
    same(&studio.objects("derived").await, &files(&studio.path("derived")), 18);
}

#[test]
fn what_is_finished_is_known_for_a_request_per_thousand_keys() {
    let graph = "
version: 1
graph: counted
stores: {in: $IN, out: $OUT}
jobs:
  a: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: \"in:{id}.txt\"}, out: \"out:a/{id}.txt\"}
  b: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: a}, out: \"out:b/{id}.txt\"}
  c: {use: command, with: {argv: [cp, \"{input}\", \"{output}\"]}, in: {text: b}, out: \"out:c/{id}.txt\"}
";
    let [music, out] = ["in", "out"].map(|name| format!("s3://{BUCKET}/{name}"));
    let studio = Studio::new(Server::memory(), &graph.replace("$IN", &music).replace("$OUT", &out));
    const ENTITIES: u64 = 20_000;
    for prefix in ["in/", "out/a/", "out/b/", "out/c/"] {
        studio.server.tell(&format!("seed {prefix} .txt {ENTITIES}"));
    }
    studio.call("run g.yaml").ends(0); // finds out what the bucket promises, once
    studio.server.tell("forget");
    let ran = studio.call("run g.yaml").ends(0);
    assert!(ran.out.starts_with("nothing to do") && ran.out.contains("20"), "{ran:?}");
    let asked = studio.server.asked();
    let (keys, requests) = (4 * ENTITIES, asked.values().sum::<u64>());
    // Each range of keys that is listed at once takes one more.
    assert!(requests <= keys / 1000 + keys / 1000 / 10, "{requests} requests for {keys} keys: {asked:?}");
}

#[test]
fn a_bucket_that_is_not_there_is_told_before_anything_is_made() {
    let studio = Studio::example(Server::memory(), "quickstart.yaml");
    let ran = studio.call("run g.yaml t-1 --store derived=s3://no-such-bucket/x");
    assert!(ran.code != 0 && ran.err.contains("no bucket `no-such-bucket`"), "{ran:?}");
    assert!(!studio.path("quickstart/tracks").join("t-1.wav").exists(), "a run began all the same");
    // One that is only read is not made by the command that was just typed.
    let reads = studio.path("reads.yaml");
    let text = "version: 1\ngraph: reads\nstores: {in: \"s3://no-such-bucket/x\", out: ./out}\njobs:\n  \
        a: {use: json.merge, in: {x: \"in:{id}.json\"}, out: \"out:{id}.json\"}\n";
    std::fs::write(reads, text).expect("written");
    let verified = studio.call("verify reads.yaml --create").ends(1);
    assert!(verified.out.contains("if the graph only reads it, correct its name in the graph file"), "{verified:?}");
}

#[test]
fn a_region_that_nobody_names_is_asked_for() {
    let studio = Studio::example(Server::memory(), "quickstart.yaml");
    let mut command = studio.command("run g.yaml t-1 --store derived=s3://no-such-bucket/x");
    // Neither a server nor a region: nothing is asked over the network.
    command.env_remove("AWS_ENDPOINT_URL").env_remove("AWS_REGION").env("HOME", studio.path("nobody"));
    let ran = ended(command.output().expect("it starts")).ends(1);
    assert!(ran.err.contains("no region is named; write `region:`") && !ran.err.contains("panicked"), "{ran:?}");
}
