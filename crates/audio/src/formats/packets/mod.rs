//! Reads the packets that symphonia takes out of a container, and decodes them with its decoders.

mod facts;
mod lost;
mod open;
#[cfg_attr(not(feature = "opus"), path = "without_opus.rs")]
mod opus;

use std::{borrow::Cow, collections::VecDeque, io};

use crate::refusal::Refusal;
use symphonia::core::{
    audio::{Channels, Position},
    codecs::audio::{
        AudioCodecId, AudioCodecParameters, AudioDecoder,
        well_known::{
            CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS,
            CODEC_ID_VORBIS,
        },
    },
    errors::Error,
    formats::{FormatReader, Track},
    packet::Packet,
};

use super::aac::element::is_empty;
use super::{
    aac::{HE_AAC, config::config, sbr::Detector},
    alac::Alac,
    blocks::{Blocks, LOUDEST, Sound, usual_layout},
    faults::{breaks_off, changed, damaged, damaged_at, several, too_short, unread, unsupported},
    flac::{frame, order::Order},
    mpeg,
    ogg::{OpenLink, Remuxed, Vorbis},
    source::Spliced,
    trim::{Tail, Trim, cut_frames},
};
use crate::limits::check_shape;
pub(crate) use facts::{Facts, Span};
pub(crate) use lost::Lost;
pub(crate) use open::aac_decoder;
use open::{check_width, decoder, probed, shape};

/// What is said of a piece of a lossless track.
const UNDECODED: &str = "a piece of it cannot be decoded";

/// A track that is being read.
pub(crate) struct Packets {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    detector: Option<Detector>,
    /// Checks packets of ALAC, of which symphonia's decoder takes any bits for sound.
    alac: Option<Alac>,
    /// The order of the frames of FLAC.
    order: Order,
    facts: Facts,
    codec: AudioCodecId,
    track: u32,
    rate: u32,
    channels: usize,
    /// Frames in a packet, as the last one had them.
    usual: usize,
    layout: Option<Position>,
    declared: Option<u64>,
    trim: Trim,
    /// Frames that are still to be handed out, where the container ends the track.
    left: Option<u64>,
    tail: Tail,
    /// Frames that came out of packets, with silence in the place of those that could not be decoded.
    decoded: u64,
    bytes: u64,
    lost: Lost,
    cut: bool,
}

impl Packets {
    /// Opens a track whose container is not Ogg, whatever its codec.
    ///
    /// # Errors
    /// Where the container or the codec is damaged or not read.
    pub(crate) fn any(source: Spliced, extension: &str, facts: Facts) -> Result<Box<dyn Blocks>, Refusal> {
        let (reader, track, parameters) = probed(source, extension, &facts)?;
        if parameters.codec == CODEC_ID_OPUS {
            return opus::open(reader, track.id, (&parameters, extension), facts);
        }
        if parameters.codec != CODEC_ID_VORBIS {
            return Ok(Box::new(Self::new(reader, &track, &parameters, facts)?));
        }
        let headers = parameters.extra_data.as_deref().unwrap_or(&[]);
        let pages = Remuxed::new(reader, track.id, headers, facts.least())
            .ok_or_else(|| damaged("its Vorbis headers are missing"))?;
        let link: OpenLink = Box::new(move || Ok(Box::new(pages)));
        let vorbis = Vorbis::open(VecDeque::from([link]), facts.cut)?;
        let drop_at_end = facts.drop_at_end.map_or(0, |span| span.frames(vorbis.sound().rate));
        let skip = facts.skip.map_or(0, |span| span.frames(vorbis.sound().rate));
        Ok(Box::new(vorbis.trimmed(skip, drop_at_end)))
    }

    /// Opens a track that is not Vorbis.
    ///
    /// # Errors
    /// Where the container or the codec is damaged or not read.
    pub(crate) fn open(source: Spliced, extension: &str, facts: Facts) -> Result<Self, Refusal> {
        let (reader, track, parameters) = probed(source, extension, &facts)?;
        Self::new(reader, &track, &parameters, facts)
    }

