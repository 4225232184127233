//! Ffmpeg as an encoder: it gets samples over a pipe and writes a file.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    time::Instant,
};

use euterpe_actors::outcome::{Fault, FaultKind};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

use super::{
    process::end_with_this_thread,
    program::{Program, Target},
};

/// How much of what it says is kept.
const KEPT: usize = 4096;

/// A process that encodes. Dropped, it is killed with all of its group.
pub(crate) struct Encoder {
    child: Child,
    samples: Option<ChildStdin>,
    /// What it says, in a file: whoever writes samples has no time to listen.
    speech: PathBuf,
    bytes: Vec<u8>,
    until: Instant,
    has_ended: bool,
}

impl Encoder {
    /// Has ffmpeg write `path`, in a private folder, until `until`.
    ///
    /// # Errors
    /// Where the program is not there, or cannot be started.
    pub(crate) fn open(path: &Path, target: &Target, until: Instant) -> Result<Self, Fault> {
        let program = Program::find().ok_or_else(|| {
            Fault::fatal(format!(
                "the program ffmpeg writes this kind of file ({}), and is not on the PATH; install it, or give the output the suffix \
                 .flac, .wav or .ogg",
                target.codec
            ))
        })?;
        let failed = |error: &io::Error| Fault::of_io("could not start ffmpeg", error);
        let speech = path.with_extension("said");
        let said = File::create(&speech).map_err(|error| failed(&error))?;
        let mut command = program.encoding(target, path);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(said);
        end_with_this_thread(&mut command);
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let samples = child.stdin.take();
        let encoder = Self { child, samples, speech, bytes: Vec::new(), until, has_ended: false };
        if let Some(samples) = &encoder.samples {
            let flags = fcntl_getfl(samples).map_err(|error| failed(&error.into()))?;
            fcntl_setfl(samples, flags | OFlags::NONBLOCK).map_err(|error| failed(&error.into()))?;
        }
        Ok(encoder)
    }

    /// Hands over a block of planar samples.
    ///
    /// # Errors
    /// What ffmpeg says where it ended; where the time is over.
    pub(crate) fn write(&mut self, block: &[Vec<f32>]) -> Result<(), Fault> {
        self.bytes.clear();
        for frame in 0..block.first().map_or(0, Vec::len) {
            for channel in block {
                self.bytes.extend_from_slice(&channel[frame].to_le_bytes());
            }
        }
        let mut at = 0;
        while at < self.bytes.len() {
            let Some(samples) = &mut self.samples else { return Ok(()) };
            match samples.write(&self.bytes[at..]) {
                Ok(written) => at += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(samples.as_fd(), PollFlags::OUT, self.until)?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It ended before the sound did: what it said tells why.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return self.end(true),
                Err(error) => return Err(Fault::of_io("could not send samples to ffmpeg", &error)),
            }
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// What ffmpeg says where it failed; where the time is over.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        self.end(false)
    }

    /// Waits for its end; `is_early` where not all of the sound was taken.
    fn end(&mut self, is_early: bool) -> Result<(), Fault> {
        self.samples = None;
        let odd = |error: &io::Error| Fault::of_io("could not wait for ffmpeg", error);
        let handle =
            pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty()).map_err(|error| odd(&error.into()))?;
        wait(handle.as_fd(), PollFlags::IN, self.until)?;
        let status = self.child.wait().map_err(|error| odd(&error))?;
        self.has_ended = true;
        let mut said = std::fs::read(&self.speech).map_err(|error| odd(&error))?;
        said.truncate(KEPT);
        if status.success() && !is_early {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&said).to_lowercase();
        if text.contains("no space left") {
            return Err(
                Fault::of_io("could not write the sound", &io::ErrorKind::StorageFull.into()).with_stderr(&said)
            );
        }
        let first = String::from_utf8_lossy(&said).lines().next().unwrap_or("nothing").trim().to_owned();
        Err(Fault::failed(format!("ffmpeg could not write the sound ({status}): it says \"{first}\""))
            .with_stderr(&said))
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if self.has_ended {
            return; // its number may be another's
        }
        match kill_process_group(Pid::from_child(&self.child), Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::warn!(%error, "could not kill ffmpeg"),
        }
        if let Err(error) = self.child.wait() {
            tracing::warn!(%error, "could not wait for ffmpeg");
        }
    }
}

/// Waits until it is ready.
fn wait(of: std::os::fd::BorrowedFd<'_>, flags: PollFlags, until: Instant) -> Result<(), Fault> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let late = "ffmpeg had not written the file when the time of the job was over";
            return Err(Fault::new(FaultKind::Timeout, late));
        }
        match poll(&mut [PollFd::from_borrowed_fd(of, flags)], Timespec::try_from(left).ok().as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(Fault::of_io("could not wait for ffmpeg", &error.into())),
        }
    }
}
