//! Reads MPEG audio (MP1, MP2, MP3) frame by frame; symphonia's decoder makes sound of them.
//!
//! The number of frames in a tag tells where the encoder's padding begins, and whether something is missing. It is not
//! where reading ends: what stands beyond it, as in two files in a row, is sound like any other.

mod frames;
mod header;
mod tag;

use std::borrow::Cow;

use crate::refusal::Refusal;
use symphonia::core::{
    audio::Channels,
    codecs::audio::{
        AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3},
    },
    packet::PacketRef,
    units::{Duration, Timestamp},
};

use super::{
    blocks::{Blocks, LOUDEST, Sound, usual_layout},
    faults::{breaks_off, changed, check_pieces, damaged, too_short, unread, unsupported},
    source::Source,
    trim::{Trim, cut_frames},
    window::Window,
};
use frames::{Frames, Next};
use header::Header;
pub(crate) use header::is_outside_the_standard;
use tag::{DECODER_DELAY, Tag};

/// What is said of a whole file that decoders by the standard refuse.
pub(crate) const ODD_LAYER_TWO: &str =
    "MPEG layer II of a bit rate that its standard does not have for so many channels";

/// Whether a frame begins here whose length its header does not tell.
pub(crate) fn has_free_rate(head: &[u8]) -> bool {
    Header::read(head).is_some_and(|header| header.bytes.is_none())
}

/// Frames of sound in a packet that begins with a header.
pub(crate) fn frames_of(packet: &[u8]) -> Option<usize> {
    Header::read(packet).map(|header| header.samples as usize)
}

/// The layer of the packet that begins with these bytes, where they are the header of one.
pub(crate) fn layer_of(packet: &[u8]) -> Option<u8> {
    Header::read(packet).map(|header| header.layer)
}

/// A stream that is being read.
pub(crate) struct Mpeg {
    frames: Frames,
    decoder: Box<dyn AudioDecoder>,
    header: Header,
    tag: Tag,
    /// The frame that was looked at when the stream was opened.
    first: Option<Vec<u8>>,
    trim: Trim,
    /// Sound beyond the declared end: padding, unless more follows.
    held: Vec<Vec<f32>>,
    decoded: u64,
    packets: u64,
    bad: u64,
    /// Bytes of the frames that were read.
    bytes: u64,
    /// Frames that are missing before the next one, which waits until silence stands in their place.
    missing: u64,
    waiting: Option<(Header, Vec<u8>)>,
    cut: bool,
}

impl Mpeg {
    /// Looks for the first frames from `start` on; none where this is no MPEG stream. `cut` says that the container has less of
    /// it than it declares.
    ///
    /// # Errors
    /// Where the source cannot be read, or the stream has a free bit rate.
    pub(crate) fn open(source: Source, start: u64, length: u64, cut: bool) -> Result<Option<Self>, Refusal> {
        let window = Window::new(source, start, length).map_err(|error| unread(&error))?;
        let mut frames = Frames::new(window);
        let (header, bytes) = loop {
            match frames.next().map_err(|error| unread(&error))? {
                Next::Frame(header, bytes) => break (header, bytes),
                Next::Junk(_) | Next::Changed => {}
                Next::Cut | Next::End => return Ok(None),
            }
        };
        let frame = frames.window.peek(bytes).map_err(|error| unread(&error))?.to_vec();
        frames.window.skip(bytes as u64).map_err(|error| unread(&error))?;
        if header::is_outside_the_standard(&frame) {
            return Err(unsupported(ODD_LAYER_TWO));
        }
        let tag = Tag::read(&header, &frame);
        let known = tag.unwrap_or_default();
        let skip = if known.delay > 0 { known.delay + DECODER_DELAY } else { 0 };
        Ok(Some(Self {
            frames,
            decoder: decoder(&header)?,
            header,
            tag: known,
            first: tag.is_none().then_some(frame),
            trim: Trim::new(skip.into()),
            held: Vec::new(),
            decoded: 0,
            packets: 0,
            bad: 0,
            bytes: 0,
            missing: 0,
            waiting: None,
            cut,
        }))
    }

    /// The next frame of the stream, into `frame`.
    fn take(&mut self, frame: &mut Vec<u8>) -> Result<Option<Header>, Refusal> {
        if let Some(first) = self.first.take() {
            *frame = first;
            return Ok(Some(self.header));
        }
        loop {
            match self.frames.next().map_err(|error| unread(&error))? {
                Next::Frame(header, bytes) => {
                    frame.clear();
                    frame.extend_from_slice(self.frames.window.peek(bytes).map_err(|error| unread(&error))?);
                    self.frames.window.skip(bytes as u64).map_err(|error| unread(&error))?;
                    return Ok(Some(header));
                }
                Next::Junk(bytes) => {
                    // As many frames as would have stood there, of the length that they had so far.
                    let usual = self.bytes.checked_div(self.packets).filter(|&usual| usual > 0);
                    let usual = usual.or(self.header.bytes.map(|bytes| bytes as u64)).unwrap_or(1);
                    let frames = bytes / usual;
                    self.missing += if self.decoded > 0 { (bytes + usual / 2) / usual } else { 0 };
                    self.packets += frames.max(1);
                    self.bad += frames.max(1);
                }
                Next::Changed => return Err(changed(self.decoded, self.header.rate)),
                Next::Cut => {
                    self.cut = true;
                    return Ok(None);
                }
                Next::End => return Ok(None),
            }
        }
    }

