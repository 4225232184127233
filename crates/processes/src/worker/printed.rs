//! What a worker process prints: into the log with its entity, and the last of it kept for a dead letter.

use std::{io, os::fd::OwnedFd, sync::Arc};

use tokio::net::unix::pipe::Receiver;

use super::speech::Level;

/// How much is kept.
const TAIL: usize = 4096;
/// How much of what is printed about one entity goes to the log, in bytes.
const LOGGED: usize = 64 << 10;
/// How much is read at once when an entity ends; who goes on printing cannot hold it up.
const DRAINED: usize = 4 << 20;

/// The reading end of the pipe that is both standard output and standard error of a worker.
pub(super) struct Printed {
    /// None once nobody holds the other end.
    pipe: Option<Receiver>,
    job: Arc<str>,
    entity: Arc<str>,
    tail: Vec<u8>,
    /// A line that has no end yet.
    line: Vec<u8>,
    logged: usize,
    part: Box<[u8]>,
}

impl Printed {
    /// Takes over the pipe.
    pub(super) fn of(pipe: OwnedFd, job: Arc<str>) -> io::Result<Self> {
        let part = vec![0; 64 << 10].into_boxed_slice();
        let pipe = Some(Receiver::from_owned_fd(pipe)?);
        Ok(Self { pipe, job, entity: "".into(), tail: Vec::new(), line: Vec::new(), logged: 0, part })
    }

    /// What follows is about another entity.
    pub(super) fn turn_to(&mut self, entity: &str) {
        self.drain(); // what a thread of the transform printed since
        self.entity = entity.into();
        self.tail.clear();
        self.logged = 0;
    }

    /// Waits until something was printed, and takes it; for ever once nobody can print any more.
    pub(super) async fn read(&mut self) {
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

    /// Takes what is in the pipe.
    pub(super) fn drain(&mut self) {
        let mut taken = 0;
        // Past the runtime, which does not know yet of what was printed a moment ago.
        while let read @ 1.. = self.take(|pipe, part| Ok(rustix::io::read(pipe, part)?)) {
            taken += read;
            if taken > DRAINED {
                break;
            }
        }
    }

    /// The last of what was printed about this entity.
    pub(super) fn tail(&mut self) -> &[u8] {
        self.drain();
        &self.tail
    }

    /// Logs what the transform says.
    pub(super) fn log(&mut self, level: Level, text: &str) {
        if self.has_said_enough(text.len()) {
            return;
        }
        let (job, entity) = (&self.job, &self.entity);
        match level {
            Level::Debug => tracing::debug!(%job, %entity, "{text}"),
            Level::Info => tracing::info!(%job, %entity, "{text}"),
            Level::Warning => tracing::warn!(%job, %entity, "{text}"),
            Level::Error => tracing::error!(%job, %entity, "{text}"),
        }
    }

    /// Logs a number that the transform measured.
    pub(super) fn metric(&mut self, name: &str, value: f64) {
        if !self.has_said_enough(name.len()) {
            tracing::info!(job = %self.job, entity = %self.entity, metric = name, value);
        }
    }

    /// Logs how far the transform is, from 0 to 1.
    pub(super) fn progress(&mut self, fraction: f64) {
        tracing::debug!(job = %self.job, entity = %self.entity, progress = fraction);
    }

    /// Counts what is about to be logged; the last thing said about an entity is that the rest is not.
    fn has_said_enough(&mut self, more: usize) -> bool {
        let before = self.logged;
        self.logged = before.saturating_add(more);
        if before <= LOGGED && self.logged > LOGGED {
            tracing::info!(job = %self.job, entity = %self.entity, "says more than {LOGGED} bytes; the rest is not logged");
        }
        self.logged > LOGGED
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
        tracing::warn!(job = %self.job, %error, "what a worker prints cannot be read any more");
        self.pipe = None;
    }

    fn note(&mut self, read: usize) {
        let part = std::mem::take(&mut self.part);
        let printed = &part[..read];
        self.tail.extend_from_slice(&printed[read.saturating_sub(TAIL)..]);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
        for piece in printed.split_inclusive(|byte| *byte == b'\n') {
            if self.logged > LOGGED {
                break;
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > 8 << 10 {
                self.end_line();
            }
        }
        self.part = part;
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        if !self.has_said_enough(line.len()) {
            let text = String::from_utf8_lossy(&line);
            tracing::info!(job = %self.job, entity = %self.entity, "{}", text.trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[tokio::test]
    async fn the_last_four_kibibytes_about_each_entity_are_kept_however_much_is_printed() {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let mut printed = Printed::of(reader.into(), "j".into()).expect("taken over");
        let text: Vec<u8> = (0..50_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
        writer.write_all(&text).expect("fits into the pipe");
        assert_eq!(printed.tail(), &text[text.len() - TAIL..]);
        printed.turn_to("t-2");
        assert_eq!(printed.tail(), b"");
        writer.write_all(b"one\ntwo").expect("written");
        printed.read().await;
        assert_eq!(printed.tail(), b"one\ntwo");
        drop(writer);
        printed.read().await;
        assert!(printed.pipe.is_none());
        assert_eq!(printed.tail(), b"one\ntwo");
    }
}
