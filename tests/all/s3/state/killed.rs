//! A run whose records are in a bucket: killed, it is resumed at once; while it works, nobody else may.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use super::super::run::Studio;
use super::super::server::{BUCKET, Server};
use super::keys;
use crate::rabbit::soon;

const ENTITIES: usize = 60;

/// Two jobs for each entity, each of which takes a while.
fn slow() -> Studio {
    let job = |name: &str, inputs: &str| {
        format!(
            "  {name}: {{use: test.faulty, with: {{slow_ms: 100}}, {inputs}out: \"out:{name}/{{id}}.txt\", pool: {{workers: 2}}}}\n"
        )
    };
    let graph = format!(
        "version: 1\ngraph: slow\nstores: {{out: \"s3://{BUCKET}/out\"}}\njobs:\n{}{}",
        job("a", ""),
        job("b", "in: {x: a}, ")
    );
    let studio = Studio::new(Server::memory(), &graph);
    let ids: Vec<String> = (0..ENTITIES).map(|n| format!("t-{n:03}\n")).collect();
    std::fs::write(studio.path("ids"), ids.concat()).expect("written");
    studio
}

const STATE: &str = "--state s3://euterpe-test/state";

/// Starts a run and waits until some of it is done.
async fn under_way(studio: &Studio) -> Child {
    let mut command = studio.command(&format!("run g.yaml --ids ids {STATE}"));
    let running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut made = 0;
    while made < 10 {
        made = keys(&studio.server, "out").await.len();
        assert!(made < ENTITIES, "it was too quick to be killed");
    }
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_is_finished_by_resume_at_once() {
    let studio = slow();
    let mut running = under_way(&studio).await;
    running.kill().expect("killed");
    running.wait().expect("ended");
    let left = keys(&studio.server, "state/slow/lock").await;
    assert_eq!(left, ["alone"], "a killed process gives nothing back");
    let checked = studio.call(&format!("--json runs check g.yaml last {STATE}")).ends(1).last();
    assert!(checked["open"].as_u64() > Some(0) && checked["entities"].as_u64() == Some(ENTITIES as u64), "{checked}");
    studio.call(&format!("runs resume g.yaml last {STATE}")).ends(0);
    studio.call(&format!("runs check g.yaml last --hashes {STATE}")).ends(0);
    assert_eq!(studio.objects("out").await.len(), 2 * ENTITIES);
    assert_eq!(keys(&studio.server, "state/slow/lock").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_beside_the_first_is_refused_by_name_and_may_begin_when_that_has_ended() {
    let studio = slow();
    let mut running = under_way(&studio).await;
    let by = format!("the state at s3://{BUCKET}/state/slow is in use by process {} on ", running.id());
    for words in ["run g.yaml t-999", "runs resume g.yaml last", "verify g.yaml --create"] {
        let refused = studio.call(&format!("{words} {STATE}")).ends(1);
        assert!(refused.err.contains(&by), "{words}: {refused:?}");
    }
    studio.call(&format!("runs ls g.yaml {STATE}")).ends(0); // looking is free
    let pid = rustix::process::Pid::from_raw(running.id() as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signalled");
    soon("it ends when it is told to", Duration::from_secs(30), || running.try_wait().expect("asked").is_some());
    studio.call(&format!("run g.yaml t-999 {STATE}")).ends(0);
}
