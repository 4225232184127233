//! Reads what has no reader here, and writes what has no writer, through the program ffmpeg: one process for each file, with floats
//! over a pipe.
//!
//! ```text
//! program      where it is, and what it is told: the file on its standard input, and which containers it may take it for
//! process      a child that is read in time, and ends with this thread
//! encoder      a child that gets samples and writes a file
//! header       what it sends first: rate, channels and their places, as a WAV file says them
//! probe        what its sister ffprobe says of a file
//! words        what it says where it fails, as a sentence
//! ```
//!
//! The name of a file reaches no command line: the program opens its standard input. It may open no address of a network, and
//! takes the file for no playlist, list of files or script, whatever is in it.

mod encoder;
mod header;
mod probe;
mod process;
mod program;
mod words;

use std::{
    borrow::Cow,
    io,
    time::{Duration, Instant},
};

use euterpe_actors::{outcome::Fault, storage::Content};

pub(crate) use self::{
    encoder::Encoder,
    probe::{Probed, probe},
};
use crate::{
    formats::{Blocks, LOUDEST, Sound, breaks_off, too_short},
    limits::check_shape,
    refusal::{Extent, Refusal},
};
use header::Header;
use process::{Process, readable};
pub(crate) use program::{Program, Target};
use words::{Words, judge};

/// How long a process may take where no job says it.
pub(crate) const LONGEST: Duration = Duration::from_secs(3600);
/// The longest header that is looked at.
const LONGEST_HEADER: usize = 64 << 10;

/// When so much time will be over; a year at most, which any clock can count.
pub(crate) fn deadline(time: Duration) -> Instant {
    Instant::now() + time.min(Duration::from_secs(365 * 24 * 3600))
}

/// A file that ffmpeg decodes.
pub(crate) struct Ffmpeg {
    process: Process,
    /// What the file is, as sentences name it.
    what: String,
    extent: Extent,
    header: Header,
    /// What was read and not handed out yet.
    bytes: Vec<u8>,
    frames: u64,
}

impl Ffmpeg {
    /// Has `program` decode a content, a file that sentences call `what`. A process that has not ended at `until` is killed.
    ///
    /// # Errors
    /// Where it cannot be started, or sends no sound.
    pub(crate) fn open(
        program: &Program,
        content: &Content,
        what: &str,
        extent: Extent,
        until: Instant,
    ) -> Result<Self, Refusal> {
        let failed = |error: &io::Error| Fault::of_io("could not start ffmpeg", error);
        let source = readable(content).map_err(|error| failed(&error))?;
        let mut process = Process::spawn(program.decoding(), source, until).map_err(|error| failed(&error))?;
        let mut bytes = Vec::new();
        let header = loop {
            match header::read(&bytes).map_err(Fault::failed)? {
                Some(header) => break header,
                None if bytes.len() > LONGEST_HEADER => {
                    return Err(Refusal::failed("ffmpeg sends no samples behind its header"));
                }
                None => {}
            }
            if !process.more(&mut bytes)? {
                return Err(ended(&mut process, what, extent.cut, None)?
                    .unwrap_or_else(|| Refusal::failed("ffmpeg ended without a word and without sound")));
            }
        };
        check_shape(header.rate, header.channels)?;
        bytes.drain(..header.length);
        Ok(Self { process, what: what.to_owned(), extent, header, bytes, frames: 0 })
    }
}

impl Blocks for Ffmpeg {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        let width = 4 * self.header.channels;
        while self.bytes.len() < width {
            if !self.process.more(&mut self.bytes)? {
                return Ok(false);
            }
        }
        let whole = self.bytes.len() - self.bytes.len() % width;
        block.resize_with(self.header.channels, Vec::new);
        for (number, channel) in block.iter_mut().enumerate() {
            channel.clear();
            let own = self.bytes[4 * number..whole].chunks(width);
            channel.extend(own.map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])));
        }
        self.bytes.drain(..whole);
        self.frames += (whole / width) as u64;
        Ok(true)
    }

    fn sound(&self) -> Sound {
        Sound { rate: self.header.rate, layout: self.header.layout, declared: self.extent.declared, loudest: LOUDEST }
    }

    fn codec(&self) -> Cow<'static, str> {
        self.what.clone().into()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        let place = Some((self.frames, self.header.rate));
        if let Some(refusal) = ended(&mut self.process, &self.what, self.extent.cut, place)? {
            return Err(refusal);
        }
        if let Some(declared) = self.extent.declared.filter(|&declared| frames < declared) {
            return Err(too_short(frames, declared, self.header.rate));
        }
        if self.extent.cut {
            return Err(breaks_off(frames, self.header.rate));
        }
        if !self.bytes.is_empty() {
            return Err(Refusal::failed("ffmpeg ended within a frame of samples"));
        }
        Ok(())
    }
}

/// What is wrong with a file whose process has sent all that it will, after so many frames at a rate; none where nothing is.
fn ended(process: &mut Process, what: &str, cut: bool, place: Option<(u64, u32)>) -> Result<Option<Refusal>, Refusal> {
    let status = process.wait()?;
    Ok(judge(status, process.said(), Words { what, cut, place }))
}
