//! What it costs to run a Python function as a job: beside the bare function in a loop, beside a `multiprocessing.Pool`,
//! and, for a track that reaches numpy, beside the native decoder alone.
//!
//! Storage in memory, the embedded broker, a function that does nothing; the same ids in each case.

#[path = "support/chain.rs"]
mod chain;
mod support;

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use euterpe_actors::broker::{Broker, Outgoing, in_process::InProcess};
use euterpe_actors::ids::{EntityId, InputName, RunId};
use euterpe_actors::message::{Base, EntityMessage, Target, Wave};
use euterpe_actors::node::Node;
use euterpe_actors::pool::Drain;
use euterpe_actors::storage::{Content, Object, ObjectInfo};
use euterpe_actors::transform::{Input, OpenContext, OutputShape, Scratch, TransformFactory, Work};
use euterpe_actors::wire;
use euterpe_processes::{Interpreter, PythonFunction};
use support::{Cost, measure, median};

const ENTITIES: usize = 20_000;
const ROUNDS: usize = 5;
const WORKERS: usize = 2;
/// Three minutes.
const SECONDS: u32 = 180;
const RATE: u32 = 44_100;

const FUNCTIONS: &str = "
from euterpe import Audio, Context

def nothing(ctx: Context) -> bytes:
    return b'x'

def reaches_numpy(audio: Audio) -> bytes:
    return b'%d %d' % audio.samples.shape
";
const LOOP: &str = "
import sys, time
def nothing(entity):
    return b'x'
ids = ['t-%07d' % n for n in range(int(sys.argv[1]))]
began = time.perf_counter()
for entity in ids:
    nothing(entity)
print(time.perf_counter() - began)
";
const POOL: &str = "
import multiprocessing, sys, time
def nothing(entity):
    return b'x'
if __name__ == '__main__':
    ids = ['t-%07d' % n for n in range(int(sys.argv[1]))]
    with multiprocessing.Pool(int(sys.argv[2])) as pool:
        pool.map(nothing, ids[:10])
        began = time.perf_counter()
        for _ in pool.imap_unordered(nothing, ids):
            pass
        print(time.perf_counter() - began)
";

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("functions.py"), FUNCTIONS).expect("written");
    let bench = Bench { folder: folder.path().to_owned() };
    println!("python: {ENTITIES} entities, a function that does nothing, medians of {ROUNDS} rounds");
    let rounds = |one: &dyn Fn() -> f64| median((0..ROUNDS).map(|_| one()).collect());
    let bare = rounds(&|| bench.script(LOOP, &[]));
    let alone = rounds(&|| bench.graph(1));
    let per = |seconds: f64| seconds / ENTITIES as f64 * 1e6;
    println!(
        "one worker: {:.1} us an entity; the bare function in a loop: {:.2} us; added: {:.1} us. Aim: at most 150 us.",
        per(alone),
        per(bare),
        per(alone - bare)
    );
    let pool = rounds(&|| bench.script(POOL, &[&WORKERS.to_string()]));
    let ours = rounds(&|| bench.graph(WORKERS));
    println!(
        "{WORKERS} workers: {ours:.2} s; multiprocessing.Pool({WORKERS}).imap_unordered: {pool:.2} s; ratio {:.2}. Aim: at most 3.",
        ours / pool
    );
    for suffix in ["flac", "ogg"] {
        let track = bench.track(suffix);
        let decode = || assert_eq!(euterpe_audio::codec().measure(&track).expect("a track").channels, 2);
        let native: Vec<Cost> = (0..ROUNDS).map(|_| measure(decode)).collect();
        let cpu = median(native.iter().map(|cost| cost.cpu).collect());
        let native = median(native.iter().map(|cost| cost.wall).collect());
        let reached = bench.reaching_numpy(&track, suffix);
        println!(
            "{SECONDS} s of .{suffix} at {RATE} Hz stereo: in numpy after {reached:.3} s; native decoding alone {native:.3} s \
             ({cpu:.3} s of CPU); ratio {:.2}. Aim: at most 1.3.",
            reached / native
        );
    }
}

struct Bench {
    folder: PathBuf,
}

