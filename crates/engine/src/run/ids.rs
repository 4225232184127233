//! Where the ids of a run come from: arguments, a file, standard input, or the names in the source store.

use std::{
    collections::HashSet,
    io::BufRead,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::Context;
use euterpe_actors::ids::EntityId;
use euterpe_actors::memory::Fingerprint;
use euterpe_actors::storage::Storage;
use euterpe_actors::template::Template;

use super::addressing::Addressed;

/// How many ids travel together.
const BATCH: usize = 4096;

/// One name that was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// An entity.
    Id(EntityId),
    /// An entity whose address is known.
    Addressed(Addressed),
    /// A name that cannot be an id, and why.
    Bad(String, String),
}

/// A source whose keys are the catalogue.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The store.
    pub storage: Arc<dyn Storage>,
    /// The key of an entity in it.
    pub key: Template,
    /// What `{ext}` may stand for.
    pub exts: Arc<[String]>,
}

/// Where ids come from.
#[derive(Clone, Debug)]
pub enum Ids {
    /// These.
    These(Vec<Addressed>),
    /// The lines of a file.
    File(PathBuf),
    /// The lines of standard input.
    Stdin,
    /// The names in source stores.
    Listed(Vec<Listing>),
}

/// What a listing saw that is no source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Names that do not fit the source's template, such as covers and notes beside the music.
    pub other: u64,
}

/// Batches of found names.
pub enum Stream {
    /// Those that the caller named.
    Named(std::vec::IntoIter<Addressed>),
    /// What is read on a thread of its own, which waits while nobody takes them. A batch takes about 100 bytes a name;
    /// beside the one that is being read, one may wait.
    Read {
        /// The batches, in order.
        batches: mpsc::Receiver<anyhow::Result<Vec<Found>>>,
        /// The thread, until it was joined.
        reader: Option<thread::JoinHandle<Passed>>,
    },
}

impl Ids {
    /// Starts to read.
    pub fn stream(self) -> Stream {
        let source = match self {
            Ids::These(ids) => return Stream::Named(ids.into_iter()),
            source => source,
        };
        let (sender, batches) = mpsc::sync_channel(1);
        let reader = thread::spawn(move || {
            let mut sink = Sink { sender, batch: Vec::new(), passed: Passed::default() };
            if let Err(error) = source.read(&mut sink) {
                sink.fail(error);
            }
            sink.flush();
            sink.passed
        });
        Stream::Read { batches, reader: Some(reader) }
    }

    fn read(self, sink: &mut Sink) -> anyhow::Result<()> {
        match self {
            Ids::These(_) => Ok(()), // needs no reader
            Ids::File(path) => {
                let name = path.display().to_string();
                let file = std::fs::File::open(&path).with_context(|| format!("could not open `{name}`"))?;
                read_lines(std::io::BufReader::new(file), &name, sink)
            }
            Ids::Stdin => read_lines(std::io::BufReader::new(std::io::stdin()), "standard input", sink),
            Ids::Listed(listings) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let several = listings.len() > 1;
                let mut seen: HashSet<Fingerprint> = HashSet::new();
                for listing in &listings {
                    // Two files of one id, and one id in two stores, are sent once; the worker names both files.
                    let once = several || listing.key.has_ext();
                    runtime.block_on(listing.list(once.then_some(&mut seen), sink))?;
                }
                Ok(())
            }
        }
    }
}

impl Listing {
    async fn list(&self, mut seen: Option<&mut HashSet<Fingerprint>>, sink: &mut Sink) -> anyhow::Result<()> {
        let prefix = self.key.prefix().to_owned();
        let fits_ext = |ext: &str| {
            self.exts.iter().any(|known| {
                known == ext || (ext.eq_ignore_ascii_case(known) && !ext.bytes().any(|b| b.is_ascii_lowercase()))
            })
        };
        let mut each = |page: &euterpe_actors::storage::Page| {
            for listed in page.iter() {
                let Some((id, ext)) = self.key.match_source(listed.path) else {
                    sink.passed.other += 1;
                    continue;
                };
                if self.key.has_ext() && !fits_ext(ext) {
                    sink.passed.other += 1;
                    continue;
                }
                if let Some(seen) = seen.as_deref_mut()
                    && !seen.insert(Fingerprint::of("", id))
                {
                    continue;
                }
                let name = match listed.problem {
                    None => found(id),
                    Some(problem) => Found::Bad(id.to_owned(), problem.text().to_owned()),
                };
                if !sink.put(name) {
                    return false;
                }
            }
            true
        };
        let place = self.storage.place();
        self.storage.list(&prefix, &mut each).await.with_context(|| format!("could not list {place}"))
    }
}

