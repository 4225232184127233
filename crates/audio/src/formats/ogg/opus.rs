//! Decodes Opus with libopus, the reference implementation (RFC 6716, RFC 7845), link by link of a chain.

use std::{borrow::Cow, collections::VecDeque, io};

use crate::refusal::Refusal;
use opus::MSDecoder;
use symphonia::core::audio::Position;

use super::{
    super::{
        blocks::{Blocks, LOUDEST, Sound, usual_layout},
        faults::{breaks_off, changed, damaged, unread},
        packets::Lost,
        trim::{Tail, Trim, cut_frames},
    },
    opus_head::OpusHead,
    packets::Ended,
    vorbis::{layout, order},
};

/// Opus plays at this rate, whatever was encoded.
pub(crate) const RATE: u32 = 48_000;
/// The most frames in a packet: 120 ms.
const LONGEST: usize = 5760;

/// Hands out packets, as many at a time as end on a page; none at the end.
pub(crate) type Pages = Box<dyn FnMut() -> io::Result<Option<Ended>>>;

/// A stream: what its header says, and its packets behind the comments.
pub(crate) struct Stream {
    pub(crate) head: OpusHead,
    pub(crate) pages: Pages,
}

/// Opens the stream of a link.
pub(crate) type OpenStream = Box<dyn FnOnce() -> Result<Stream, Refusal>>;

/// Streams that are being read, one after the other.
pub(crate) struct Opus {
    stream: Stream,
    decoder: MSDecoder,
    later: VecDeque<OpenStream>,
    trim: Trim,
    tail: Tail,
    /// Frames that are still to be handed out, where another container ends the track.
    keep: Option<u64>,
    /// How many packets there are for certain.
    least_packets: u64,
    /// Where the stream stands behind what was decoded, once a page said where it begins.
    position: Option<u64>,
    /// Packets of the page in hand, and how many frames of them play.
    packets: VecDeque<Vec<u8>>,
    left: u64,
    samples: Vec<f32>,
    /// Whether the file ends before its last page.
    open: bool,
    /// Frames in a packet, as the last one had them.
    usual: usize,
    decoded: u64,
    lost: Lost,
}

impl Opus {
    /// Opens the first of some links.
    ///
    /// # Errors
    /// Where its headers cannot be read.
    pub(crate) fn open(mut links: VecDeque<OpenStream>, open: bool) -> Result<Self, Refusal> {
        let first = links.pop_front().ok_or_else(|| damaged("it holds no sound"))?;
        let stream = first()?;
        let channels = stream.head.channels();
        Ok(Self {
            decoder: decoder(&stream.head)?,
            trim: Trim::new(stream.head.skip.into()),
            tail: Tail::default(),
            keep: None,
            least_packets: 0,
            stream,
            later: links,
            position: None,
            packets: VecDeque::new(),
            left: 0,
            samples: vec![0.0; LONGEST * channels],
            open,
            usual: 960,
            decoded: 0,
            lost: Lost::default(),
        })
    }

    /// Leaves out frames at the start (those of the header where it is none) and at the end, keeps so many between, and expects
    /// so many packets, as another container than Ogg asks for.
    pub(crate) fn trimmed(self, start: u64, keep: Option<u64>, end: u64, least_packets: u64) -> Self {
        let trim = if start > 0 { Trim::new(start) } else { self.trim };
        Self { trim, keep, tail: Tail::new(end), least_packets, ..self }
    }

    /// Goes on with the next link; false after the last.
    fn next_link(&mut self) -> Result<bool, Refusal> {
        let Some(next) = self.later.pop_front() else { return Ok(false) };
        let stream = next()?;
        if stream.head.channels() != self.stream.head.channels() {
            return Err(changed(self.decoded, RATE));
        }
        self.decoder = decoder(&stream.head)?;
        self.trim = Trim::new(stream.head.skip.into());
        (self.stream, self.position) = (stream, None);
        Ok(true)
    }

