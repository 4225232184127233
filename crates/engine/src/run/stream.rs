//! Ids on their way from whoever reads them, some at a time.

use std::{io, sync::mpsc, thread};

use anyhow::anyhow;
use euterpe_actors::node_trouble::remedy;
use euterpe_actors::transform::blocking::panic_text;

use super::addressing::Addressed;
use super::found::{BATCH, Found, Sink};
use super::passed::Passed;

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

impl Stream {
    /// What `read` puts into the sink, on a thread of its own.
    pub fn read_by(read: impl FnOnce(&mut Sink) -> anyhow::Result<()> + Send + 'static) -> Self {
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
        match self {
            Stream::Named(ids) => {
                let batch: Vec<Found> = ids.take(BATCH).map(Found::Addressed).collect();
                if batch.is_empty() { Next::End(Passed::default()) } else { Next::Batch(batch) }
            }
            Stream::Read { batches, reader } => match batches.recv_timeout(wait) {
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
            },
        }
    }
}

/// Why there is no thread to read on.
pub fn no_thread(error: io::Error) -> anyhow::Error {
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