fn found(text: &str) -> Found {
    match EntityId::new(text) {
        Ok(id) => Found::Id(id),
        Err(bad) => Found::Bad(text.chars().take(600).collect(), bad.to_string()),
    }
}

/// Lines, each an id; empty lines are passed over. A line is cut where it is far longer than an id may be.
fn read_lines<R: std::io::Read>(mut lines: std::io::BufReader<R>, name: &str, sink: &mut Sink) -> anyhow::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = std::io::Read::take(&mut lines, 1 << 16).read_until(b'\n', &mut line);
        if read.with_context(|| format!("could not read ids from {name}"))? == 0 {
            return Ok(());
        }
        let cut = line.last() != Some(&b'\n') && line.len() == 1 << 16;
        if cut {
            let mut rest = Vec::new();
            while !rest.ends_with(b"\n") {
                rest.clear();
                if std::io::Read::take(&mut lines, 1 << 16).read_until(b'\n', &mut rest)? == 0 {
                    break;
                }
            }
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        if line.is_empty() {
            continue;
        }
        let name = match std::str::from_utf8(&line) {
            Ok(text) => found(text),
            Err(_) => {
                Found::Bad(String::from_utf8_lossy(&line).chars().take(600).collect(), "it is not UTF-8 text".into())
            }
        };
        // Whoever writes lines one by one wants them run one by one.
        let go_on = sink.put(name) && (!lines.buffer().is_empty() || sink.flush());
        if !go_on {
            return Ok(());
        }
    }
}

struct Sink {
    sender: mpsc::SyncSender<anyhow::Result<Vec<Found>>>,
    batch: Vec<Found>,
    passed: Passed,
}

impl Sink {
    /// Takes a name; whether anybody still wants more.
    fn put(&mut self, found: Found) -> bool {
        self.batch.push(found);
        self.batch.len() < BATCH || self.flush()
    }

    fn flush(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        batch.is_empty() || self.sender.send(Ok(batch)).is_ok()
    }

    fn fail(&mut self, error: anyhow::Error) {
        self.flush();
        // Nobody listens any more: then the run was stopped, and its reader with it.
        if let Err(unheard) = self.sender.send(Err(error)) {
            tracing::debug!(error = ?unheard.0, "the run stopped before it heard of this");
        }
    }
}

impl Stream {
    /// The next batch, if one is ready or comes soon; [`Next::Later`] where the reader needs more time.
    pub fn next(&mut self, wait: std::time::Duration) -> Next {
        let (batches, reader) = match self {
            Stream::Named(ids) => {
                let batch: Vec<Found> = ids.take(BATCH).map(Found::Addressed).collect();
                return if batch.is_empty() { Next::End(Passed::default()) } else { Next::Batch(batch) };
            }
            Stream::Read { batches, reader } => (batches, reader),
        };
        match batches.recv_timeout(wait) {
            Ok(Ok(batch)) => Next::Batch(batch),
            Ok(Err(error)) => Next::Failed(error),
            Err(mpsc::RecvTimeoutError::Timeout) => Next::Later,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let passed = reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
                Next::End(passed)
            }
        }
    }
}

/// What a stream gives.
pub enum Next {
    /// Some names.
    Batch(Vec<Found>),
    /// Nothing yet.
    Later,
    /// No more, and what was passed over.
    End(Passed),
    /// The rest could not be read.
    Failed(anyhow::Error),
}
