//! The verbs with their records in a bucket: what is known of a graph's runs lies there, and only there.

mod costs; //   what the records of others cost
mod killed; //  a run that is killed, resumed, and kept to one at a time
mod letters; // many dead letters, listed and tried again

use std::path::Path;

use euterpe_actors::storage::Storage;

use super::run::Studio;
use super::server::{BUCKET, Server};

/// A chain over sources on disk, its outputs in a bucket; `b` fails for who has no file `fix/<id>`.
fn chain() -> Studio {
    let studio = Studio::new(Server::memory(), "");
    let here = studio.path("").display().to_string();
    let graph =
        crate::cli::CHAIN.replace("$HERE/", &here).replace("out: ./out", &format!("out: \"s3://{BUCKET}/out\""));
    std::fs::write(studio.path("g.yaml"), graph).expect("written");
    for folder in ["in", "fix"] {
        std::fs::create_dir(studio.path(folder)).expect("made");
    }
    for id in ["x", "y", "z"] {
        std::fs::write(studio.path(&format!("in/{id}.txt")), id).expect("written");
    }
    for id in ["x", "z"] {
        std::fs::write(studio.path(&format!("fix/{id}")), "fixed").expect("written");
    }
    studio
}

/// The keys below a prefix of the bucket.
pub async fn keys(server: &Server, prefix: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut page = |page: &euterpe_actors::storage::Page| {
        keys.extend(page.paths().map(str::to_owned));
        true
    };
    server.store(prefix).list("", &mut page).await.expect("listed");
    keys
}

/// How many files lie in a folder and below.
fn files(folder: &Path) -> usize {
    let each = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    each.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn every_verb_finds_its_records_in_a_bucket_and_leaves_none_on_disk() {
    let studio = chain();
    let call = |words: &str| studio.call(&format!("{words} --state s3://{BUCKET}/state"));
    assert!(call("runs ls g.yaml").ends(0).out.contains(&format!("no runs yet (in s3://{BUCKET}/state/chain)")));
    assert!(keys(&studio.server, "state").await.is_empty(), "looking made something");
    let ran = call("run g.yaml").ends(4);
    let hint = format!("dead ls g.yaml --state s3://{BUCKET}/state");
    assert!(ran.out.contains(&hint), "{ran:?}");
    assert_eq!(call("--json runs ls g.yaml").ends(0).facts().len(), 1);
    call("runs show g.yaml last").ends(0);
    let checked = call("--json runs check g.yaml last").ends(4).last();
    assert_eq!((checked["done"].as_u64(), checked["dead"].as_u64()), (Some(2), Some(1)), "{checked}");
    assert!(call("logs g.yaml b --id y").ends(0).out.contains("dead: "));
    assert!(call("logs g.yaml -f").ends(2).err.contains("leave out -f"));
    assert!(call("dead ls g.yaml").ends(0).out.contains('y'));
    assert!(call("dead show g.yaml y").out.contains("b(y)"));
    assert!(call("explain g.yaml y b").out.contains("dead"));
    call("--json plan g.yaml").ends(0);
    let verified = call("verify g.yaml").ends(0);
    let promises = "promises of the state: writes are seen at once; create-only writes are heeded";
    assert!(verified.out.contains(promises), "{verified:?}");
    call("dead retry g.yaml").ends(4);
    std::fs::write(studio.path("fix/y"), "fixed").expect("written");
    call("dead retry g.yaml").ends(0);
    call("runs check g.yaml last").ends(0);
    call("runs resume g.yaml last").ends(0);
    std::fs::remove_file(studio.path("fix/y")).expect("removed");
    call("run g.yaml --force=b y").ends(4);
    call("dead drop g.yaml y").ends(0);
    assert_eq!(files(&studio.path(".euterpe")), 0, "records on disk");
    let keys = keys(&studio.server, "state/chain").await;
    let of = |start: &str| keys.iter().filter(|key| key.starts_with(start)).count();
    assert_eq!((of("lock/"), of("dead/"), of("skipped/")), (0, 0, 1), "{keys:?}");
    assert!(of("runs/") >= 6 && of("stores/") == 2, "{keys:?}");
}

#[test]
fn a_state_within_a_store_is_refused_with_the_remedy_which_works() {
    let studio = chain();
    let refused = studio.call(&format!("run g.yaml --state s3://{BUCKET}/out/state")).ends(1);
    let remedy = format!("--state s3://{BUCKET}/out/.euterpe/state");
    assert!(refused.err.contains("lies within store `out`") && refused.err.contains(&remedy), "{refused:?}");
    studio.call(&format!("run g.yaml {remedy}")).ends(4);
    let wrong = studio.call("run g.yaml --state ftp://somewhere").ends(2);
    assert!(wrong.err.contains("write a folder or `s3://bucket/prefix`"), "{wrong:?}");
}

#[test]
fn where_nobody_may_write_beside_the_graph_file_a_temporary_folder_serves_and_goes() {
    let studio = chain();
    std::fs::write(studio.path(".euterpe"), "in the way").expect("written");
    std::fs::create_dir(studio.path("tmp")).expect("made");
    let mut command = studio.command(&format!("run g.yaml x z --state s3://{BUCKET}/state"));
    let ran = crate::cli::ended(command.env("TMPDIR", studio.path("tmp")).output().expect("it starts")).ends(0);
    assert_eq!(std::fs::read_dir(studio.path("tmp")).expect("listed").count(), 0, "left behind: {ran:?}");
}

#[tokio::test]
async fn a_bucket_that_ignores_conditions_serves_with_a_warning() {
    let studio = chain();
    studio.server.tell("ignore-conditions 1");
    let ran = studio.call(&format!("run g.yaml x z --state s3://{BUCKET}/state")).ends(0);
    let warning = "create-only writes are ignored";
    assert!(ran.err.contains(warning) && ran.err.contains("nothing keeps a second run off it"), "{ran:?}");
    studio.call(&format!("runs check g.yaml last --state s3://{BUCKET}/state")).ends(0);
    assert!(!keys(&studio.server, "state/chain").await.iter().any(|key| key.starts_with("lock/")));
}
