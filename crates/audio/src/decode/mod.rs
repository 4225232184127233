//! Decodes a track into planar blocks, with a bound on everything that a file may claim.
//!
//! A file that is cut off, damaged or no audio at all is a fault of the input, in a sentence for whoever has to replace it;
//! one that is whole and not read is told what converts it. Formats that declare their length or mark their end show a cut;
//! others show it where they are cut within a frame. An untagged mp3 that is cut between two frames cannot be told from a
//! whole one.

mod bursts;
mod choice;
mod cross_check;
mod fence;
mod lengths;

use std::{borrow::Cow, collections::VecDeque, time::Duration};

use euterpe_actors::{
    outcome::{Fault, FaultKind},
    storage::Content,
    transform::{Input, Work},
};
use symphonia::core::audio::Position;

use bursts::Bursts;
pub use choice::DecoderChoice;
use cross_check::CrossChecked;
pub(crate) use fence::fenced;
pub use lengths::Lengths;

use super::{
    clock,
    ffmpeg::{Ffmpeg, Program, deadline},
    formats::{self, Blocks},
    limits::check_shape,
    refusal::{Extent, Refusal},
};

/// What a job asks of every track that it reads.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest track that is read, in minutes.
    pub minutes: u32,
    /// What becomes of sound beyond a declared length.
    pub lengths: Lengths,
    /// Who reads it.
    pub decoder: DecoderChoice,
}

impl Bounds {
    /// A length in minutes, and all that there is.
    pub fn minutes(minutes: u32) -> Self {
        Self { minutes, lengths: Lengths::AsFound, decoder: DecoderChoice::Auto }
    }
}

/// A track open for decoding: blocks of planar samples, one after the other.
pub struct Decoder {
    track: Box<dyn Blocks>,
    bounds: Bounds,
    block: Vec<Vec<f32>>,
    channels: usize,
    /// What was decoded ahead, in order to know what the track is, and how that ended.
    ahead: VecDeque<Vec<Vec<f32>>>,
    ended: Option<Result<(), Refusal>>,
    frames: u64,
    /// Whether the program ffmpeg reads it.
    by_ffmpeg: bool,
    /// Looks for compressed sound in the place of samples.
    bursts: Bursts,
}

impl Decoder {
    /// Opens the input of a name for decoding; a track beyond the bounds is refused on the way.
    ///
    /// # Errors
    /// A fault of the input where it is empty, no audio, of a format that is not read or beyond the bounds.
    pub fn open(work: &Work, name: &str, bounds: Bounds) -> Result<Self, Fault> {
        let Input { object, .. } = work.input(name)?;
        fenced(|| Self::of_content(&object.content, bounds, work.timeout))
    }

    /// The same for a content, without the fence against a decoder that panics. Another program that reads it has so much time,
    /// all in all.
    pub(super) fn of_content(content: &Content, bounds: Bounds, time: Duration) -> Result<Self, Fault> {
        let native = || Self::begin(formats::open(content)?, bounds, false);
        match bounds.decoder {
            DecoderChoice::Native => Ok(native()?),
            DecoderChoice::Auto => match native() {
                Err(Refusal::Unsupported { what, fault, extent }) => match Program::find() {
                    Some(program) => {
                        let track = Ffmpeg::open(&program, content, &what, extent, deadline(time))?;
                        Ok(Self::begin(Box::new(track), bounds, true)?)
                    }
                    None => Err(Fault::bad_input(format!("{fault}, or install ffmpeg here"))),
                },
                read => Ok(read?),
            },
            DecoderChoice::Ffmpeg => {
                let program = Program::find().ok_or_else(|| {
                    Fault::fatal(
                        "the job's `decoder: ffmpeg` needs the program ffmpeg, which is not on the PATH; install it, or give the job `decoder: auto`",
                    )
                })?;
                let until = deadline(time);
                let of_kind = |what: &str, extent| Ffmpeg::open(&program, content, what, extent, until);
                // What ffmpeg passes over without a word is found by our reader of the format, where there is one.
                let opened = match formats::open(content) {
                    Ok(own) => {
                        let track = of_kind("this file", Extent::default())?;
                        Self::begin(Box::new(CrossChecked::new(track, own, until)), bounds, true)
                    }
                    Err(Refusal::Unsupported { what, extent, .. }) => {
                        Self::begin(Box::new(of_kind(&what, extent)?), bounds, true)
                    }
                    // What is text or a picture is called so.
                    Err(Refusal::Unknown(own)) => of_kind("this file", Extent::default())
                        .and_then(|track| Self::begin(Box::new(track), bounds, true))
                        .map_err(|refusal| if refusal.kind == FaultKind::BadInput { own.into() } else { refusal }),
                    Err(refusal) => Err(refusal),
                };
                Ok(opened?)
            }
        }
    }

