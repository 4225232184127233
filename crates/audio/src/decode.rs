//! Decodes a track into planar blocks, with a bound on everything that a file may claim.
//!
//! A file that is cut off, damaged or no audio at all is a fault of the input, in a sentence for whoever has to replace it.
//! A cut shows where the file declares its length (flac, wav, aiff, m4a, mp3 with a `Xing`, `Info` or `VBRI` tag), marks its
//! end (ogg), or is cut within a frame. An untagged mp3 that is cut between two frames cannot be told from a whole one.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use euterpe_actors::{
    outcome::Fault,
    storage::Content,
    transform::{Input, Work, blocking::panic_text},
};
use symphonia::core::{
    audio::{Channels, Position},
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS, CODEC_ID_VORBIS},
    },
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

use super::{
    clock,
    ending::{Ending, ending_of},
    not_audio::not_audio,
    source::{Metered, Source},
};

/// The most channels that are read.
pub const MAX_CHANNELS: usize = 64;
/// The highest sample rate that is read, in Hz.
pub const MAX_RATE: u32 = 768_000;
/// A sample beyond this is noise from a broken decoder, not music that is a little too loud.
const LOUDEST: f32 = 4.0;
/// So many packets in a row that cannot be read end the file.
const MAX_BAD_IN_A_ROW: u32 = 200;

/// A track open for decoding: blocks of planar samples, one after the other.
pub struct Decoder {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    rate: u32,
    layout: Option<Position>,
    declared: Option<u64>,
    ending: Ending,
    /// How many frames fewer than declared are no loss.
    tolerance: u64,
    max_frames: u64,
    block: Vec<Vec<f32>>,
    /// Whether `block` was decoded ahead, in order to know the channels.
    ahead: bool,
    frames: u64,
    packets: u64,
    bad: u64,
    bad_in_a_row: u32,
    cut: bool,
}

impl Decoder {
    /// Opens the input of a name for decoding; a track longer than `max_minutes` is refused on the way.
    ///
    /// # Errors
    /// A fault of the input where it is empty, no audio, of a format that is not read or beyond the bounds.
    pub fn open(work: &Work, name: &str, max_minutes: u32) -> Result<Self, Fault> {
        let Input { object, path, .. } = work.input(name)?;
        fenced(|| Self::of_content(&object.content, path, max_minutes))
    }

    /// The same for a content whose path tells its extension, without the fence against a decoder that panics.
    pub(super) fn of_content(content: &Content, path: &str, max_minutes: u32) -> Result<Self, Fault> {
        let unreadable = |error: io::Error| Fault::failed(format!("could not read `{path}`: {error}"));
        let source = Source::open(content).map_err(unreadable)?;
        if source.length() == 0 {
            return Err(Fault::bad_input("the file is empty; replace it with a whole copy"));
        }
        let ending = ending_of(Source::open(content).map_err(unreadable)?).map_err(unreadable)?;
        let mut hint = Hint::new();
        if let Some((_, extension)) = path.rsplit_once('.') {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(Metered::new(source)), MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| not_audio(content, &error))?;
        let track = reader
            .default_track(TrackType::Audio)
            .ok_or_else(|| Fault::bad_input("this is not audio: the file has no audio track"))?;
        let parameters = track
            .codec_params
            .as_ref()
            .and_then(|parameters| parameters.audio())
            .ok_or_else(|| {
                Fault::bad_input("the file does not say how its audio is encoded; convert it to flac or wav")
            })?
            .clone();
        let (id, declared) = (track.id, track.num_frames.filter(|&frames| frames > 0));
        let decoder = decoder_for(&parameters)?;
        let mut opened = Self {
            reader,
            decoder,
            track: id,
            rate: parameters.sample_rate.unwrap_or(0),
            layout: None,
            declared,
            ending,
            tolerance: tolerance(&parameters),
            max_frames: 0,
            block: Vec::new(),
            ahead: false,
            frames: 0,
            packets: 0,
            bad: 0,
            bad_in_a_row: 0,
            cut: false,
        };
        opened.ahead = opened.advance()?;
        if !opened.ahead {
            opened.judge()?;
        }
        opened.max_frames = u64::from(max_minutes) * 60 * u64::from(opened.rate);
        opened.check_length(opened.declared.filter(|_| opened.ending != Ending::Estimated).unwrap_or(0))?;
        Ok(opened)
    }

    /// Frames in a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// How many channels each block has.
    pub fn channels(&self) -> usize {
        self.block.len()
    }

    /// Where the channels stand, in the order of the block, where the file says it.
    pub fn layout(&self) -> Option<Position> {
        self.layout
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
        if !std::mem::take(&mut self.ahead) && !fenced(|| self.advance())? {
            self.judge()?;
            return Ok(None);
        }
        let frames = self.block.first().map_or(0, Vec::len) as u64;
        self.frames += frames;
        self.check_length(self.frames)?;
        if self.block.iter().any(|channel| !bounded(channel)) {
            return Err(Fault::bad_input(format!(
                "the file is damaged at {}: it decodes to noise far beyond full scale; replace it with a whole copy",
                self.at(self.frames - frames)
            )));
        }
        Ok(Some(&self.block))
    }

