//! Finds spectral band replication (HE-AAC) in packets of AAC that do not announce it.
//!
//! It stands in a fill element behind the sound, where an AAC-LC decoder passes over it and plays half of the rate. To reach
//! it, the whole packet would have to be decoded. Instead, it is looked for from the packet's end; where there seems to be
//! one, the packet is cut before it and decoded: that works only where an element really begins there.

use symphonia::core::{
    codecs::audio::AudioDecoder,
    packet::PacketRef,
    units::{Duration, Timestamp},
};

/// Packets at the start that are looked at, all of them; later one of so many, for streams that are put together.
const AT_THE_START: u32 = 64;
const LATER: u32 = 32;
/// Packets with it that are enough.
const ENOUGH: u32 = 2;
/// The most bytes of one fill element.
const LONGEST: usize = 15 + 255 - 1;

/// Looks for it in the packets of one stream.
pub(crate) struct Detector {
    /// Only decodes what is cut, so that it may fail.
    trial: Box<dyn AudioDecoder>,
    last: Vec<u8>,
    seen: u32,
    found: u32,
}

impl Detector {
    pub(crate) fn new(trial: Box<dyn AudioDecoder>) -> Self {
        Self { trial, last: Vec::new(), seen: 0, found: 0 }
    }

    /// Looks at one more packet; true once there is no doubt.
    pub(crate) fn sees(&mut self, packet: &[u8]) -> bool {
        // One packet over and over is silence, in which few bits decide.
        self.seen = self.seen.wrapping_add(1);
        let due = self.seen <= AT_THE_START || self.seen.is_multiple_of(LATER);
        if due && packet != self.last {
            self.last = packet.to_vec();
            let places = candidates(packet);
            self.found += u32::from(places.into_iter().any(|at| self.is_element(packet, at)));
        }
        self.found >= ENOUGH
    }

    /// Whether the packets at the start have not all been looked at.
    pub(crate) fn is_at_the_start(&self) -> bool {
        self.seen < AT_THE_START
    }

    /// Whether an element begins at a bit: what is before it decodes, followed by the mark of the end.
    fn is_element(&mut self, packet: &[u8], at: usize) -> bool {
        let mut part = packet[..at / 8].to_vec();
        let kept = packet[at / 8] & !(0xff >> (at % 8));
        let mark = 0b1110_0000u16 << 8 >> (at % 8);
        part.push(kept | (mark >> 8) as u8);
        if at % 8 > 5 {
            part.push(mark as u8);
        }
        let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(1024), &part);
        self.trial.decode_ref(&packet).is_ok()
    }
}

/// Bits at which a fill element with band replication may begin, so that it and other fill elements reach the end.
fn candidates(packet: &[u8]) -> Vec<usize> {
    const END: u32 = 7;
    const FILL: u32 = 6;
    let bits = packet.len() * 8;
    let read = |at: usize, count: usize| {
        (at..at + count).fold(0, |sum, at| sum << 1 | u32::from(packet[at / 8] >> (7 - at % 8) & 1))
    };
    // The mark of the end, and zeros up to a byte.
    let mut ends: Vec<usize> = (bits.saturating_sub(10)..bits.saturating_sub(2))
        .filter(|&at| read(at, 3) == END && read(at + 3, bits - at - 3) == 0)
        .collect();
    let (mut found, mut rounds) = (Vec::new(), 0);
    while let Some(end) = ends.pop().filter(|_| rounds < 16) {
        rounds += 1;
        for count in 1..=LONGEST {
            let header = if count < 15 { 7 } else { 15 };
            let Some(at) = end.checked_sub(header + count * 8) else { break };
            let counted = if count < 15 {
                read(at + 3, 4) == count as u32
            } else {
                read(at + 3, 4) == 15 && read(at + 7, 8) as usize == count - 14
            };
            if read(at, 3) != FILL || !counted {
                continue;
            }
            match read(at + header, 4) {
                0xd | 0xe => found.push(at),
                0 | 1 => ends.push(at), // padding, behind which there may be another one
                _ => {}
            }
        }
    }
    found
}
