//! Finds where the last frame of a FLAC stream ends, where something stands behind it that is no tag: words of a song, one
//! byte too many.

use std::{
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use crate::refusal::Refusal;
use symphonia::core::{
    checksum::{Crc8Ccitt, Crc16Ansi},
    codecs::audio::{AudioCodecParameters, AudioDecoderOptions, well_known::CODEC_ID_FLAC},
    io::Monitor,
    packet::Packet,
    units::{Duration, Timestamp},
};

use super::super::{
    bytes::big,
    faults::{several, unread},
    source::Source,
};

/// Up to how many bytes of anything may follow the last frame.
const MOST_BEHIND: u64 = 64 << 10;

/// The end of the last frame, which is the one that reaches the number of samples in STREAMINFO; the end of `frames` where
/// that is not known, or no such frame is found.
///
/// # Errors
/// Those of reading; where another FLAC stream follows.
pub(super) fn end_of_last_frame(source: &mut Source, info: &[u8], frames: Range<u64>) -> Result<u64, Refusal> {
    let (channels, bits) = (u64::from(info[12] >> 1 & 7) + 1, (big(info, 12, 2) >> 4 & 31) + 1);
    let (block, total) = (big(info, 2, 2), big(info, 13, 5) & 0x0f_ffff_ffff);
    // No frame is longer than its samples as they are, with one more bit for the difference of two channels.
    let longest = block * channels * (bits + 1) / 8 + 256;
    let from = frames.end.saturating_sub(MOST_BEHIND + longest).max(frames.start);
    source.seek(SeekFrom::Start(from)).map_err(|error| unread(&error))?;
    let mut bytes = Vec::new();
    source.take(frames.end - from).read_to_end(&mut bytes).map_err(|error| unread(&error))?;
    let last = |at: &usize| header(&bytes[*at..], block).is_some_and(|own| own.first + own.length == total);
    let Some(start) = (0..bytes.len()).rev().find(last).filter(|_| total > 0) else { return Ok(frames.end) };
    let frame = &bytes[start..];
    let ends = ends(frame);
    if ends.last() == Some(&frame.len()) {
        return Ok(frames.end);
    }
    let Some(end) = ends.into_iter().find(|&end| is_frame(&frame[..end], info)) else { return Ok(frames.end) };
    if frame[end..].windows(8).any(|own| own.starts_with(b"fLaC") && own[4] & 0x7f == 0 && own[5..] == [0, 0, 34]) {
        return Err(several());
    }
    Ok(from + (start + end) as u64)
}

/// All places where the checksum of what is before agrees: the end of the frame, and by chance one in 65,536 others.
fn ends(frame: &[u8]) -> Vec<usize> {
    let mut sum = Crc16Ansi::new(0);
    let agree = frame.iter().enumerate().filter_map(|(at, &byte)| {
        sum.process_byte(byte);
        (sum.crc() == 0 && at > 8).then_some(at + 1)
    });
    agree.collect()
}

/// Whether these bytes are a whole frame, and not only the beginning of one.
fn is_frame(bytes: &[u8], info: &[u8]) -> bool {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_FLAC).with_extra_data(info.into());
    let decoder = symphonia::default::get_codecs().make_audio_decoder(&parameters, &AudioDecoderOptions::default());
    let Ok(mut decoder) = decoder else { return false };
    decoder.decode(&Packet::new(0, Timestamp::new(0), Duration::new(0), bytes)).is_ok()
}

/// The place of a frame's sound in the stream.
#[derive(Debug, PartialEq)]
struct Header {
    first: u64,
    length: u64,
}

/// The header of the frame that begins with these bytes (RFC 9639, 9.1), in a stream of blocks of `block` samples.
fn header(bytes: &[u8], block: u64) -> Option<Header> {
    let [0xff, second, third, fourth, number, ..] = *bytes else { return None };
    if second & 0xfe != 0xf8 || fourth & 1 != 0 {
        return None;
    }
    let (size, rate, more) = (third >> 4, third & 15, number.leading_ones() as usize);
    // The number is written as UTF-8 writes a character, of up to seven bytes.
    let follow = match more {
        0 => 0,
        2..=7 => more - 1,
        _ => return None,
    };
    let lead = u64::from(number) & (0x7f >> more);
    let number = bytes.get(5..5 + follow)?.iter().fold(lead, |sum, &byte| sum << 6 | u64::from(byte & 0x3f));
    let mut at = 5 + follow;
    let length = match size {
        0 => return None,
        1 => 192,
        2..=5 => 576 << (size - 2),
        6 => big(bytes, at, 1) + 1,
        7 => big(bytes, at, 2) + 1,
        _ => 256 << (size - 8),
    };
    at += usize::from(matches!(size, 6 | 7)) + usize::from(size == 7);
    at += match rate {
        12 => 1,
        13 | 14 => 2,
        15 => return None,
        _ => 0,
    };
    let mut sum = Crc8Ccitt::new(0);
    sum.process_buf_bytes(bytes.get(..at)?);
    let variable = second & 1 == 1;
    (bytes.get(at) == Some(&sum.crc()))
        .then_some(Header { first: if variable { number } else { number * block }, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(bytes: &[u8]) -> Vec<u8> {
        let mut sum = Crc8Ccitt::new(0);
        sum.process_buf_bytes(bytes);
        [bytes, &[sum.crc()]].concat()
    }

    #[test]
    fn a_header_says_where_its_sound_stands() {
        let of = |bytes: &[u8]| header(&sealed(bytes), 4096).map(|own| (own.first, own.length));
        assert_eq!(of(&[0xff, 0xf8, 0xc9, 0x18, 5]), Some((5 * 4096, 4096)));
        assert_eq!(of(&[0xff, 0xf8, 0x79, 0x18, 0xc3, 0xbf, 0x01, 0x23]), Some((0xff * 4096, 0x124)));
        assert_eq!(of(&[0xff, 0xf9, 0x6c, 0x18, 0xe1, 0x80, 0x81, 0x0f, 96]), Some((0x1001, 16)));
        assert_eq!(of(&[0xff, 0xf8, 0x09, 0x18, 5]), None, "a size that means nothing");
        let mut changed = sealed(&[0xff, 0xf8, 0xc9, 0x18, 5]);
        changed[4] = 6;
        assert_eq!(header(&changed, 4096), None);
    }
}