impl Bench {
    /// What a script prints: seconds.
    fn script(&self, text: &str, arguments: &[&str]) -> f64 {
        let file = self.folder.join("script.py");
        std::fs::write(&file, text).expect("written");
        let output = Command::new("python3").arg(&file).arg(ENTITIES.to_string()).args(arguments).output();
        let output = output.expect("python3 starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("seconds")
    }

    fn factory(&self, function: &str, interpreter: Interpreter, inputs: &[&str]) -> TransformFactory {
        let python = PythonFunction {
            written: format!("functions.py:{function}"),
            file: self.folder.join("functions.py"),
            function: function.to_owned(),
            interpreter,
            variables: Default::default(),
            inherit: Vec::new(),
        };
        let job = OpenContext {
            job: function.to_owned(),
            inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
            outputs: vec![OutputShape { name: String::new(), suffix: "bin".to_owned() }],
            timeout: Duration::from_secs(60),
            homes: self.folder.join("homes"),
            ..OpenContext::default()
        };
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-python");
        python
            .launcher(&serde_json::json!({}), &job, &kept, Some(euterpe_audio::codec()))
            .expect("a launcher")
            .factory()
    }

    /// Seconds for all entities through a graph of one job, from the moment when its workers are warm.
    fn graph(&self, workers: usize) -> f64 {
        let factory = self.factory("nothing", Interpreter::Machine, &[]);
        let plan = Arc::new(chain::plan(1, workers, |_| factory.clone()));
        let scratch = self.folder.join("scratch");
        actix::System::new().block_on(async move {
            let broker = InProcess::new(plan.jobs.iter().map(|job| job.name.clone()));
            let node = Node::start(chain::settings(&plan, &broker, scratch));
            let wave = Arc::new(Wave { id: 1, origins: vec![chain::job(0)], only: None });
            let publish = async |n: usize| {
                let entity = EntityId::new(&format!("t-{n:07}")).expect("an id");
                let target = Target { job: chain::job(0), entity };
                let base = Base::Down(wave.clone());
                let message = EntityMessage::new(n as u64, RunId::new(1, 0), target, plan.digest, base);
                let body = wire::encode(&message).expect("it fits");
                broker.publish(vec![Outgoing::now(chain::job(0), body)]).await.expect("published");
            };
            for n in 0..10 {
                publish(ENTITIES + n).await;
            }
            broker.settled_to(0).await;
            let began = Instant::now();
            for n in 0..ENTITIES {
                publish(n).await;
                broker.settled_to(1000).await;
            }
            broker.settled_to(0).await;
            let took = began.elapsed().as_secs_f64();
            node.send(Drain { grace: Duration::ZERO }).await.expect("drained");
            took
        })
    }

    /// A track of music-like noise, encoded by ffmpeg.
    fn track(&self, suffix: &str) -> Content {
        let path = self.folder.join(format!("track.{suffix}"));
        let source = format!(
            "aevalsrc=0.3*sin(440*t*6.28)+0.1*random(0)|0.3*sin(660*t*6.28)+0.1*random(1):s={RATE}:d={SECONDS}"
        );
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", &source]).arg(&path);
        assert!(command.status().expect("ffmpeg starts").success());
        Content::File(path)
    }

    /// Median seconds from a track's file to its samples in numpy, in a warm worker.
    fn reaching_numpy(&self, track: &Content, suffix: &str) -> f64 {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/transforms/requirements.txt");
        let factory = self.factory("reaches_numpy", Interpreter::Requirements(requirements), &["audio"]);
        actix::System::new().block_on(async {
            let mut transform = factory().expect("a transform");
            let mut times = Vec::new();
            for round in 0..=ROUNDS {
                let scratch = Scratch::at(self.folder.join(format!("numpy-{round}")));
                let work = Work {
                    entity: EntityId::new("t").expect("an id"),
                    inputs: vec![Input {
                        name: InputName::new("audio").expect("a name"),
                        path: format!("t.{suffix}").into(),
                        object: Object {
                            info: ObjectInfo::of_size(0),
                            content: track.clone(),
                            keep_alive: Default::default(),
                        },
                    }],
                    suffixes: vec!["bin".to_owned()].into(),
                    scratch: scratch.clone(),
                    attempt: 0,
                    timeout: Duration::from_secs(60),
                    isolate: false,
                };
                let began = Instant::now();
                let made = transform.apply(work).await.expect("made").0[0].read().expect("read");
                times.push(began.elapsed().as_secs_f64());
                assert_eq!(&*made, format!("{} 2", RATE * SECONDS).as_bytes());
            }
            median(times.split_off(1)) // the first has started the worker
        })
    }
}