    fn begin(mut track: Box<dyn Blocks>, bounds: Bounds, by_ffmpeg: bool) -> Result<Self, Refusal> {
        let (mut ahead, mut ended) = (VecDeque::new(), None);
        while ended.is_none() && (ahead.is_empty() || track.is_undecided()) {
            let mut block = Vec::new();
            match track.advance(&mut block) {
                Ok(true) => ahead.push_back(block),
                Ok(false) => ended = Some(Ok(())),
                // What is wrong later may lie behind the part that is read.
                Err(refusal @ (Refusal::Other(_) | Refusal::Unknown(_))) if !ahead.is_empty() => {
                    ended = Some(Err(refusal))
                }
                Err(refusal) => return Err(refusal),
            }
        }
        let declared = track.sound().declared;
        let Some(first) = ahead.front() else {
            // Nothing to hand out: a file that was cut says so, and one that is empty has to.
            track.judge(0)?;
            return Err(Refusal::bad_input("the file holds no sound; replace it with a whole copy"));
        };
        let (channels, block, bursts) = (first.len(), Vec::new(), Bursts::default());
        let opened = Self { track, bounds, block, channels, ahead, ended, frames: 0, by_ffmpeg, bursts };
        check_shape(opened.rate(), opened.channels)?;
        opened.check_length(declared.unwrap_or(0))?;
        Ok(opened)
    }

    /// Frames in a second.
    pub fn rate(&self) -> u32 {
        self.track.sound().rate
    }

    /// How many channels each block has.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Where the channels stand, in the order of the block, where the file says it.
    pub fn layout(&self) -> Option<Position> {
        let layout = self.track.sound().layout;
        layout.filter(|layout| layout.bits().count_ones() as usize == self.channels)
    }

    /// The codec, by ffmpeg's name of it; what sentences call it where ffmpeg reads it.
    pub fn codec(&self) -> Cow<'static, str> {
        self.track.codec()
    }

    /// Whether the program ffmpeg reads it.
    pub fn is_by_ffmpeg(&self) -> bool {
        self.by_ffmpeg
    }

    /// Frames handed out so far; all of them once [`Self::next_block`] said `None`.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The next block, one `Vec` of equal length for each channel, with full scale at ±1; none after the last.
    ///
    /// # Errors
    /// A fault of the input: cut off, damaged, too long, changing its shape, samples out of all bounds. Whether a track is
    /// whole is known at its end only, so what was made from earlier blocks is worth nothing before this returns `None`.
    pub fn next_block(&mut self) -> Result<Option<&[Vec<f32>]>, Fault> {
        if !self.take_block()? {
            self.track.judge(self.frames)?;
            self.bounds.lengths.check(self.frames, &self.track.sound())?;
            return Ok(None);
        }
        if self.block.len() != self.channels {
            return Err(Fault::bad_input(format!(
                "the track changes its channels at {}; convert it to one number of them first",
                self.at(self.frames)
            )));
        }
        let frames = self.block.first().map_or(0, Vec::len) as u64;
        self.frames += frames;
        self.check_length(self.frames)?;
        let loudest = self.track.sound().loudest;
        if self.block.iter().any(|channel| !bounded(channel, loudest)) {
            let what =
                if loudest == f32::MAX { "a sample is no number" } else { "it decodes to noise far beyond full scale" };
            return Err(Fault::bad_input(format!(
                "the file is damaged at {}: {what}; replace it with a whole copy",
                self.at(self.frames - frames)
            )));
        }
        // Only what keeps each bit can hold it, and of what ffmpeg reads that is not known.
        if let Some(name) = (loudest == 1.0 || self.by_ffmpeg).then(|| self.bursts.see(&self.block)).flatten() {
            return Err(not_samples(name));
        }
        Ok(Some(&self.block))
    }

    /// Judges what was handed out so far, where the rest of the track is not read.
    ///
    /// # Errors
    /// A fault of the input, as at its end: more pieces of it cannot be decoded than may be.
    pub(crate) fn check_so_far(&self) -> Result<(), Fault> {
        Ok(self.track.judge_so_far()?)
    }

    /// Puts the next frames into `block`; false where there are no more.
    fn take_block(&mut self) -> Result<bool, Fault> {
        if let Some(block) = self.ahead.pop_front() {
            self.block = block;
            return Ok(true);
        }
        match self.ended.take() {
            Some(ended) => ended.map(|()| false).map_err(Fault::from),
            None => fenced(|| self.track.advance(&mut self.block)).map_err(|refusal| self.too_late(refusal)),
        }
    }

    /// What is said of a track that turns out to be of another kind when some of it was handed out.
    fn too_late(&self, refusal: Refusal) -> Fault {
        match refusal {
            Refusal::Unsupported { what, .. } if self.frames > 0 => Fault::bad_input(format!(
                "{what}, as the track is from {} on, is not supported; convert the file with `ffmpeg -i FILE FILE.flac` first",
                self.at(self.frames)
            )),
            other => other.into(),
        }
    }

    fn check_length(&self, frames: u64) -> Result<(), Fault> {
        let most = u64::from(self.bounds.minutes) * 60 * u64::from(self.rate());
        if frames > most {
            return Err(Fault::bad_input(format!(
                "the track is longer than {}; give the job a larger `max_minutes` if that is right",
                self.at(most)
            )));
        }
        Ok(())
    }

    fn at(&self, frames: u64) -> String {
        clock(frames as f64 / f64::from(self.rate().max(1)))
    }
}

/// A file whose samples are another format's frames. Ffmpeg finds them in WAV only, whatever they came in.
fn not_samples(name: &str) -> Fault {
    Fault::bad_input(format!(
        "{name} in the place of samples is not supported; convert the file with `ffmpeg -i FILE -f wav - | ffmpeg -i - FILE.flac` first"
    ))
}

fn bounded(samples: &[f32], loudest: f32) -> bool {
    // Not-a-number fails every comparison; no early exit, so that the loop is a few instructions for eight samples.
    samples.iter().fold(true, |good, sample| good & (sample.abs() <= loudest))
}
