//! A child process whose output is read in time, and that ends with the thread that started it.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use euterpe_actors::{
    outcome::{Fault, FaultKind},
    storage::Content,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, memfd_create},
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, getpid, getppid, kill_process_group, pidfd_open,
        set_parent_process_death_signal, setrlimit,
    },
};

use crate::refusal::Refusal;

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;
/// How much of what it says is kept: of the beginning, which names the cause.
const KEPT: usize = 4096;
/// The memory that it may ask for, in bytes.
const MEMORY: u64 = 4 << 30;

/// Why nothing more comes.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The time is over.
    Late,
    /// The system refuses.
    Broken(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Stopped> for Refusal {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Late => {
                Fault::new(FaultKind::Timeout, "ffmpeg had not read the file when the time of the job was over").into()
            }
            Stopped::Broken(error) => Self::of_io("could not read what ffmpeg sends", &error),
        }
    }
}

/// The content as a file from which a program can begin anew wherever it wants.
///
/// # Errors
/// Where it cannot be opened, or there is no memory for it.
pub(super) fn readable(content: &Content) -> io::Result<File> {
    match content {
        Content::File(path) => File::open(path),
        Content::Bytes(bytes) => {
            let mut file = File::from(memfd_create("track", MemfdFlags::CLOEXEC)?);
            file.write_all(bytes)?;
            file.rewind()?;
            Ok(file)
        }
    }
}

/// A child process that sends something. Dropped, it is killed with all of its group.
pub(super) struct Process {
    child: Child,
    sound: ChildStdout,
    /// None at its end.
    speech: Option<ChildStderr>,
    said: Vec<u8>,
    until: Instant,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a program with `input` as its standard input; it has until `until`.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub(super) fn spawn(mut command: Command, input: File, until: Instant) -> io::Result<Self> {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        end_with_this_thread(&mut command);
        let mut child = command.spawn()?;
        let no_pipe = || io::Error::other("a child process has no pipe");
        let (sound, speech) = (child.stdout.take().ok_or_else(no_pipe)?, child.stderr.take().ok_or_else(no_pipe)?);
        Ok(Self { child, sound, speech: Some(speech), said: Vec::new(), until, ended: None })
    }

