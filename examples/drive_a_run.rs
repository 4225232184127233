//! A run driven and watched from Rust, without the command line: a graph file is loaded and opened, its run is watched and
//! stopped after a while, what is left is resumed, and the account says that nothing was lost.
//!
//! ```sh
//! cargo run --example drive_a_run -- FOLDER
//! ```
//!
//! FOLDER gets a graph file, its outputs and its state; without one, a temporary folder is used.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use euterpe_actors::ids::EntityId;
use euterpe_engine::{
    Access, Engine, ForceNames, IdsFrom, Opening, RunRequest, Running, Session, Stop, Unwatched, Watch, builtin,
};
use euterpe_graph_file::Surroundings;

const GRAPH: &str = r#"
version: 1
graph: example
stores: {made: ./made}
jobs:
  tone:     {use: synth.track, with: {seconds: 2, rate: 22050, channels: 1}, out: "made:tone/{id}.flac"}
  loudness: {use: audio.loudness, in: {audio: tone}, out: "made:loudness/{id}.json"}
"#;
const TRACKS: usize = 12;

/// Says how far a run has come, and stops it when a third of its work is done.
struct StopEarly;

#[async_trait(?Send)]
impl Watch for StopEarly {
    async fn watch(&self, running: &Running) {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let done: u64 = running.tally().jobs.iter().map(|job| job.done).sum();
            if done >= TRACKS as u64 * 2 / 3 {
                println!("run {}: {done} outputs made, stopping", running.run());
                running.stop(Stop::Drain); // what is in hand is finished
                return;
            }
        }
    }
}

fn main() -> anyhow::Result<()> {
    let given = std::env::args().nth(1).map(PathBuf::from);
    let temporary = tempfile::tempdir().context("no temporary folder")?;
    let folder = given.as_deref().unwrap_or(temporary.path());
    let session = open(folder)?;
    actix::System::new().block_on(drive(&session))
}

fn open(folder: &Path) -> anyhow::Result<Session> {
    let file = folder.join("graph.yaml");
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, GRAPH)).context("no graph file")?;
    // The transforms that a graph file may name: those that come with Euterpe, and any that you register.
    let registry = builtin::registry();
    let env = |name: &str| std::env::var(name).ok();
    let surroundings = Surroundings { registry: &registry, env: &env, stores: &[] };
    let plan = euterpe_graph_file::load(&file, surroundings).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Engine::open(plan, &registry, &Opening { access: Access::Hold, ..Opening::default() })
}

async fn drive(session: &Session) -> anyhow::Result<()> {
    let tracks = (1..=TRACKS).map(|number| EntityId::new(&format!("t-{number}"))).collect::<Result<_, _>>()?;
    let selection = session.selection(None, false, None, &ForceNames::None, false)?;
    let ids = session.ids(&selection, IdsFrom::Named(tracks))?;
    let request = RunRequest { selection, ids, limit: None, max_dead: None, over: None };
    let first = session.run(request, &StopEarly).await?;
    let open: u64 = first.ended.tally.jobs.iter().map(|job| job.required - job.ended).sum();
    println!(
        "the first run was {}, {open} outputs are open",
        if first.ended.complete { "complete" } else { "stopped" }
    );

    let resumed = session.resume(first.run, None, None, &Unwatched).await?;
    let account = &resumed.account;
    println!("after the second: {} tracks = {} done + {} open", account.entities, account.done, account.open);
    anyhow::ensure!(account.done == TRACKS as u64, "not all tracks are done: {account:?}");
    Ok(())
}
