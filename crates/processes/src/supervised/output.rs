//! The captured output of a child process: its last bytes for a dead letter, its lines for the log.

use std::{
    future::Future,
    io::{self, PipeWriter},
    pin::pin,
};

use tokio::net::unix::pipe::Receiver;

use super::{
    job_log::{JobLog, Level},
    tail::Tail,
};

/// How much is read at once when an entity ends; a child that goes on printing cannot hold up its work.
const DRAINED: usize = 4 << 20;
/// A line that is longer is logged in pieces.
const LONGEST_LINE: usize = 8 << 10;

/// The reading end of a pipe that is standard output, standard error, or both, of a child.
pub(crate) struct Output {
    /// `None` once no process holds the other end.
    pipe: Option<Receiver>,
    log: Option<JobLog>,
    tail: Tail,
    /// A line that has no end yet.
    line: Vec<u8>,
    part: Box<[u8]>,
}

impl Output {
    /// A pipe: what is written to its other end is captured here. Lines go to `log`, if there is one.
    pub(crate) fn pipe(log: Option<JobLog>) -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let pipe = Some(Receiver::from_owned_fd(reader.into())?);
        let part = vec![0; 64 << 10].into_boxed_slice();
        Ok((Self { pipe, log, tail: Tail::default(), line: Vec::new(), part }, writer))
    }

    /// Waits for `work`, and captures meanwhile what the child prints: a child whose pipe is full would wait for us.
    pub(crate) async fn reading<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.read() => {}
            }
        }
    }

    /// Begins another entity: the bytes and lines that follow are about it.
    pub(super) fn turn_to(&mut self, entity: &str) {
        self.drain(); // a thread of the transform may have printed since the last entity
        self.tail.clear();
        if let Some(log) = &mut self.log {
            log.turn_to(entity);
        }
    }

    /// The log that its lines go to.
    pub(super) fn log(&mut self) -> Option<&mut JobLog> {
        self.log.as_mut()
    }

    /// Reads once, as soon as the child has printed something. Never returns once no process can print any more.
    async fn read(&mut self) {
        match &self.pipe {
            None => std::future::pending().await,
            Some(pipe) => match pipe.readable().await {
                Ok(()) => {
                    self.take(|pipe, part| pipe.try_read(part));
                }
                Err(error) => self.close(&error),
            },
        }
    }

    /// Reads what is in the pipe now.
    pub(super) fn drain(&mut self) {
        let mut taken = 0;
        // Not by way of the runtime, which does not know yet of what was printed a moment ago.
        while let read @ 1.. = self.take(|pipe, part| Ok(rustix::io::read(pipe, part)?)) {
            taken += read;
            if taken > DRAINED {
                break;
            }
        }
    }

    /// The last of what was printed about this entity.
    pub(crate) fn tail(&mut self) -> &[u8] {
        self.drain();
        self.tail.bytes()
    }

    fn take(&mut self, read: impl FnOnce(&Receiver, &mut [u8]) -> io::Result<usize>) -> usize {
        let Some(pipe) = &self.pipe else { return 0 };
        match read(pipe, &mut self.part) {
            Ok(0) => {
                self.pipe = None;
                self.end_line();
                0
            }
            Ok(read) => {
                self.note(read);
                read
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => {
                self.close(&error);
                0
            }
        }
    }

    fn close(&mut self, error: &io::Error) {
        tracing::warn!(%error, "what a child process prints cannot be read any more");
        self.pipe = None;
    }

    fn note(&mut self, read: usize) {
        let part = std::mem::take(&mut self.part);
        self.tail.push(&part[..read]);
        for piece in part[..read].split_inclusive(|byte| *byte == b'\n') {
            if self.log.as_ref().is_none_or(JobLog::is_full) {
                break;
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > LONGEST_LINE {
                self.end_line();
            }
        }
        self.part = part;
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if let (Some(log), false) = (&mut self.log, line.is_empty()) {
            log.line(Level::Info, String::from_utf8_lossy(&line).trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[tokio::test]
    async fn the_last_four_kibibytes_about_each_entity_are_kept_however_much_is_printed() {
        let (mut output, mut writer) = Output::pipe(Some(JobLog::of("j".into()))).expect("a pipe");
        let text: Vec<u8> = (0..50_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
        writer.write_all(&text).expect("fits into the pipe");
        assert_eq!(output.tail(), &text[text.len() - 4096..]);
        output.turn_to("t-2");
        assert_eq!(output.tail(), b"");
        writer.write_all(b"one\ntwo").expect("written");
        output.read().await;
        assert_eq!(output.tail(), b"one\ntwo");
        drop(writer);
        output.read().await;
        assert!(output.pipe.is_none());
        assert_eq!(output.tail(), b"one\ntwo");
    }
}
