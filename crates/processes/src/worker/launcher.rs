//! The launcher of a job: starts its worker processes, and knows the limits that they share.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use euterpe_actors::{
    blocking_threads::on_blocking_thread,
    outcome::{Fault, FaultKind},
    transform::{Limits, SampleCodec, Scratch},
};
use tokio::sync::watch;

use super::{
    child::Child,
    program::Program,
    protocol::{LONGEST, Opening, ToWorker},
};
use crate::supervised::{JobLog, encode};

/// Starts the workers of one job, all in the same way and within the same limits.
pub struct Launcher {
    /// The name of their program, for sentences: `transforms/tags.py:tags`.
    pub(super) name: Arc<str>,
    job: Arc<str>,
    /// The first frame that each of them gets.
    opening: Vec<u8>,
    program: Arc<dyn Program>,
    pub(super) inputs: Vec<String>,
    pub(super) suffixes: Vec<String>,
    /// In bytes, for one worker with all that it started.
    pub(super) memory: Option<u64>,
    /// After how many entities a worker is replaced.
    recycle_after: Option<u64>,
    /// Where their working folders are made.
    folders: PathBuf,
    /// Decodes and encodes tracks for them; `None` in a program without audio.
    codec: Option<Arc<dyn SampleCodec>>,
    started: AtomicU64,
    /// A worker that [`Launcher::prepare`] started, for the first work.
    prepared: Mutex<Option<Child>>,
    /// The digest of the code that workers must have, once somebody rests on it.
    pinned: OnceLock<String>,
    /// Why no worker can begin, once that is known.
    broken: watch::Sender<Option<Fault>>,
}

impl Launcher {
    /// The launcher of a job that runs `program`, which sentences call `name`.
    ///
    /// # Errors
    /// The options do not fit into a frame.
    pub(crate) fn new(
        name: &str,
        opening: Opening,
        program: Arc<dyn Program>,
        limits: Limits,
        codec: Option<Arc<dyn SampleCodec>>,
    ) -> Result<Arc<Self>, Fault> {
        let frame = encode(&ToWorker::Open(&opening), &[], LONGEST)
            .map_err(|error| Fault::fatal(format!("the options of `{name}` cannot be sent: {error}")))?;
        Ok(Arc::new(Self {
            name: name.into(),
            job: opening.job.as_str().into(),
            opening: frame,
            program,
            suffixes: opening.outputs.iter().map(|output| output.suffix.clone()).collect(),
            inputs: opening.inputs,
            memory: limits.memory,
            recycle_after: limits.recycle_after,
            folders: limits.homes,
            codec,
            started: AtomicU64::new(0),
            prepared: Mutex::new(None),
            pinned: OnceLock::new(),
            broken: watch::Sender::new(None),
        }))
    }

    /// Starts one worker to see that it can begin, and keeps it for the first work. Returns what the worker says of itself.
    ///
    /// # Errors
    /// The worker cannot begin: no interpreter, an error in the file, a signature that does not fit the job.
    pub async fn prepare(&self) -> Result<String, Fault> {
        let child = self.start_child().await?;
        let about = child.ready.about.clone();
        *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(about)
    }

    /// Waits until it is known that no worker can begin, and says why: messages had better stay in the queue then.
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

    /// The digest of the code, the same on every machine. From now on a worker begins only while the code is still this:
    /// others have been told what this process works with.
    pub fn pin(&self) -> String {
        self.pinned.get_or_init(|| self.program.code()).clone()
    }

    /// Changes when the program, its options, or the job's inputs and outputs do.
    pub fn fingerprint(&self) -> String {
        let mut digest = blake3::Hasher::new();
        digest.update(&self.opening).update(&self.program.fingerprint());
        digest.finalize().to_hex()[..32].to_owned()
    }

    /// The codec that decodes and encodes tracks.
    ///
    /// # Errors
    /// The program was built without it.
    pub(super) fn codec(&self) -> Result<Arc<dyn SampleCodec>, Fault> {
        let missing = "this program was built without the feature `audio`: it cannot give a worker samples";
        self.codec.clone().ok_or_else(|| Fault::fatal(missing))
    }

    /// A worker for work: the prepared one if it is there, else another. That none can begin is no fault of the entity that
    /// waits for it and may spend none of its tries: then this never returns, and whoever watches [`Launcher::broken`] ends
    /// the run or the node with the work untried.
    pub(super) async fn child(&self) -> Result<Child, Fault> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take_if(Child::is_running);
        if let Some(child) = prepared {
            return Ok(child);
        }
        match self.start_child().await {
            Err(fault) if fault.kind == FaultKind::Fatal => {
                self.broken.send_replace(Some(fault));
                std::future::pending().await
            }
            started => started,
        }
    }

    /// The child if it may have another entity. One that may not is let go beside the work.
    pub(super) fn keep_or_retire(&self, child: Child) -> Option<Child> {
        if self.recycle_after.is_none_or(|most| child.served() < most) && !child.is_nearly_over_memory() {
            return Some(child);
        }
        tokio::task::spawn_local(child.retire());
        None
    }

    /// Makes sure that the code is still what others were told.
    async fn check_code(&self) -> Result<(), Fault> {
        let Some(pinned) = self.pinned.get() else { return Ok(()) };
        let program = self.program.clone();
        // The files may lie on a slow disk, and this thread runs all actors.
        let code = on_blocking_thread(move || program.code()).await;
        let code = code.map_err(|error| Fault::of_io(format!("the code of `{}` was not read", self.name), &error))?;
        match code == *pinned {
            true => Ok(()),
            false => Err(Fault::fatal(format!(
                "the code of `{}` changed since this process began; start it anew",
                self.name
            ))),
        }
    }

    async fn start_child(&self) -> Result<Child, Fault> {
        self.check_code().await?;
        let command = self.program.command().await?;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let folder = self.folders.join(format!("worker-{}-{}-{number}", self.job, std::process::id()));
        let log = JobLog::of(self.job.clone());
        Child::start(command, self.name.clone(), Scratch::at(folder), self.memory, log, &self.opening).await
    }
}