    /// Decodes up to the next packet with frames in it into `block`; false at the end.
    fn advance(&mut self) -> Result<bool, Fault> {
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.cut = true;
                    return Ok(false);
                }
                Err(Error::IoError(error)) => return Err(Fault::failed(format!("could not read the track: {error}"))),
                Err(Error::ResetRequired) => {
                    return Err(Fault::bad_input(
                        "the file is several recordings in a row; split it into one file each",
                    ));
                }
                Err(_) => {
                    self.packets += 1;
                    if self.count_bad() {
                        return Ok(false);
                    }
                    continue;
                }
            };
            if packet.track_id != self.track {
                continue;
            }
            self.packets += 1;
            match self.decoder.decode(&packet) {
                Ok(audio) => {
                    self.bad_in_a_row = 0;
                    if audio.frames() == 0 {
                        continue;
                    }
                    let (rate, channels) = (audio.spec().rate(), audio.spec().channels().clone());
                    check_shape(rate, channels.count())?;
                    let first = self.block.is_empty();
                    if !first && (rate != self.rate || channels.count() != self.block.len()) {
                        return Err(Fault::bad_input(format!(
                            "the track changes its sample rate or channels at {}; convert it to one of each first",
                            self.at(self.frames)
                        )));
                    }
                    if first {
                        self.rate = rate;
                        self.layout = match channels {
                            Channels::Positioned(positions) => Some(positions),
                            _ => None,
                        };
                    }
                    audio.copy_to_vecs_planar(&mut self.block);
                    return Ok(true);
                }
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    if self.count_bad() {
                        return Ok(false);
                    }
                }
                Err(Error::ResetRequired) => self.decoder.reset(),
                Err(Error::DecodeError(_)) => {
                    if self.count_bad() {
                        return Ok(false);
                    }
                }
                Err(error) => return Err(Fault::bad_input(format!("the track cannot be decoded: {error}"))),
            }
        }
    }

    /// Counts a packet that cannot be decoded; true where it is time to give up.
    fn count_bad(&mut self) -> bool {
        self.bad += 1;
        self.bad_in_a_row += 1;
        self.bad_in_a_row >= MAX_BAD_IN_A_ROW
    }

    /// Whether all of the track was there, now that its end is reached.
    fn judge(&mut self) -> Result<(), Fault> {
        if self.rate == 0 || (self.frames == 0 && self.bad == 0 && !self.cut && self.declared.is_none()) {
            return Err(Fault::bad_input("the file holds no sound; replace it with a whole copy"));
        }
        let declared = self.declared.filter(|_| self.ending != Ending::Estimated);
        let short = declared.filter(|declared| self.frames + self.tolerance < *declared);
        let remedy = "the file is cut off or damaged; replace it with a whole copy";
        if let Some(declared) = short {
            let (end, whole) = (self.at(self.frames), self.at(declared));
            if end == whole {
                let missing = declared - self.frames;
                return Err(Fault::bad_input(format!("the last {missing} frames of the track are missing: {remedy}")));
            }
            return Err(Fault::bad_input(format!("the track ends after {end} of {whole}: {remedy}")));
        }
        // A recorder that writes into a pipe cannot know the length of a WAV file: such a file ends where it ends.
        let endless = self.declared.is_none() && self.tolerance == 0;
        if self.ending == Ending::Open || (self.cut && !endless) {
            let end = self.at(self.frames);
            return Err(Fault::bad_input(format!("the track breaks off after {end}: {remedy}")));
        }
        if self.bad * 100 > self.packets {
            return Err(Fault::bad_input(format!(
                "the file is damaged: {} of its {} pieces cannot be decoded; replace it with a whole copy",
                self.bad, self.packets
            )));
        }
        if self.decoder.finalize().verify_ok == Some(false) {
            return Err(Fault::bad_input(
                "the file is damaged: its sound does not match its own checksum; replace it with a whole copy",
            ));
        }
        Ok(())
    }

    fn check_length(&self, frames: u64) -> Result<(), Fault> {
        if frames > self.max_frames {
            return Err(Fault::bad_input(format!(
                "the track is longer than {}; give the job a larger `max_minutes` if that is right",
                self.at(self.max_frames)
            )));
        }
        Ok(())
    }

    fn at(&self, frames: u64) -> String {
        clock(frames as f64 / f64::from(self.rate.max(1)))
    }
}

/// A file on which the decoder panics will make it panic again: that is the file's fault and worth no other try.
fn fenced<T>(decode: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let why = panic_text(&*panic).to_owned();
        Err(Fault::bad_input(format!(
            "the file is damaged so that its decoder gave up ({why}); replace it with a whole copy"
        )))
    })
}

fn decoder_for(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Fault> {
    if parameters.codec == CODEC_ID_OPUS {
        return Err(Fault::bad_input("Opus is not read; convert the file to flac, wav or ogg vorbis first"));
    }
    if let Some(rate) = parameters.sample_rate {
        check_shape(rate, parameters.channels.as_ref().map_or(1, Channels::count))?;
    }
    symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default().verify(true))
        .map_err(|error| {
            Fault::bad_input(format!("the track cannot be decoded ({error}); convert it to flac or wav first"))
        })
}

fn check_shape(rate: u32, channels: usize) -> Result<(), Fault> {
    if rate == 0 || rate > MAX_RATE {
        return Err(Fault::bad_input(format!("the file claims a sample rate of {rate} Hz; 1 to {MAX_RATE} are read")));
    }
    if channels == 0 || channels > MAX_CHANNELS {
        return Err(Fault::bad_input(format!("the file claims {channels} channels; 1 to {MAX_CHANNELS} are read")));
    }
    Ok(())
}

/// Codecs with frames that overlap may hand out a little less than the container declares; all others are exact.
fn tolerance(parameters: &AudioCodecParameters) -> u64 {
    let lossy = [CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_VORBIS];
    if lossy.contains(&parameters.codec) {
        u64::from(parameters.sample_rate.unwrap_or(44_100) / 8).max(4096)
    } else {
        0
    }
}

fn bounded(samples: &[f32]) -> bool {
    // Not-a-number fails every comparison; no early exit, so that the loop is a few instructions for eight samples.
    samples.iter().fold(true, |good, sample| good & (sample.abs() <= LOUDEST))
}
