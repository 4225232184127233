//! Reads the packets that symphonia takes out of a container, and decodes them with its decoders.

use std::{collections::VecDeque, io};

use euterpe_actors::outcome::Fault;
use symphonia::core::{
    audio::{Channels, Position},
    codecs::audio::{
        AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions,
        well_known::{
            CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_OPUS,
            CODEC_ID_VORBIS,
        },
    },
    errors::Error,
    formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

use super::{
    aac::{HE_AAC, config::Config, config::config, sbr::Detector},
    blocks::{Blocks, LOUDEST, Sound, usual_layout},
    faults::{breaks_off, changed, check_pieces, damaged, several, too_short, unread, unsupported},
    ogg::{OpenLink, Remuxed, Vorbis},
    source::{Metered, Spliced},
    trim::{Tail, Trim, cut_frames},
};
use crate::limits::check_shape;

/// So many packets in a row that cannot be read end the file.
const MAX_BAD_IN_A_ROW: u32 = 200;

/// A time in the units of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) ticks: u64,
    pub(crate) per_second: u64,
}

impl Span {
    fn frames(self, rate: u32) -> u64 {
        let (ticks, rate, per_second) = (u128::from(self.ticks), u128::from(rate), u128::from(self.per_second));
        ((ticks * rate + per_second / 2) / per_second) as u64
    }
}

/// What a container says of the track beside its packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Facts {
    /// Symphonia's number of the track; its default track otherwise.
    pub(crate) track: Option<u32>,
    /// What is left out at the start, and how much is kept after that.
    pub(crate) skip: Option<Span>,
    pub(crate) keep: Option<Span>,
    /// What is left out at the end, wherever that is.
    pub(crate) drop_at_end: Option<Span>,
    /// The length, where it is not for symphonia to tell.
    pub(crate) declared: Option<Span>,
    /// Whether symphonia's own idea of the length is worth nothing.
    pub(crate) length_unknown: bool,
    /// How many frames fewer than declared are no loss.
    pub(crate) tolerance: u64,
    /// Whether the file ends within something, and whether that is known without its packets.
    pub(crate) cut: bool,
    pub(crate) cut_is_known: bool,
    /// How many bytes all packets have, where nothing else tells that the last one is whole.
    pub(crate) bytes: Option<u64>,
    /// The places of the channels, where the container knows better.
    pub(crate) layout: Option<Position>,
}

/// A track that is being read.
pub(crate) struct Packets {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    detector: Option<Detector>,
    facts: Facts,
    codec: AudioCodecId,
    track: u32,
    rate: u32,
    layout: Option<Position>,
    declared: Option<u64>,
    trim: Trim,
    /// Frames that are still to be handed out, where the container ends the track.
    left: Option<u64>,
    tail: Tail,
    decoded: u64,
    packets: u64,
    bytes: u64,
    bad: u64,
    bad_in_a_row: u32,
    cut: bool,
}

impl Packets {
    /// Opens a track whose container is not Ogg, whatever its codec.
    ///
    /// # Errors
    /// Where the container or the codec is damaged or not read.
    pub(crate) fn any(source: Spliced, extension: &str, facts: Facts) -> Result<Box<dyn Blocks>, Fault> {
        let (reader, track, parameters) = probed(source, extension, &facts)?;
        if parameters.codec != CODEC_ID_VORBIS {
            return Ok(Box::new(Self::new(reader, &track, &parameters, facts)?));
        }
        let headers = parameters.extra_data.as_deref().unwrap_or(&[]);
        let pages = Remuxed::new(reader, track.id, headers).ok_or_else(|| damaged("its Vorbis headers are missing"))?;
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
    pub(crate) fn open(source: Spliced, extension: &str, facts: Facts) -> Result<Self, Fault> {
        let (reader, track, parameters) = probed(source, extension, &facts)?;
        Self::new(reader, &track, &parameters, facts)
    }

    fn new(
        reader: Box<dyn FormatReader>,
        track: &Track,
        parameters: &AudioCodecParameters,
        facts: Facts,
    ) -> Result<Self, Fault> {
        if let Some(rate) = parameters.sample_rate {
            check_shape(rate, parameters.channels.as_ref().map_or(1, Channels::count))?;
        }
        let mut rate = parameters.sample_rate.unwrap_or(0);
        let (decoder, detector) = match (parameters.codec, &parameters.extra_data) {
            (CODEC_ID_AAC, Some(description)) => {
                let config = config(description)?;
                rate = config.rate;
                (aac_decoder(config)?, Some(Detector::new(aac_decoder(config)?)))
            }
            _ => (decoder(parameters)?, None),
        };
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
            facts,
            codec: parameters.codec,
            track: track.id,
            rate,
            layout: None,
            declared,
            trim: Trim::new(span(facts.skip).unwrap_or(0)),
            left: span(facts.keep),
            tail: Tail::new(span(facts.drop_at_end).unwrap_or(0)),
            decoded: 0,
            packets: 0,
            bytes: 0,
            bad: 0,
            bad_in_a_row: 0,
            cut: facts.cut,
        })
    }

    /// Counts a packet that cannot be decoded; true where it is time to give up.
    fn count_bad(&mut self) -> bool {
        self.bad += 1;
        self.bad_in_a_row += 1;
        self.bad_in_a_row >= MAX_BAD_IN_A_ROW
    }

    /// Decodes up to the next packet with frames in it; false at the end.
    fn decode(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Fault> {
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.cut |= !self.facts.cut_is_known;
                    return Ok(false);
                }
                Err(Error::IoError(error)) => return Err(unread(&error)),
                Err(Error::ResetRequired) => {
                    return Err(several());
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
            self.bytes += packet.data.len() as u64;
            if self.detector.as_mut().is_some_and(|detector| detector.sees(&packet.data)) {
                return Err(unsupported(HE_AAC));
            }
            match self.decoder.decode(&packet) {
                Ok(audio) => {
                    self.bad_in_a_row = 0;
                    if audio.frames() == 0 {
                        continue;
                    }
                    let (rate, channels) = (audio.spec().rate(), audio.spec().channels().clone());
                    check_shape(rate, channels.count())?;
                    if self.decoded == 0 {
                        self.rate = rate;
                        self.layout = match channels {
                            Channels::Positioned(positions) => Some(positions),
                            _ => usual_layout(channels.count()),
                        };
                    } else if rate != self.rate {
                        return Err(changed(self.decoded, self.rate));
                    }
                    audio.copy_to_vecs_planar(block);
                    self.decoded += audio.frames() as u64;
                    return Ok(true);
                }
                Err(Error::ResetRequired) => self.decoder.reset(),
                Err(Error::Unsupported(what)) => return Err(unsupported(&format!("this track ({what})"))),
                Err(_) => {
                    if self.count_bad() {
                        return Ok(false);
                    }
                }
            }
        }
    }
}