    /// Reads what it sends, as much as is there; 0 at the end.
    ///
    /// # Errors
    /// Where the time is over.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Stopped> {
        loop {
            let ready = match &self.speech {
                Some(speech) => wait(&[self.sound.as_fd(), speech.as_fd()], self.until)?,
                None => wait(&[self.sound.as_fd()], self.until)?,
            };
            if ready.get(1).is_some_and(|&ready| ready) {
                self.listen()?;
            }
            if ready[0] {
                return Ok(self.sound.read(buffer)?);
            }
        }
    }

    /// Adds more of what it sends to `bytes`; false at the end.
    ///
    /// # Errors
    /// Where the time is over.
    pub(super) fn more(&mut self, bytes: &mut Vec<u8>) -> Result<bool, Stopped> {
        let from = bytes.len();
        bytes.resize(from + CHUNK, 0);
        let read = self.read(&mut bytes[from..]);
        bytes.truncate(from + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }

    /// Waits for its end, behind the end of what it sends.
    ///
    /// # Errors
    /// Where the time is over.
    pub(super) fn wait(&mut self) -> Result<ExitStatus, Stopped> {
        while let Some(speech) = &self.speech {
            wait(&[speech.as_fd()], self.until)?;
            self.listen()?;
        }
        if let Some(status) = self.ended {
            return Ok(status);
        }
        let handle: OwnedFd = pidfd_open(pid(&self.child), PidfdFlags::empty()).map_err(io::Error::from)?;
        wait(&[handle.as_fd()], self.until)?;
        let status = self.child.wait()?;
        self.ended = Some(status);
        Ok(status)
    }

    /// The beginning of what it said.
    pub(super) fn said(&self) -> &[u8] {
        &self.said
    }

    fn listen(&mut self) -> io::Result<()> {
        let Some(speech) = &mut self.speech else { return Ok(()) };
        let mut heard = [0; 1024];
        let read = speech.read(&mut heard)?;
        let room = KEPT - self.said.len();
        self.said.extend_from_slice(&heard[..read.min(room)]);
        if read == 0 {
            self.speech = None;
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ended.is_some() {
            return; // its number may be another's
        }
        match kill_process_group(pid(&self.child), Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => tracing::warn!(%error, "could not kill ffmpeg"),
        }
        if let Err(error) = self.child.wait() {
            tracing::warn!(%error, "could not wait for ffmpeg");
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Waits until one of these can be read or is at its end; which of them.
fn wait(of: &[std::os::fd::BorrowedFd<'_>], until: Instant) -> Result<Vec<bool>, Stopped> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            return Err(Stopped::Late);
        }
        let left = Timespec::try_from(left).ok();
        let mut polled: Vec<PollFd<'_>> = of.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        match poll(&mut polled, left.as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(polled.iter().map(|polled| !polled.revents().is_empty()).collect()),
            Err(error) => return Err(Stopped::Broken(error.into())),
        }
    }
}

/// Has the kernel kill the program, in a group of its own, when the thread that spawns it ends, and bounds its memory; it leaves no
/// core file.
#[allow(unsafe_code)] // a parent-death signal and limits can only be set by the child itself
pub(super) fn end_with_this_thread(command: &mut Command) {
    command.process_group(0);
    let parent = getpid();
    let set = move || -> io::Result<()> {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if getppid() != Some(parent) {
            return Err(rustix::io::Errno::SRCH.into()); // the parent died before the signal was set
        }
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) })?;
        Ok(())
    };
    // SAFETY: the closure runs in the child between fork and exec, where only what is safe in a signal handler is allowed:
    // it makes four system calls and takes neither memory nor locks.
    unsafe { command.pre_exec(set) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(script: &str, time: Duration) -> Process {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Process::spawn(command, File::open("/dev/null").expect("opened"), Instant::now() + time).expect("started")
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_a_process_sends_and_says_is_kept_apart_and_bounded() {
        let script = "echo sound; i=0; while [ $i -lt 3000 ]; do echo words >&2; i=$((i+1)); done; echo more; exit 3";
        let mut process = started(script, LONG);
        let mut sound = Vec::new();
        let mut block = [0; 100];
        loop {
            match process.read(&mut block).expect("read") {
                0 => break,
                read => sound.extend_from_slice(&block[..read]),
            }
        }
        assert_eq!(process.wait().expect("ended").code(), Some(3));
        assert_eq!((&sound[..], process.said().len()), (&b"sound\nmore\n"[..], KEPT));
        assert!(process.said().starts_with(b"words\nwords\n"));
    }

    #[test]
    fn a_process_that_hangs_is_late_and_killed_with_what_it_started() {
        // What it starts holds the pipes open, too, or neither does.
        for script in [
            "sleep 1000 & echo $!; wait",
            "sleep 1000 & echo $!; exec >&- 2>&-; wait",
            "sleep 1000 >&- 2>&- & echo $!; exec >&- 2>&-; wait",
        ] {
            let mut process = started(script, LONG);
            let mut line = [0; 20];
            let read = process.read(&mut line).expect("a number");
            let number = std::str::from_utf8(&line[..read]).expect("text").trim().parse().expect("a number");
            let sleeper = pidfd_open(Pid::from_raw(number).expect("a number"), PidfdFlags::empty()).expect("a handle");
            process.until = Instant::now();
            assert!(matches!(process.read(&mut line), Err(Stopped::Late)), "{script}");
            assert!(matches!(process.wait(), Err(Stopped::Late)), "{script}");
            drop(process);
            wait(&[sleeper.as_fd()], Instant::now() + LONG).expect("it ends");
        }
    }

    #[test]
    fn a_process_ends_with_the_thread_that_started_it() {
        let (process, handle) = std::thread::spawn(|| {
            let process = started("echo; exec sleep 1000", LONG);
            let handle = pidfd_open(pid(&process.child), PidfdFlags::empty()).expect("a handle");
            (process, handle)
        })
        .join()
        .expect("a thread");
        wait(&[handle.as_fd()], Instant::now() + LONG).expect("it ends");
        drop(process);
    }
}