    /// The next frame, into `frame`; none of it where silence in `block` stands in the place of one that is missing before it.
    fn take_or_wait(
        &mut self,
        frame: &mut Vec<u8>,
        block: &mut Vec<Vec<f32>>,
    ) -> Result<Option<Option<Header>>, Refusal> {
        if self.waiting.is_none() {
            let Some(header) = self.take(frame)? else { return Ok(None) };
            // Between two files in a row nothing is missing.
            if self.missing == 0 || Tag::read(&header, frame).is_some() {
                self.missing = 0;
                return Ok(Some(Some(header)));
            }
            self.waiting = Some((header, std::mem::take(frame)));
        }
        if self.missing > 0 {
            self.missing -= 1;
            block.clear();
            block.resize(self.header.channels, vec![0.0; self.header.samples as usize]);
            self.decoded += u64::from(self.header.samples);
            return Ok(Some(None));
        }
        let waited = self.waiting.take().map(|(header, bytes)| {
            *frame = bytes;
            header
        });
        Ok(waited.map(Some))
    }

    /// Decodes a frame into `block`: silence of its length where it cannot be decoded, so that all else stays in its place.
    fn decode(&mut self, header: &Header, frame: &[u8], block: &mut Vec<Vec<f32>>) {
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(header.samples.into()), frame);
        self.packets += 1;
        self.bytes += frame.len() as u64;
        match self.decoder.decode_ref(&packet) {
            Ok(audio) => audio.copy_to_vecs_planar(block),
            Err(_) => {
                self.bad += 1;
                block.clear();
                block.resize(header.channels, vec![0.0; header.samples as usize]);
            }
        }
    }

    /// Where the encoder's padding begins, in frames of sound from the first one that is decoded.
    fn end_of_sound(&self) -> Option<u64> {
        let padding = self.tag.padding.saturating_sub(DECODER_DELAY);
        Some((self.tag.frames? * u64::from(self.header.samples)).saturating_sub(padding.into()))
    }

    /// Keeps back what is padding.
    fn hold(&mut self, block: &mut [Vec<f32>], joined: bool) {
        let frames = block.first().map_or(0, Vec::len) as u64;
        let begin = self.decoded;
        self.decoded += frames;
        let Some(sound) = self.end_of_sound().filter(|&sound| self.decoded > sound) else { return };
        let all = u64::from(self.header.samples) * self.tag.frames.unwrap_or(0);
        if begin < all {
            self.held.resize(block.len(), Vec::new());
            let keep = sound.saturating_sub(begin) as usize;
            self.held.iter_mut().zip(block).for_each(|(held, channel)| held.extend(channel.drain(keep..)));
            return;
        }
        // More follows. Another tag: two files in a row, and the padding of the first one is over. Otherwise the number in
        // the tag is wrong, and what seemed to be padding is sound.
        let held = std::mem::take(&mut self.held);
        if !joined {
            held.into_iter().zip(block).for_each(|(held, channel)| drop(channel.splice(..0, held)));
        }
    }
}

impl Blocks for Mpeg {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        let mut frame = Vec::new();
        while let Some(header) = self.take_or_wait(&mut frame, block)? {
            let Some(header) = header else { return Ok(true) };
            if header.channels != self.header.channels {
                return Err(changed(self.decoded, self.header.rate));
            }
            self.decode(&header, &frame, block);
            self.hold(block, Tag::read(&header, &frame).is_some());
            let skipped = self.trim.skip(block.first().map_or(0, Vec::len));
            cut_frames(block, skipped);
            if block.first().is_some_and(|channel| !channel.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn sound(&self) -> Sound {
        Sound {
            rate: self.header.rate,
            layout: usual_layout(self.header.channels),
            declared: self.end_of_sound().map(|end| end.saturating_sub(self.trim.skipped())),
            loudest: LOUDEST,
        }
    }

    fn codec(&self) -> Cow<'static, str> {
        format!("mp{}", self.header.layer).into()
    }

    fn judge_so_far(&self) -> Result<(), Refusal> {
        check_pieces(self.bad, self.packets)
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        let Sound { rate, declared, .. } = self.sound();
        // Encoders do not agree on whether the frame of the tag counts.
        let tolerance = 2 * u64::from(self.header.samples);
        if let Some(declared) = declared.filter(|&declared| frames + tolerance < declared) {
            return Err(too_short(frames, declared, rate));
        }
        if self.cut {
            return Err(breaks_off(frames, rate));
        }
        if frames == 0 {
            return Err(damaged("it holds no sound"));
        }
        check_pieces(self.bad, self.packets)
    }
}

fn decoder(header: &Header) -> Result<Box<dyn AudioDecoder>, Refusal> {
    let codec = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3][usize::from(header.layer - 1)];
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(codec).with_sample_rate(header.rate);
    if let Some(layout) = usual_layout(header.channels) {
        parameters.with_channels(Channels::Positioned(layout));
    }
    let options = AudioDecoderOptions::default().gapless(false);
    let made = symphonia::default::get_codecs().make_audio_decoder(&parameters, &options);
    made.map_err(|_| unsupported("this kind of MPEG audio"))
}
