//! The option `decoder: ffmpeg` for what a reader of ours knows as well: ffmpeg decodes it, and our reader says whether it is whole.
//!
//! Ffmpeg passes over damaged or missing pages of Ogg, and takes a cut for the end in Ogg, Matroska and MP3. At the end our reader
//! goes through the same file: what it calls damaged is refused, and so is a track of which ffmpeg decoded less or more.

use std::{
    borrow::Cow,
    time::{Duration, Instant},
};

use euterpe_actors::outcome::{Fault, FaultKind};

use super::fence::fenced;
use crate::{
    ffmpeg::Ffmpeg,
    formats::{Blocks, Sound},
    refusal::Refusal,
};

/// By how much two decoders of one track may differ in where they begin and end: the delays of codecs, which not all take off.
const ROOM: Duration = Duration::from_millis(100);

/// A track that ffmpeg decodes and our reader goes through behind it.
pub(super) struct CrossChecked {
    track: Ffmpeg,
    own: Box<dyn Blocks>,
    until: Instant,
    /// What the file declares, where our reader found more.
    exceeded: Option<u64>,
}

impl CrossChecked {
    /// What ffmpeg decodes, what our reader finds in the same file, and when both must have ended.
    pub(super) fn new(track: Ffmpeg, own: Box<dyn Blocks>, until: Instant) -> Self {
        Self { track, own, until, exceeded: None }
    }

    /// How many frames our reader finds at which rate; none where the track turns out to be of a kind that it does not read.
    fn found(&mut self) -> Result<Option<(u64, u32)>, Refusal> {
        let (mut block, mut frames) = (Vec::new(), 0);
        let read = fenced(|| {
            while self.own.advance(&mut block)? {
                frames += block.first().map_or(0, Vec::len) as u64;
                if Instant::now() > self.until {
                    let text = "the file had not been checked when the time of the job was over";
                    return Err(Fault::new(FaultKind::Timeout, text).into());
                }
            }
            self.own.judge(frames)
        });
        match read {
            Ok(()) => Ok(Some((frames, self.own.sound().rate))),
            Err(Refusal::Unsupported { .. }) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

impl Blocks for CrossChecked {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        self.track.advance(block)
    }

    fn sound(&self) -> Sound {
        Sound { declared: self.exceeded, ..self.track.sound() }
    }

    fn codec(&self) -> Cow<'static, str> {
        self.track.codec()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        self.track.judge(frames)?;
        let rate = self.track.sound().rate;
        let Some((own, own_rate)) = self.found()? else { return Ok(()) };
        let sound = self.own.sound();
        self.exceeded = sound.declared.filter(|&declared| own > declared && own_rate == rate);
        let seconds = |frames: u64, rate: u32| frames as f64 / f64::from(rate.max(1));
        let (decoded, whole) = (seconds(frames, rate), seconds(own, own_rate));
        // What keeps each bit has no delay.
        let room = if sound.loudest == 1.0 { 0.0 } else { ROOM.as_secs_f64() };
        if (decoded - whole).abs() <= room && (frames > 0 || own == 0) {
            return Ok(());
        }
        let more = if decoded > whole { ", which reads no more than that" } else { ", which reads all of it" };
        Err(Refusal::bad_input(format!(
            "ffmpeg decodes {decoded:.3} s where the file holds {whole:.3} s of sound, and calls that no error; give the job `decoder: auto`{more}"
        )))
    }
}