    fn new(
        reader: Box<dyn FormatReader>,
        track: &Track,
        parameters: &AudioCodecParameters,
        facts: Facts,
    ) -> Result<Self, Refusal> {
        check_width(parameters)?;
        let (decoder, detector) = match (parameters.codec, &parameters.extra_data) {
            (CODEC_ID_AAC, Some(description)) => {
                let config = config(description)?;
                (aac_decoder(config)?, Some(Detector::new(aac_decoder(config)?)))
            }
            _ => (decoder(parameters)?, None),
        };
        // The codec knows better: MP4 has 16 bits for a rate, and 0 where that is not enough.
        let known = [decoder.codec_params().sample_rate, parameters.sample_rate];
        let rate = known.into_iter().flatten().find(|&rate| rate > 0);
        let channels =
            decoder.codec_params().channels.as_ref().or(parameters.channels.as_ref()).map_or(0, Channels::count);
        if let Some(rate) = rate.or(parameters.sample_rate) {
            check_shape(rate, channels.max(1))?;
        }
        let rate = rate.unwrap_or(0);
        let alac = parameters.extra_data.as_deref().filter(|_| parameters.codec == CODEC_ID_ALAC).and_then(Alac::new);
        let declared = match facts.declared {
            Some(span) => Some(span.frames(rate)),
            None if facts.length_unknown => None,
            None => track.num_frames.filter(|&frames| frames > 0),
        };
        let span = |span: Option<Span>| span.map(|span| span.frames(rate));
        Ok(Self {
            reader,
            decoder,
            detector,
            alac,
            order: Order::default(),
            facts,
            codec: parameters.codec,
            track: track.id,
            rate,
            channels,
            usual: if parameters.codec == CODEC_ID_AAC { 1024 } else { 0 },
            layout: None,
            declared,
            trim: Trim::new(span(facts.skip).unwrap_or(0)),
            left: span(facts.keep),
            tail: Tail::new(span(facts.drop_at_end).unwrap_or(0)),
            decoded: 0,
            bytes: 0,
            lost: Lost::default(),
            cut: facts.cut,
        })
    }

    fn is_lossless(&self) -> bool {
        [CODEC_ID_FLAC, CODEC_ID_ALAC].contains(&self.codec)
    }

