//! Runs a transform in worker processes of any language: warm, one entity at a time, and of no danger to the node.
//!
//! Node and worker talk in frames over a socket of their own (`docs/worker-protocol.md`). A worker that hangs, grows or
//! dies is ended with all that it started, and that was one failed try of one entity.

mod child;
mod frames;
mod given;
mod made;
mod printed;
mod settings;
mod speech;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use euterpe_actors::{
    outcome::{Fault, FaultKind},
    transform::{Limits, OpenContext, Product, SampleCodec, Transform, TransformFactory, Work},
};
use tokio::{process::Command, sync::watch, time::Instant};

use child::Child;
use speech::{PROTOCOL, Said};

pub use settings::{NAME, entry, launcher};
pub use speech::{Opening, Source};

/// How a program is started as a worker.
#[async_trait]
pub trait Program: Send + Sync {
    /// The command, with its arguments and its whole environment.
    ///
    /// # Errors
    /// Where there is no such program, or what it needs cannot be put in place.
    async fn command(&self) -> Result<Command, Fault>;

    /// What tells whether it is the same program as at another time, as far as a look at its own files can.
    fn fingerprint(&self) -> Vec<u8>;
}

/// What a job's workers have in common: how they are started, and within which limits.
pub struct Launcher {
    /// What they run, for sentences: `transforms/tags.py:tags`.
    what: Arc<str>,
    job: Arc<str>,
    /// The first frame that each of them gets.
    opening: Vec<u8>,
    program: Box<dyn Program>,
    inputs: Vec<String>,
    suffixes: Vec<String>,
    memory: Option<u64>,
    recycle_after: Option<u64>,
    /// Where their working folders are made.
    homes: PathBuf,
    /// Decodes and encodes tracks for them; nothing in a program without audio.
    codec: Option<Arc<dyn SampleCodec>>,
    started: AtomicU64,
    /// Started ahead of the first work, to see whether it can be.
    ahead: Mutex<Option<Child>>,
    /// Why no worker can begin, once that is known.
    broken: watch::Sender<Option<Fault>>,
}

impl Launcher {
    /// The workers of a job that run `program`, which sentences call `what`.
    ///
    /// # Errors
    /// Where the options do not fit into a frame.
    pub fn new(
        what: &str,
        opening: Opening,
        program: Box<dyn Program>,
        limits: Limits,
        codec: Option<Arc<dyn SampleCodec>>,
    ) -> Result<Arc<Self>, Fault> {
        let frame = frames::encode(&Said::Open(&opening), &[])
            .map_err(|error| Fault::fatal(format!("the options of `{what}` cannot be sent: {error}")))?;
        Ok(Arc::new(Self {
            what: what.into(),
            job: opening.job.as_str().into(),
            opening: frame,
            program,
            suffixes: opening.outputs.iter().map(|output| output.suffix.clone()).collect(),
            inputs: opening.inputs,
            memory: limits.memory,
            recycle_after: limits.recycle_after,
            homes: limits.homes,
            codec,
            started: AtomicU64::new(0),
            ahead: Mutex::new(None),
            broken: watch::Sender::new(None),
        }))
    }

    /// What decodes and encodes tracks.
    ///
    /// # Errors
    /// Where the program was built without it.
    fn codec(&self) -> Result<Arc<dyn SampleCodec>, Fault> {
        let missing = "this program was built without the feature `audio`: it cannot give a worker samples";
        self.codec.clone().ok_or_else(|| Fault::fatal(missing))
    }

    /// Starts one worker, to see that it can be, and keeps it for the first work. Says what it says of itself.
    ///
    /// # Errors
    /// What keeps it from beginning: no interpreter, an error in the file, a signature that does not fit the job.
    pub async fn prepare(&self) -> Result<String, Fault> {
        let child = Child::start(self).await?;
        let about = child.ready.about.clone();
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(about)
    }

    /// Waits until it is known that no worker can begin, and says why: what is in the queue had better stay there.
    pub async fn broken(&self) -> Fault {
        let mut broken = self.broken.subscribe();
        loop {
            if let Some(fault) = broken.borrow_and_update().clone() {
                return fault;
            }
            if broken.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Changes when the program, its options or the shape of the job do.
    pub fn fingerprint(&self) -> String {
        let mut digest = blake3::Hasher::new();
        digest.update(&self.opening).update(&self.program.fingerprint());
        digest.finalize().to_hex()[..32].to_owned()
    }

    /// The transforms of the job's workers.
    pub fn factory(self: &Arc<Self>) -> TransformFactory {
        let launcher = self.clone();
        Arc::new(move || Ok(Box::new(Worker { launcher: launcher.clone(), child: None })))
    }

    async fn command(&self) -> Result<Command, Fault> {
        self.program.command().await
    }

    fn next_home(&self) -> PathBuf {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        self.homes.join(format!("worker-{}-{}-{number}", self.job, std::process::id()))
    }

    /// A program that is not there is so for every entity; other trouble may pass.
    fn unstartable(&self, error: &io::Error) -> Fault {
        let text = format!("could not start `{}`: {error}", self.what);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                Fault::fatal(format!("{text}; install the program, or correct what the job names"))
            }
            _ => Fault::failed(text),
        }
    }
}

impl Opening {
    /// What a worker of this job is told first.
    pub fn of(job: &OpenContext, options: serde_json::Value, source: Option<Source>) -> Self {
        Self {
            protocol: PROTOCOL,
            job: job.job.clone(),
            source,
            inputs: job.inputs.clone(),
            outputs: job.outputs.clone(),
            options,
            timeout: job.timeout.as_secs_f64(),
        }
    }
}

/// The transform of one worker of the pool.
struct Worker {
    launcher: Arc<Launcher>,
    /// Started with the first work; taken out while it works, so that a deadline kills it.
    child: Option<Child>,
}

#[async_trait(?Send)]
impl Transform for Worker {
    async fn apply(&mut self, work: Work) -> Result<Product, Fault> {
        let began = Instant::now();
        let child = self.take_child().await?;
        let order = given::order(&self.launcher, &child.ready, &work).await;
        let sent = match order {
            Ok(sent) => sent,
            Err(fault) => {
                self.child = Some(child);
                return Err(fault);
            }
        };
        let (child, result) = child.work(&sent.frame, work.entity.as_str(), began, work.timeout).await;
        self.child = child.and_then(|child| self.launcher.fit(child));
        let (pieces, attachment) = result?;
        made::product(&self.launcher, &work, pieces, attachment).await
    }
}

impl Worker {
    async fn take_child(&mut self) -> Result<Child, Fault> {
        let ahead = || self.launcher.ahead.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.child.take().or_else(ahead).and_then(Child::if_alive) {
            Some(child) => Ok(child),
            None => self.launcher.start().await,
        }
    }
}

impl Launcher {
    /// A worker that cannot begin is no fault of the entity that waits for it.
    async fn start(&self) -> Result<Child, Fault> {
        let started = Child::start(self).await;
        started.map_err(|fault| match fault.kind {
            FaultKind::Fatal => {
                self.broken.send_replace(Some(fault.clone()));
                Fault { kind: FaultKind::Failed, ..fault }
            }
            _ => fault,
        })
    }

    /// The child if it may do another entity; one that may not is let go beside the work.
    fn fit(&self, child: Child) -> Option<Child> {
        if self.recycle_after.is_none_or(|most| child.served < most) && !child.is_bloated() {
            return Some(child);
        }
        tokio::task::spawn_local(child.retire());
        None
    }
}
