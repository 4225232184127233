//! Where the ids of a run come from: arguments, a file, standard input, or the names in the source store.

use std::{
    collections::HashSet,
    io::{self, BufReader},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{Context, anyhow};
use euterpe_actors::blocking_threads;
use euterpe_actors::ids::StoreName;
use euterpe_actors::memory::ListedDates;
use euterpe_actors::node_trouble::remedy;
use euterpe_actors::transform::blocking::panic_text;

use super::addressing::Addressed;
use super::found::{BATCH, Found, Sink};
use super::lines::read_lines;
use super::listing::Listing;
use super::passed::Passed;

/// So many ids are few: a page of a listing has as many names.
const FEW: usize = 1000;

/// Where ids come from.
#[derive(Clone, Debug)]
pub enum Ids {
    /// These.
    These(Vec<Addressed>),
    /// The lines of a file; with `true` those that start with `#` too.
    File(PathBuf, bool),
    /// The lines of standard input, likewise.
    Stdin(bool),
    /// The names in source stores.
    Listed(Vec<Listing>),
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
        reader: Option<io::Result<thread::JoinHandle<Passed>>>,
    },
}

impl Ids {
    /// Whether they are so few that each of their sources is sooner looked at than all are listed.
    pub(crate) fn are_few(&self) -> bool {
        matches!(self, Ids::These(ids) if ids.len() <= FEW)
    }

    /// The same, with each path that is passed over.
    #[must_use]
    pub fn with_passed(mut self) -> Self {
        if let Ids::Listed(listings) = &mut self {
            listings.iter_mut().for_each(|listing| listing.names_passed = true);
        }
        self
    }

    /// Lets the listings of sources tell when each came. Which parts of which stores those are.
    pub(crate) fn tell_dates(&mut self, dates: &Arc<ListedDates>) -> Vec<(StoreName, String)> {
        let Ids::Listed(listings) = self else { return Vec::new() };
        listings.iter_mut().for_each(|listing| listing.dates = Some(dates.clone()));
        let places = |listing: &Listing| -> Vec<_> {
            listing.prefixes().into_iter().map(|prefix| (listing.store.clone(), prefix)).collect()
        };
        listings.iter().flat_map(places).collect()
    }

    /// The sources that are listed, as records name them.
    pub(super) fn sources(&self) -> Vec<String> {
        match self {
            Ids::Listed(listings) => listings.iter().map(|listing| listing.source.clone()).collect(),
            Ids::These(_) | Ids::File(..) | Ids::Stdin(_) => Vec::new(),
        }
    }

    /// Starts to read.
    pub fn stream(self) -> Stream {
        let source = match self {
            Ids::These(mut ids) => {
                let mut seen = HashSet::new();
                ids.retain(|found| seen.insert(found.entity.clone()));
                return Stream::Named(ids.into_iter());
            }
            source => source,
        };
        Stream::read_by(move |sink| source.read(sink))
    }

    fn read(self, sink: &mut Sink) -> anyhow::Result<()> {
        match self {
            Ids::These(_) => Ok(()), // needs no reader
            Ids::File(path, hashes) => {
                let name = path.display().to_string();
                let file = std::fs::File::open(&path).with_context(|| format!("could not open `{name}`"))?;
                read_lines(BufReader::new(file), &name, hashes, sink)
            }
            Ids::Stdin(hashes) => read_lines(BufReader::new(std::io::stdin()), "standard input", hashes, sink),
            Ids::Listed(listings) => {
                let runtime = blocking_threads::runtime().map_err(no_thread)?;
                runtime.block_on(Listing::list_all(&listings, sink))
            }
        }
    }
}

impl Stream {
    /// What `read` puts into the sink, on a thread of its own.
    fn read_by(read: impl FnOnce(&mut Sink) -> anyhow::Result<()> + Send + 'static) -> Self {
        let (sender, batches) = mpsc::sync_channel(1);
        let reader = thread::Builder::new().name("euterpe-ids".into()).spawn(move || {
            let mut sink = Sink::to(sender);
            if let Err(error) = read(&mut sink) {
                sink.fail(error);
            }
            sink.flush();
            sink.passed
        });
        Stream::Read { batches, reader: Some(reader) }
    }

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
            // That no more comes is no end by itself: the reader may have died, or never have begun.
            Err(mpsc::RecvTimeoutError::Disconnected) => match reader.take() {
                Some(Ok(reader)) => match reader.join() {
                    Ok(passed) => Next::End(passed),
                    Err(panic) => Next::Failed(anyhow!("the reader of ids died: {}", panic_text(&*panic))),
                },
                Some(Err(error)) => Next::Failed(no_thread(error)),
                None => Next::End(Passed::default()), // told before
            },
        }
    }
}

fn no_thread(error: io::Error) -> anyhow::Error {
    let remedy = remedy(&error).map_or_else(String::new, |remedy| format!("; {remedy}"));
    anyhow!("no thread for the reader of ids: {error}{remedy}")
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_reader_that_dies_is_no_end_of_the_ids() {
        let mut stream = Stream::read_by(|_| panic!("no thread"));
        let next = stream.next(Duration::MAX);
        assert!(matches!(&next, Next::Failed(error) if error.to_string().contains("no thread")));
        assert!(matches!(Stream::read_by(|_| Ok(())).next(Duration::MAX), Next::End(_)));
    }
}