    /// The next packet of the track; none at the end.
    fn next_packet(&mut self) -> Result<Option<Packet>, Refusal> {
        loop {
            match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                Ok(None) => return Ok(None),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.cut |= !self.facts.cut_is_known;
                    return Ok(None);
                }
                Err(Error::IoError(error)) => return Err(unread(&error)),
                Err(Error::ResetRequired) => return Err(several()),
                // The reader of FLAC looks for the next frame by itself; no other one finds its way again.
                Err(_) if self.codec == CODEC_ID_FLAC => self.lost.count(None, self.decoded, self.rate)?,
                Err(error) => {
                    return Err(damaged_at(self.decoded, self.rate, &format!("nothing is found from there ({error})")));
                }
            }
        }
    }

    /// Decodes up to the next packet with frames in it; false at the end.
    fn decode(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        while let Some(packet) = self.next_packet()? {
            self.bytes += packet.data.len() as u64;
            if self.detector.as_mut().is_some_and(|detector| detector.sees(&packet.data)) {
                return Err(unsupported(HE_AAC).of_cut_file(self.facts.cut));
            }
            if self.alac.as_ref().is_some_and(|alac| !alac.is_whole(&packet.data)) {
                return Err(damaged_at(self.decoded, self.rate, UNDECODED));
            }
            if self.codec == CODEC_ID_FLAC {
                self.check_flac(&packet.data)?;
            }
            if self.codec == CODEC_ID_MP3 && mpeg::layer_of(&packet.data).is_some_and(|layer| layer < 3) {
                return Err(unsupported("MPEG audio of layer I or II under the name of layer III"));
            }
            let first = self.lost.good() == 0;
            if first && self.codec == CODEC_ID_MP2 && mpeg::is_outside_the_standard(&packet.data) {
                return Err(unsupported(mpeg::ODD_LAYER_TWO));
            }
            let decoded = match self.codec == CODEC_ID_AAC && is_empty(&packet.data) {
                true => Err(Error::DecodeError("a packet without sound")),
                false => self.decoder.decode(&packet),
            };
            match decoded {
                Ok(audio) => {
                    self.lost.count_good();
                    if audio.frames() == 0 {
                        continue;
                    }
                    let (rate, channels) = shape(&audio)?;
                    audio.copy_to_vecs_planar(block);
                    if self.codec == CODEC_ID_ALAC {
                        Alac::order(block);
                    }
                    if first {
                        (self.rate, self.channels) = (rate, channels.count());
                        self.layout = match channels {
                            Channels::Positioned(positions) => Some(positions),
                            _ => usual_layout(channels.count()),
                        };
                    } else if rate != self.rate {
                        return Err(changed(self.decoded, self.rate));
                    }
                    self.usual = block[0].len();
                }
                Err(Error::ResetRequired) => {
                    self.decoder.reset();
                    continue;
                }
                Err(error) => self.silence(&error, &packet.data, block)?,
            }
            self.decoded += block.first().map_or(0, Vec::len) as u64;
            if block.first().is_some_and(|channel| !channel.is_empty()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks a frame of FLAC: its decoder believes it.
    fn check_flac(&mut self, packet: &[u8]) -> Result<(), Refusal> {
        if !frame::is_whole(packet) {
            return Err(damaged_at(self.decoded, self.rate, UNDECODED));
        }
        if !self.order.follows(packet, self.decoded, self.declared.is_some()) {
            return Err(match self.order.begins_anew(packet) {
                true => several(),
                false => damaged_at(self.decoded, self.rate, "a piece of it is missing, or stands in another's place"),
            });
        }
        match frame::rate_of(packet).filter(|&rate| rate != self.rate) {
            None => Ok(()),
            Some(rate) if self.decoded == 0 => {
                Err(damaged(&format!("it claims {} Hz, and its frames {rate} Hz", self.rate)))
            }
            Some(_) => Err(changed(self.decoded, self.rate)),
        }
    }

    /// Puts silence into the place of a packet that cannot be decoded, so that all else stays where it was.
    fn silence(&mut self, error: &Error, packet: &[u8], block: &mut Vec<Vec<f32>>) -> Result<(), Refusal> {
        if self.is_lossless() {
            return Err(damaged_at(self.decoded, self.rate, UNDECODED));
        }
        let what = if let Error::Unsupported(what) = error { Some(*what) } else { None };
        if let Some(what) = what.filter(|_| self.lost.good() == 0) {
            return Err(unsupported(&format!("this track ({what})")));
        }
        self.lost.count(what, self.decoded, self.rate)?;
        let frames = mpeg::frames_of(packet).filter(|_| self.codec != CODEC_ID_AAC).unwrap_or(self.usual);
        block.clear();
        block.resize(self.channels, vec![0.0; frames]);
        Ok(())
    }
}

impl Blocks for Packets {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        while self.decode(block)? {
            let skipped = self.trim.skip(block[0].len());
            cut_frames(block, skipped);
            self.tail.hold(block);
            let kept = self.left.map_or(block[0].len(), |left| left.min(block[0].len() as u64) as usize);
            self.left = self.left.map(|left| left - kept as u64);
            block.iter_mut().for_each(|channel| channel.truncate(kept));
            if kept > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_undecided(&self) -> bool {
        self.detector.as_ref().is_some_and(Detector::is_at_the_start)
    }

    fn sound(&self) -> Sound {
        Sound {
            rate: self.rate,
            layout: self.facts.layout.or(self.layout),
            declared: self.declared,
            loudest: if self.is_lossless() { 1.0 } else { LOUDEST },
        }
    }

    fn codec(&self) -> Cow<'static, str> {
        self.decoder.codec_info().short_name.into()
    }

    fn judge_so_far(&self) -> Result<(), Refusal> {
        self.lost.judge()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        let lossy = [CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&self.codec);
        // Codecs with frames that overlap may hand out a little less than the container declares; all others are exact.
        let tolerance = if lossy { 4096 } else { self.facts.tolerance };
        if let Some(declared) = self.declared.filter(|&declared| frames + tolerance < declared) {
            return Err(too_short(frames, declared, self.rate));
        }
        if self.cut || self.facts.bytes.is_some_and(|bytes| self.bytes < bytes) {
            return Err(breaks_off(frames, self.rate));
        }
        if self.lost.pieces() < self.facts.least() {
            return Err(damaged(&format!(
                "{} of its packets cannot be found",
                self.facts.least() - self.lost.pieces()
            )));
        }
        if frames == 0 && self.lost.is_empty() {
            return Err(Refusal::bad_input("the file holds no sound; replace it with a whole copy"));
        }
        self.lost.judge()?;
        if self.decoder.finalize().verify_ok == Some(false) {
            if self.declared.is_some_and(|declared| frames > declared) {
                return Err(several());
            }
            return Err(damaged("its sound does not match its own checksum"));
        }
        Ok(())
    }
}