    /// Takes the next page; false at the end of the stream.
    fn next_page(&mut self) -> Result<bool, Refusal> {
        let Some(Ended { packets, position, last }) = (self.stream.pages)().map_err(|error| unread(&error))? else {
            return Ok(false);
        };
        let frames: u64 = packets.iter().map(|packet| self.frames(packet) as u64).sum();
        // The first page with sound says where the stream begins: not at zero where it was cut out of a longer one.
        let begin = self.position.unwrap_or_else(|| position.map_or(0, |position| position.saturating_sub(frames)));
        self.left = match position.filter(|_| last) {
            Some(position) => frames.min(position.saturating_sub(begin)),
            None => frames,
        };
        if !packets.is_empty() {
            self.position = Some(begin + frames);
        }
        self.packets = packets.into();
        Ok(true)
    }

    /// How many frames a packet has, by its own word.
    fn frames(&self, packet: &[u8]) -> usize {
        opus::packet::get_nb_samples(packet, RATE).ok().filter(|&frames| frames <= LONGEST).unwrap_or(self.usual)
    }

    /// Decodes a packet into `block`.
    fn decode(&mut self, packet: &[u8], block: &mut Vec<Vec<f32>>) -> Result<(), Refusal> {
        let channels = self.stream.head.channels();
        let decoded = match packet.is_empty() {
            true => None, // libopus takes it for one that was lost
            false => self.decoder.decode_float(packet, &mut self.samples, false).ok(),
        };
        let frames = match decoded {
            Some(frames) => {
                self.lost.count_good();
                self.usual = frames;
                frames
            }
            None => {
                self.lost.count(None, self.decoded, RATE)?;
                let frames = self.frames(packet);
                self.samples[..frames * channels].fill(0.0);
                frames
            }
        };
        block.resize_with(channels, Vec::new);
        let order = if self.stream.head.family == 1 { order(channels) } else { (0..channels).collect() };
        for (own, from) in block.iter_mut().zip(order) {
            own.clear();
            own.extend(self.samples[from..frames * channels].iter().step_by(channels));
        }
        self.decoded += frames as u64;
        Ok(())
    }
}

impl Blocks for Opus {
    fn advance(&mut self, block: &mut Vec<Vec<f32>>) -> Result<bool, Refusal> {
        loop {
            let Some(packet) = self.packets.pop_front() else {
                if !self.next_page()? && !self.next_link()? {
                    return Ok(false);
                }
                continue;
            };
            self.decode(&packet, block)?;
            let kept = self.left.min(block[0].len() as u64) as usize;
            self.left -= kept as u64;
            block.iter_mut().for_each(|channel| channel.truncate(kept));
            let skipped = self.trim.skip(kept);
            cut_frames(block, skipped);
            self.tail.hold(block);
            if let Some(keep) = &mut self.keep {
                let kept = (*keep).min(block[0].len() as u64);
                *keep -= kept;
                block.iter_mut().for_each(|channel| channel.truncate(kept as usize));
            }
            if !block[0].is_empty() {
                return Ok(true);
            }
        }
    }

    fn sound(&self) -> Sound {
        let OpusHead { family, .. } = self.stream.head;
        let channels = self.stream.head.channels();
        let layout: Option<Position> = match family {
            1 => layout(channels),
            0 => usual_layout(channels),
            _ => None,
        };
        Sound { rate: RATE, layout, declared: None, loudest: LOUDEST }
    }

    fn codec(&self) -> Cow<'static, str> {
        "opus".into()
    }

    fn judge(&mut self, frames: u64) -> Result<(), Refusal> {
        if self.open {
            return Err(breaks_off(frames, RATE));
        }
        if frames == 0 {
            return Err(Refusal::bad_input("the file holds no sound; replace it with a whole copy"));
        }
        if self.lost.pieces() < self.least_packets {
            let missing = self.least_packets - self.lost.pieces();
            return Err(damaged(&format!("{missing} of its packets cannot be found")));
        }
        self.lost.judge()
    }
}

fn decoder(head: &OpusHead) -> Result<MSDecoder, Refusal> {
    let failed = |error: opus::Error| damaged(&format!("its Opus header makes no decoder ({error})"));
    let mut decoder = MSDecoder::new(RATE, head.streams, head.coupled, &head.mapping).map_err(failed)?;
    decoder.set_gain(head.gain.into()).map_err(failed)?;
    Ok(decoder)
}
