//! What one FLAC frame says of itself, for containers whose readers do not look (RFC 9639, 9.1 and 9.3).

use symphonia::core::{checksum::Crc16Ansi, io::Monitor};

use super::super::bytes::big;

/// Whether these bytes are one whole frame: the checksum at its end agrees.
pub(crate) fn is_whole(frame: &[u8]) -> bool {
    let mut sum = Crc16Ansi::new(0);
    sum.process_buf_bytes(frame);
    sum.crc() == 0
}

/// The sample rate in Hz that a frame names; none where it leaves that to the description of the stream.
pub(crate) fn rate_of(frame: &[u8]) -> Option<u32> {
    const RATES: [u32; 11] = [88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
    let sizes = *frame.get(2)?;
    // The number of the frame takes as many bytes as its first byte has leading ones, as in UTF-8.
    let number = (frame.get(4)?.leading_ones() as usize).max(1);
    let block = match sizes >> 4 {
        6 => 1,
        7 => 2,
        _ => 0,
    };
    let at = 4 + number + block;
    match sizes & 15 {
        code @ 1..=11 => Some(RATES[usize::from(code) - 1]),
        12 => Some(big(frame.get(at..at + 1)?, 0, 1) as u32 * 1000),
        13 => Some(big(frame.get(at..at + 2)?, 0, 2) as u32),
        14 => Some(big(frame.get(at..at + 2)?, 0, 2) as u32 * 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_a_frame_stands_behind_its_number_and_its_size() {
        assert_eq!(rate_of(&[0xff, 0xf8, 0xc9, 0x18, 0]), Some(44_100));
        assert_eq!(rate_of(&[0xff, 0xf8, 0xc0, 0x18, 0]), None);
        assert_eq!(rate_of(&[0xff, 0xf8, 0x6c, 0x18, 0, 0xff, 44]), Some(44_000));
        assert_eq!(rate_of(&[0xff, 0xf8, 0x7d, 0x18, 0xc2, 0x80, 0, 0xff, 0xac, 0x18]), Some(44_056));
        assert_eq!(rate_of(&[0xff, 0xf8, 0xce, 0x18, 0, 0x27, 0x10]), Some(100_000));
        assert_eq!(rate_of(&[0xff, 0xf8, 0xce, 0x18, 0, 0x27]), None, "cut off");
    }
}
