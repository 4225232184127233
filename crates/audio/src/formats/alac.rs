//! Checks packets of ALAC (Apple Lossless, as its reference decoder reads them) before they are decoded.
//!
//! A packet has no checksum, and damaged bits are samples like any other: but they are more or fewer of them. So the codes
//! are read through, without making sound of them: a whole packet has all of its channels, then the mark of its end, and
//! nothing behind.

use super::bytes::big;

/// What the description of a track says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alac {
    /// Frames in a packet.
    frames: usize,
    bits: u32,
    /// The parameters of the adaptive Golomb codes.
    history_mult: u32,
    initial_history: u32,
    limit: u32,
    channels: usize,
}

impl Alac {
    /// Reads the description ("magic cookie"), which may stand within one or two boxes; none where it is too short.
    pub(crate) fn new(mut description: &[u8]) -> Option<Self> {
        for name in [b"frma", b"alac"] {
            if description.get(4..8) == Some(name) {
                description = description.get(12..)?;
            }
        }
        let byte = |at: usize| description.get(at).map(|&byte| u32::from(byte));
        Some(Self {
            frames: big(description, 0, 4) as usize,
            bits: byte(5)?,
            history_mult: byte(6)?,
            initial_history: byte(7)?,
            limit: byte(8)?,
            channels: byte(9)? as usize,
        })
    }

    /// Puts a block of seven or eight channels, as symphonia orders them, into the order of their places: front left and
    /// right, centre, low frequencies, rear left and right, then rear centre (7), or left and right of the centre (8).
    /// That is the order of ffmpeg, and of a WAV file's mask.
    pub(crate) fn order(block: &mut [Vec<f32>]) {
        match block.len() {
            7 => block[4..].rotate_left(1),
            8 => block[4..].rotate_left(2),
            _ => {}
        }
    }

