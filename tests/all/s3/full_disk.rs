//! The disk of the scratch folder is full for half a minute: the work waits, is shown as a stall, and goes on.

use std::{
    fs::File,
    process::{Command, Stdio},
    time::Duration,
};

use euterpe_actors::storage::{Content, Storage};
use euterpe_storage::s3::{Cache, Tuning};

use super::run::Studio;
use super::server::{BUCKET, Server, store_in};
use crate::cli::ended;
use crate::disk::Disk;
use crate::rabbit::soon;

const MIB: usize = 1 << 20;
const TRACKS: usize = 12;
const FULL: Duration = Duration::from_secs(30);

fn graph() -> String {
    let sum = "'sleep 1; sha256sum < \"$1\" > \"$2\"'";
    let job = |name: &str, script: &str, from: &str| {
        format!(
            "  {name}: {{use: command, with: {{argv: [sh, -c, {script}, sh, \"{{input}}\", \"{{output}}\"]}}, in: {{x: {from}}}, out: \"out:{name}/{{id}}.txt\", pool: {{workers: 2}}}}\n"
        )
    };
    let jobs = [job("sum", sum, "\"in:{id}.bin\""), job("copy", "'cp \"$1\" \"$2\"'", "sum")].concat();
    format!("version: 1\ngraph: full\nstores: {{in: \"s3://{BUCKET}/in\", out: \"s3://{BUCKET}/out\"}}\njobs:\n{jobs}")
}

fn track(number: usize) -> Vec<u8> {
    let mut content = vec![0; 9 * MIB];
    blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut content);
    content
}

#[tokio::test]
async fn what_is_kept_goes_where_the_disk_has_no_room_for_what_is_needed() {
    let (server, folder, cache) = (Server::memory(), tempfile::tempdir().expect("a folder"), Cache::of(100 << 20));
    let Some(disk) = Disk::at(&folder.path().join("scratch"), 24) else { return };
    let sources = server.store("in");
    let store = store_in(disk.place(), Some(cache.clone()), &server.endpoint(), "in", Tuning::default());
    for number in 0..3 {
        let path = format!("t-{number}.bin");
        sources.store(&path, Content::Bytes(track(number).into()), Some(super::stamp(5))).await.expect("stored");
        // The third finds two of 9 MiB kept on a disk of 24.
        let object = store.open(&path).await.expect("room was made");
        assert!(object.content.read().expect("read") == track(number), "other bytes");
    }
    assert_eq!(cache.spared(), 0);
    store.open("t-2.bin").await.expect("opened");
    assert_eq!(cache.spared(), 9 * MIB as u64, "the last is kept");
}

/// The log of the last run.
fn log_of(studio: &Studio) -> String {
    let runs = studio.path(".euterpe/full/runs").read_dir().expect("runs");
    let logs =
        runs.map(|run| std::fs::read_to_string(run.expect("a run").path().join("log.jsonl")).unwrap_or_default());
    logs.collect()
}

#[tokio::test]
async fn a_disk_that_is_full_for_half_a_minute_is_waited_for_and_nothing_is_lost() {
    let studio = Studio::new(Server::memory(), &graph());
    let Some(disk) = Disk::at(&studio.path(".euterpe/full/scratch"), 64) else { return };
    let sources = studio.server.store("in");
    for number in 0..TRACKS {
        sources.store(&format!("t-{number}.bin"), Content::Bytes(track(number).into()), None).await.expect("stored");
    }
    studio.call("verify g.yaml --create").ends(0);
    studio.server.tell("forget");
    let puts = || studio.server.asked().get("PutObject").copied().unwrap_or(0);
    let running = studio.command("--json run g.yaml").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let running = running.expect("it starts");
    soon("some work is done", Duration::from_secs(60), || puts() >= 4);
    disk.fill_for(FULL);
    assert!(puts() < 2 * TRACKS as u64, "all was done before the disk had room again");
    let ran = ended(running.wait_with_output().expect("it ends")).ends(0);
    let shown = format!("{}{}", ran.out, ran.err);
    // A download or a program may be the first to find no room.
    assert!(shown.contains("this machine is in trouble") && shown.contains("free some room"), "{shown}");
    assert!(shown.contains("the machine can work again"), "{shown}");
    for (name, job) in ran.last()["jobs"].as_object().expect("jobs") {
        let count = |what: &str| job[what].as_u64();
        let all = TRACKS as u64;
        assert_eq!((count("dead"), count("open"), count("done")), (Some(0), Some(0), Some(all)), "{name}: {job}");
        assert_eq!(count("retried"), Some(0), "{name}: a try was spent: {}", log_of(&studio));
    }
    studio.call("runs check g.yaml last --hashes").ends(0);
    let objects = studio.objects("out").await;
    for number in 0..TRACKS {
        let content = studio.path("track");
        std::fs::write(&content, track(number)).expect("written");
        let sum = Command::new("sha256sum").stdin(File::open(&content).expect("opened")).output().expect("sha256sum");
        assert!(objects[&format!("copy/t-{number}.txt")] == sum.stdout, "track {number}");
    }
    assert_eq!(objects.len(), 2 * TRACKS);
}
