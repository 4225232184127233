//! Reads AAC in ADTS frames (ISO/IEC 14496-3, 1.A.2), one after the other.

use std::borrow::Cow;

use crate::refusal::Refusal;
use symphonia::core::{
    codecs::audio::AudioDecoder,
    errors::Error,
    packet::PacketRef,
    units::{Duration, Timestamp},
};

use super::{
    super::{
        blocks::{Blocks, LOUDEST, Sound, usual_layout},
        bytes::id3v2_length,
        faults::{breaks_off, changed, unread, unsupported},
        packets::{Lost, aac_decoder},
        source::Source,
        tags::{MOST_PADDING, ape_length},
        window::Window,
    },
    HE_AAC,
    config::{Config, RATES, check_channels},
    sbr::Detector,
};

/// Frames of sound in a packet.
const SAMPLES: usize = 1024;

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    kind: u8,
    rate: u32,
    channels: u32,
    /// Bytes of the header, and of the frame with it.
    head: usize,
    bytes: usize,
    packets: u8,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [0xff, second, third, fourth, fifth, sixth, seventh, ..] = *bytes else { return None };
        if second & 0xf6 != 0xf0 {
            return None;
        }
        let head = if second & 1 == 0 { 9 } else { 7 };
        let length = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
        let rate = *RATES.get(usize::from(third >> 2 & 15))?;
        let channels = u32::from(third & 1) << 2 | u32::from(fourth >> 6);
        let header = Self { kind: third >> 6, rate, channels, head, bytes: length, packets: 1 + (seventh & 3) };
        (length > head).then_some(header)
    }

    fn goes_with(&self, other: &Self) -> bool {
        (self.kind, self.rate, self.channels) == (other.kind, other.rate, other.channels)
    }
}

/// A stream that is being read.
pub(crate) struct Adts {
    window: Window,
    header: Header,
    decoder: Box<dyn AudioDecoder>,
    detector: Detector,
    /// Frames of sound that were handed out.
    decoded: u64,
    lost: Lost,
    /// Bytes of the frames that were read.
    bytes: u64,
    /// Frames that are missing before the packet that waits.
    missing: u64,
    waiting: Option<Vec<u8>>,
    cut: bool,
}

impl Adts {
    /// Looks for the first frames between two places; none where this is no such stream.
    ///
    /// # Errors
    /// Where the source cannot be read, or the stream is of a kind that is not read.
    pub(crate) fn open(source: Source, start: u64, end: u64) -> Result<Option<Self>, Refusal> {
        let length = end.saturating_sub(start);
        let mut window = Window::new(source, start, length).map_err(|error| unread(&error))?;
        let ahead = window.peek(9000).map_err(|error| unread(&error))?;
        let Some(header) = Header::read(ahead) else { return Ok(None) };
        match Header::read(ahead.get(header.bytes..).unwrap_or(&[])) {
            Some(next) if next.goes_with(&header) => {}
            None if ahead.len() <= header.bytes => {}
            _ => return Ok(None),
        }
        if header.kind != 1 {
            return Err(unsupported(["AAC Main", "AAC-LC", "AAC-SSR", "AAC-LTP"][usize::from(header.kind)]));
        }
        check_channels(header.channels)?;
        let config = Config { rate: header.rate, channels: header.channels as usize };
        let (decoder, detector) = (aac_decoder(config)?, Detector::new(aac_decoder(config)?));
        Ok(Some(Self {
            window,
            header,
            decoder,
            detector,
            decoded: 0,
            lost: Lost::default(),
            bytes: 0,
            missing: 0,
            waiting: None,
            cut: false,
        }))
    }

    /// Counts bytes that were no frames as the frames that would have stood there.
    fn count_lost(&mut self, bytes: u64) {
        if bytes > 0 {
            let usual = self.bytes.checked_div(self.lost.pieces()).filter(|&usual| usual > 0);
            let usual = usual.unwrap_or(self.header.bytes as u64);
            self.missing += (bytes + usual / 2) / usual;
            self.lost.count_missing((bytes / usual).max(1));
        }
    }

