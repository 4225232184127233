//! A catalogue run through a minute of declined and reset requests and half a minute of no answer at all: nothing is lost
//! and nothing given up, and what it makes is what a run in quiet makes.

use std::{
    process::Stdio,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::proxy::Proxy;
use super::run::Studio;
use super::server::{BUCKET, Server};
use crate::cli::ended;
use crate::rabbit::soon;

const STORM: Duration = Duration::from_secs(60);
const SILENCE: Duration = Duration::from_secs(30);
/// Eight a second at the most, by four workers that take half a second each: more than all of it takes.
const ENTITIES: usize = 900;

/// Real programs make a chain of three; the first takes its time, so that there is work throughout.
fn catalogue(store: &str, takes: &str) -> String {
    let job = |name: &str, from: &str, rest: &str| {
        let script = format!("'{rest}cat \"$1\" > \"$2\"; echo {name} >> \"$2\"'");
        let argv = format!("[sh, -c, {script}, sh, \"{{input}}\", \"{{output}}\"]");
        format!(
            "  {name}: {{use: command, with: {{argv: {argv}}}, in: {{x: {from}}}, out: \"out:{name}/{{id}}.txt\", pool: {{workers: 4}}}}\n"
        )
    };
    let jobs = [job("a", "\"in:{id}.txt\"", takes), job("b", "a", ""), job("c", "b", "")].concat();
    format!("version: 1\ngraph: storm\nstores: {{in: ./in, out: \"s3://{BUCKET}/{store}\"}}\njobs:\n{jobs}")
}

#[tokio::test]
async fn a_run_through_a_minute_of_broken_requests_and_half_a_minute_of_none_makes_what_a_quiet_one_makes() {
    let mut studio = Studio::new(Server::memory(), &catalogue("out", "sleep 0.5; "));
    std::fs::create_dir(studio.path("in")).expect("made");
    for n in 0..ENTITIES {
        std::fs::write(studio.path(&format!("in/t-{n}.txt")), format!("the text of {n}\n")).expect("written");
    }
    std::fs::write(studio.path("quiet.yaml"), catalogue("quiet", "")).expect("written");
    studio.call("run quiet.yaml").ends(0);
    let proxy = Proxy::to(studio.server.port());
    studio.endpoint = proxy.endpoint();
    studio.call("verify g.yaml --create").ends(0);
    let puts = || studio.server.asked().get("PutObject").copied().unwrap_or(0);
    studio.server.tell("forget");
    studio.server.tell("declined-per-mille 100");
    proxy.faults.resets.store(50, Ordering::Relaxed);
    let running = studio.command("--json run g.yaml").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let running = running.expect("it starts");
    soon("the work has begun", Duration::from_secs(60), || puts() > 10);
    let begun = Instant::now();
    let mut seen = puts();
    while begun.elapsed() < STORM {
        tokio::time::sleep(Duration::from_secs(10)).await; // for as long as a storm lasts, between real processes
        let now = puts();
        assert!(now > seen, "nothing was written within ten seconds of the storm");
        seen = now;
    }
    let broken = proxy.faults.broken.load(Ordering::Relaxed);
    proxy.faults.silent.store(1, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(2)).await; // what is under way arrives
    let before = puts();
    tokio::time::sleep(SILENCE).await;
    assert_eq!(puts(), before, "something came through the silence");
    proxy.faults.silent.store(0, Ordering::Relaxed);
    proxy.faults.resets.store(0, Ordering::Relaxed);
    studio.server.tell("declined-per-mille 0");
    let ran = ended(running.wait_with_output().expect("it ends")).ends(0);
    assert!(puts() > before + 100, "the work was done before the silence was over");
    assert!(broken > 100, "hardly anything was broken: {broken}");
    for (name, job) in ran.last()["jobs"].as_object().expect("jobs") {
        let count = |what: &str| job[what].as_u64();
        assert_eq!((count("dead"), count("open")), (Some(0), Some(0)), "{name}: {job}");
        // What was written and whose answer was lost is found there at the next try.
        assert_eq!(count("done").zip(count("exists")).map(|(done, exists)| done + exists), Some(900), "{name}: {job}");
    }
    studio.endpoint = studio.server.endpoint();
    studio.call("runs check g.yaml last --hashes").ends(0);
    let [made, quiet] = [studio.objects("out").await, studio.objects("quiet").await];
    assert_eq!(made.len(), 3 * ENTITIES);
    assert!(made == quiet, "other bytes were made than in quiet");
}