    /// Whether a packet is read through to its very end.
    pub(crate) fn is_whole(&self, packet: &[u8]) -> bool {
        self.read(&mut Bits { bytes: packet, at: 0 }).is_some()
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<()> {
        let (mut channels, mut frames) = (0, None);
        loop {
            let own = match bits.take(3)? {
                0 | 3 => 1,
                1 => 2,
                4 => {
                    bits.skip_data()?;
                    continue;
                }
                6 => {
                    bits.skip_filling()?;
                    continue;
                }
                7 => break,
                _ => return None,
            };
            channels += own;
            let length = self.element(bits, own)?;
            if channels > self.channels || *frames.get_or_insert(length) != length {
                return None;
            }
        }
        let rest = (bits.bytes.len() * 8).checked_sub(bits.at)?;
        (channels == self.channels && rest < 8 && bits.take(rest as u32)? == 0).then_some(())
    }

    /// Reads the sound of one channel or two, and says how many frames it is.
    fn element(&self, bits: &mut Bits<'_>, channels: usize) -> Option<usize> {
        bits.take(4)?;
        if bits.take(12)? != 0 {
            return None;
        }
        let (partial, shift, plain) = (bits.take(1)? == 1, 8 * bits.take(2)?, bits.take(1)? == 1);
        let frames = if partial { bits.take(32)? as usize } else { self.frames };
        if frames > self.frames || shift >= 24 || shift >= self.bits {
            return None;
        }
        if plain {
            bits.skip(frames * channels * self.bits as usize)?;
            return Some(frames);
        }
        let width = self.bits - shift + channels as u32 - 1;
        if width > 32 {
            return None;
        }
        bits.take(16)?; // how two channels were mixed
        let mut factors = [0; 2];
        for factor in &mut factors[..channels] {
            let mode = bits.take(4)?;
            bits.take(4)?;
            *factor = (bits.take(3)? * self.history_mult) >> 2;
            let order = bits.take(5)? as usize;
            if mode != 0 && mode != 15 {
                return None;
            }
            bits.skip(order * 16)?;
        }
        bits.skip(frames * channels * shift as usize)?;
        for &factor in &factors[..channels] {
            self.residuals(bits, factor, width, frames)?;
        }
        Some(frames)
    }

    /// Reads the codes of one channel.
    fn residuals(&self, bits: &mut Bits<'_>, factor: u32, width: u32, frames: usize) -> Option<()> {
        let (mut history, mut sign, mut at) = (self.initial_history, 0, 0);
        while at < frames {
            let k = (31 - ((history >> 9) + 3).leading_zeros()).min(self.limit);
            let value = bits.code(k, width)?.wrapping_add(sign);
            history = match value {
                0x1_0000.. => 0xffff,
                _ => history.wrapping_add(factor * value).wrapping_sub(factor.wrapping_mul(history) >> 9),
            };
            (sign, at) = (0, at + 1);
            if history < 128 && at < frames {
                let k = history.leading_zeros() - 24 + ((history + 16) >> 6);
                let zeros = bits.code(k.min(self.limit), 16)?;
                sign = u32::from(zeros < 0xffff);
                at += zeros as usize;
                history = 0;
            }
        }
        // A run of zeros ends with the packet.
        (at == frames).then_some(())
    }
}

/// Bits, the most significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next 57 bits or more, from the top of the number down; zeros behind the end.
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or(&[]);
        let bytes = match rest.first_chunk::<8>() {
            Some(bytes) => u64::from_be_bytes(*bytes),
            None => big(rest, 0, 8),
        };
        bytes << (self.at % 8)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|&at| at <= self.bytes.len() * 8)?;
        Some(())
    }

    /// The next bits, 32 at most; none where there are fewer.
    fn take(&mut self, count: u32) -> Option<u32> {
        let value = if count == 0 { 0 } else { self.peek() >> (64 - count) };
        self.skip(count as usize)?;
        Some(value as u32)
    }

    /// An adaptive Golomb code: a prefix of up to 8 ones, and `k` bits, of which one is saved where the others are 0.
    fn code(&mut self, k: u32, width: u32) -> Option<u32> {
        let ahead = self.peek();
        let ones = ahead.leading_ones().min(9);
        if ones == 9 {
            self.skip(9)?;
            return self.take(width);
        }
        self.skip(ones as usize + 1)?;
        if k < 2 {
            return Some(ones * k);
        }
        let rest = (ahead << (ones + 1) >> (64 - k)) as u32;
        let prefix = (ones << k).wrapping_sub(ones);
        if rest < 2 {
            self.skip(k as usize - 1)?;
            return Some(prefix);
        }
        self.skip(k as usize)?;
        Some(prefix.wrapping_add(rest - 1))
    }

    /// An element of data that is no sound.
    fn skip_data(&mut self) -> Option<()> {
        self.take(4)?;
        let aligned = self.take(1)? == 1;
        let mut count = self.take(8)?;
        if count == 255 {
            count += self.take(8)?;
        }
        if aligned {
            self.at = self.at.next_multiple_of(8);
        }
        self.skip(count as usize * 8)
    }

    fn skip_filling(&mut self) -> Option<()> {
        let mut count = self.take(4)?;
        if count == 15 {
            count += self.take(8)?.checked_sub(1)?;
        }
        self.skip(count as usize * 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One channel of 16 bits, four frames in a packet, as plain samples.
    const DESCRIPTION: &[u8] = &[0, 0, 0, 4, 0, 16, 40, 10, 14, 1, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 172, 68];

    fn packet() -> Vec<u8> {
        // A single channel, 4 + 12 bits, no length of its own, no shift, plain; four samples; the mark of the end.
        let bits = format!("000{:016b}0001{}111", 0, "0101010101010101".repeat(4));
        let bits: Vec<u8> = bits.bytes().map(|bit| bit - b'0').collect();
        bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (n, bit)| sum | bit << (7 - n))).collect()
    }

    #[test]
    fn a_packet_is_whole_where_its_end_is_where_its_codes_end() {
        let alac = Alac::new(DESCRIPTION).expect("a description");
        let packet = packet();
        assert!(alac.is_whole(&packet));
        assert!(!alac.is_whole(&packet[..packet.len() - 1]));
        assert!(!alac.is_whole(&[&packet[..], &[0]].concat()));
        let mut other = packet.clone();
        *other.last_mut().expect("a byte") ^= 0x40; // no mark at the end
        assert!(!alac.is_whole(&other));
        assert!(!alac.is_whole(&[0; 40]) && !alac.is_whole(&[]));
    }

    #[test]
    fn the_description_is_found_within_boxes() {
        let boxed = [&[0; 4][..], b"frma", &[0; 8], b"alac", &[0; 4], DESCRIPTION].concat();
        assert_eq!(Alac::new(&boxed).map(|alac| alac.frames), Some(4));
        assert!(Alac::new(&[0; 8]).is_none());
    }
}