    /// The next frame's packet; none at the end.
    fn take(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let (mut lost, mut zeros) = (0u64, true);
        loop {
            let own = self.header;
            let ahead = self.window.peek(1 << 14).map_err(|error| unread(&error))?;
            if ahead.len() < 7 {
                self.cut |= !ahead.is_empty() && ahead[0] == 0xff;
                if !zeros || lost > MOST_PADDING {
                    self.count_lost(lost);
                }
                return Ok(None);
            }
            if let Some(tag) = id3v2_length(ahead).or_else(|| ape_length(ahead)) {
                self.window.skip(tag).map_err(|error| unread(&error))?;
                continue;
            }
            if ahead.starts_with(b"TAG") && ahead.len() == 128 {
                return Ok(None);
            }
            if let Some(header) = Header::read(ahead).filter(|header| header.goes_with(&own)) {
                if header.packets > 1 {
                    return Err(unsupported("ADTS with several packets in a frame"));
                }
                if header.bytes > ahead.len() {
                    self.cut = true;
                    return Ok(None);
                }
                let packet = ahead[header.head..header.bytes].to_vec();
                self.count_lost(lost);
                self.bytes += header.bytes as u64;
                self.window.skip(header.bytes as u64).map_err(|error| unread(&error))?;
                return Ok(Some(packet));
            }
            if let Some(other) = Header::read(ahead)
                && Header::read(ahead.get(other.bytes..).unwrap_or(&[])).is_some_and(|next| next.goes_with(&other))
            {
                return Err(changed(self.decoded, own.rate));
            }
            let next = ahead.iter().skip(1).position(|&byte| matches!(byte, 0xff | b'I' | b'T' | b'A'));
            let passed = next.map_or(ahead.len(), |next| next + 1);
            zeros &= ahead[..passed].iter().all(|&byte| byte == 0);
            let passed = passed as u64;
            self.window.skip(passed).map_err(|error| unread(&error))?;
            lost += passed;
        }
    }
}

impl Blocks for Adts {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        if self.waiting.is_none() {
            self.waiting = self.take()?;
        }
        if self.missing > 0 && self.waiting.is_some() {
            // Silence in the place of what is missing, so that all else stays in its place.
            self.missing -= 1;
            block.clear();
            block.resize(self.header.channels as usize, vec![0.0; SAMPLES]);
            self.decoded += SAMPLES as u64;
            return Ok(true);
        }
        let Some(packet) = self.waiting.take() else { return Ok(false) };
        if self.detector.sees(&packet) {
            return Err(unsupported(HE_AAC));
        }
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(SAMPLES as u64), &packet);
        match self.decoder.decode_ref(&packet) {
            Ok(audio) if audio.frames() > 0 => {
                audio.copy_to_vecs_planar(block);
                self.lost.count_good();
            }
            other => {
                let what = if let Err(Error::Unsupported(what)) = other { Some(what) } else { None };
                if let Some(what) = what.filter(|_| self.lost.good() == 0) {
                    return Err(unsupported(&format!("this AAC stream ({what})")));
                }
                self.lost.count(what, self.decoded, self.header.rate)?;
                block.clear();
                block.resize(self.header.channels as usize, vec![0.0; SAMPLES]);
            }
        }
        self.decoded += SAMPLES as u64;
        Ok(true)
    }

    fn is_undecided(&self) -> bool {
        self.detector.is_at_the_start()
    }

    fn sound(&self) -> Sound {
        let layout = usual_layout(self.header.channels as usize);
        Sound { rate: self.header.rate, layout, declared: None, loudest: LOUDEST }
    }

    fn codec(&self) -> Cow<'static, str> {
        "aac".into()
    }

    fn judge_so_far(&self) -> Result<(), Refusal> {
        self.lost.judge()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        if self.cut {
            return Err(breaks_off(frames, self.header.rate));
        }
        self.lost.judge()
    }
}
