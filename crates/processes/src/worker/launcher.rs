//! The launcher of a job: starts its worker processes, and knows the limits that they share.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use euterpe_actors::{
    outcome::{Fault, FaultKind},
    transform::{Limits, SampleCodec, Scratch},
};

use super::{
    child::Child,
    program::Program,
    protocol::{LONGEST, Opening, ToWorker},
};
use crate::job_code::JobCode;
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
    /// What the worker that was started last said of its packages.
    packages: Mutex<BTreeMap<String, String>>,
    code: Arc<JobCode>,
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
        let (name, read) = (Arc::<str>::from(name), program.clone());
        Ok(Arc::new(Self {
            code: JobCode::new(name.clone(), move || read.code()),
            name,
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
            packages: Mutex::default(),
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

    /// What the worker that was started last said of its packages, by name, each with its version; nothing before one was.
    pub fn packages(&self) -> BTreeMap<String, String> {
        self.packages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The code of the job, by which it is also known whether its workers can begin.
    pub fn code(&self) -> &Arc<JobCode> {
        &self.code
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

    /// A worker for work: the prepared one if it is there, else another. Where none can begin, this never returns
    /// ([`JobCode::give_up`]).
    pub(super) async fn child(&self) -> Result<Child, Fault> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take_if(Child::is_running);
        if let Some(child) = prepared {
            return Ok(child);
        }
        match self.start_child().await {
            Err(fault) if fault.kind == FaultKind::Fatal => self.code.give_up(fault).await,
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

    async fn start_child(&self) -> Result<Child, Fault> {
        self.code.compare().await?;
        let command = self.program.command().await?;
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let folder = self.folders.join(format!("worker-{}-{}-{number}", self.job, std::process::id()));
        let log = JobLog::of(self.job.clone());
        let child =
            Child::start(command, self.name.clone(), Scratch::at(folder), self.memory, log, &self.opening).await?;
        self.packages.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&child.ready.packages);
        Ok(child)
    }
}
