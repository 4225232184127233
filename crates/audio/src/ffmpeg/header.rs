//! The header of the WAV file that ffmpeg sends: it tells rate, channels and their places in the same stream as the samples.

use symphonia::core::audio::Position;

use crate::formats::{little, usual_layout};

/// What stands before the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Frames in a second.
    pub(super) rate: u32,
    pub(super) channels: usize,
    /// Where they stand, where that is known.
    pub(super) layout: Option<Position>,
    /// Bytes of the header.
    pub(super) length: usize,
}

/// Reads the header; none while it is not all there.
///
/// # Errors
/// Where these are no floats of 32 bits in WAV, which was asked for.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Header>, String> {
    const OTHER: &str = "ffmpeg sends something else than samples";
    if bytes.len() < 12 {
        return Ok(None);
    }
    if !bytes.starts_with(b"RIFF") || &bytes[8..12] != b"WAVE" {
        return Err(OTHER.to_owned());
    }
    let (mut at, mut format) = (12, None);
    while let Some(head) = bytes.get(at..at + 8) {
        if head.starts_with(b"data") {
            let (rate, channels, layout) = format.ok_or_else(|| OTHER.to_owned())?;
            return Ok(Some(Header { rate, channels, layout, length: at + 8 }));
        }
        let length = little(head, 4, 4) as usize;
        let Some(body) = bytes.get(at + 8..at + 8 + length) else { return Ok(None) };
        if head.starts_with(b"fmt ") {
            let (tag, bits) = (little(body, 0, 2), little(body, 14, 2));
            let tag = if tag == 0xfffe { little(body, 24, 2) } else { tag };
            if (tag, bits) != (3, 32) {
                return Err(OTHER.to_owned());
            }
            let channels = little(body, 2, 2) as usize;
            let layout = Position::from_bits(little(body, 20, 4));
            let layout = layout.filter(|layout| layout.bits().count_ones() as usize == channels);
            let layout = layout.or(usual_layout(channels));
            format = Some((little(body, 4, 4) as u32, channels, layout));
        }
        at += 8 + length + length % 2;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(tag: u16, mask: u32) -> Vec<u8> {
        let format = [
            &[0xfe, 0xff, 2, 0][..],
            &48_000u32.to_le_bytes(),
            &384_000u32.to_le_bytes(),
            &[8, 0, 32, 0, 22, 0, 32, 0],
            &mask.to_le_bytes(),
            &tag.to_le_bytes(),
            &[0; 14],
        ];
        [b"RIFF\xff\xff\xff\xffWAVEfmt \x28\0\0\0", &format.concat()[..], b"data\xff\xff\xff\xff", &[7; 16]].concat()
    }

    #[test]
    fn a_header_is_read_once_it_is_all_there() {
        let all = sent(3, 3);
        let stereo = Position::FRONT_LEFT | Position::FRONT_RIGHT;
        let header = Header { rate: 48_000, channels: 2, layout: Some(stereo), length: 68 };
        assert!((0..68).all(|cut| read(&all[..cut]) == Ok(None)));
        assert_eq!(read(&all[..68]), Ok(Some(header)));
        assert_eq!(read(&all), Ok(Some(header)));
        assert_eq!(read(&sent(3, 0)), Ok(Some(header)), "two channels stand where they always do");
        assert!(read(&sent(1, 3)).is_err());
        assert!(read(b"usage: ffmpeg").is_err());
    }
}