impl Blocks for Packets {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Fault> {
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

    fn sound(&self) -> Sound {
        let lossless = [CODEC_ID_FLAC, CODEC_ID_ALAC].contains(&self.codec);
        Sound {
            rate: self.rate,
            layout: self.facts.layout.or(self.layout),
            declared: self.declared,
            loudest: if lossless { 1.0 } else { LOUDEST },
        }
    }

    fn judge(&mut self, frames: u64) -> Result<(), Fault> {
        let lossy = [CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3].contains(&self.codec);
        // Codecs with frames that overlap may hand out a little less than the container declares; all others are exact.
        let tolerance = if lossy { 4096 } else { self.facts.tolerance };
        if let Some(declared) = self.declared.filter(|&declared| frames + tolerance < declared) {
            return Err(too_short(frames, declared, self.rate));
        }
        if self.cut || self.facts.bytes.is_some_and(|bytes| self.bytes < bytes) {
            return Err(breaks_off(frames, self.rate));
        }
        if frames == 0 && self.bad == 0 {
            return Err(Fault::bad_input("the file holds no sound; replace it with a whole copy"));
        }
        check_pieces(self.bad, self.packets)?;
        if self.decoder.finalize().verify_ok == Some(false) {
            if self.declared.is_some_and(|declared| frames > declared) {
                return Err(several());
            }
            return Err(damaged("its sound does not match its own checksum"));
        }
        Ok(())
    }
}

type Probed = (Box<dyn FormatReader>, Track, AudioCodecParameters);

/// Lets symphonia find the track.
fn probed(source: Spliced, extension: &str, facts: &Facts) -> Result<Probed, Fault> {
    let mut hint = Hint::new();
    hint.with_extension(extension);
    let stream = MediaSourceStream::new(Box::new(Metered::new(source)), MediaSourceStreamOptions::default());
    let reader = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(|error| match error {
            Error::Unsupported(what) => unsupported(&format!("this kind of file ({what})")),
            error => {
                Fault::bad_input(format!("the file is damaged or cut off ({error}); replace it with a whole copy"))
            }
        })?;
    let own = facts.track.and_then(|id| reader.tracks().iter().find(|track| track.id == id));
    let track = own
        .or_else(|| reader.default_track(TrackType::Audio))
        .ok_or_else(|| Fault::bad_input("this is not audio: the file has no audio track"))?
        .clone();
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio()).cloned();
    let parameters = parameters.ok_or_else(|| unsupported("a track that does not say how its sound is encoded"))?;
    Ok((reader, track, parameters))
}

/// A decoder of AAC-LC. It is told what it has to know, and nothing that it would misunderstand.
///
/// # Errors
/// Where it does not know the rate.
pub(crate) fn aac_decoder(config: Config) -> Result<Box<dyn AudioDecoder>, Fault> {
    check_shape(config.rate, config.channels)?;
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_AAC).with_sample_rate(config.rate);
    if let Some(layout) = usual_layout(config.channels) {
        parameters.with_channels(Channels::Positioned(layout));
    }
    decoder(&parameters)
}

fn decoder(parameters: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, Fault> {
    if parameters.codec == CODEC_ID_OPUS {
        return Err(unsupported("Opus"));
    }
    let options = AudioDecoderOptions::default().verify(true).gapless(false);
    symphonia::default::get_codecs().make_audio_decoder(parameters, &options).map_err(|error| match error {
        Error::Unsupported(what) => unsupported(&format!("this track ({what})")),
        error => damaged(&format!("its track cannot be decoded ({error})")),
    })
}
