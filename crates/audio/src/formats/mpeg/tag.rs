//! The tag in the first frame of an MP3 (`Xing`, `Info`, `VBRI`): its number of frames, and what an encoder put around.

use super::super::bytes::big;
use super::header::Header;

/// What a tag says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tag {
    /// MPEG frames after the one of the tag.
    pub(crate) frames: Option<u64>,
    /// Frames of sound that the encoder put in front, without the decoder's own delay.
    pub(crate) delay: u32,
    /// Frames of sound that it put behind, with the decoder's own delay.
    pub(crate) padding: u32,
}

/// The delay of a decoder of layer III, in frames of sound.
pub(crate) const DECODER_DELAY: u32 = 528 + 1;

impl Tag {
    /// Reads the tag of a frame, where it has one. Such a frame holds no sound.
    pub(crate) fn read(header: &Header, frame: &[u8]) -> Option<Self> {
        if header.layer != 3 {
            return None;
        }
        if frame.get(36..40) == Some(b"VBRI") {
            let frames = big(frame, 36 + 14, 4);
            return Some(Self { frames: Some(frames).filter(|&frames| frames > 0), ..Self::default() });
        }
        let tag = frame.get(header.side..)?;
        if !tag.starts_with(b"Xing") && !tag.starts_with(b"Info") {
            return None;
        }
        let flags = big(tag, 4, 4);
        let mut at = 8;
        let mut field = |bit: u64, length| {
            let there = flags & bit != 0;
            let begin = at;
            at += if there { length } else { 0 };
            there.then_some(begin)
        };
        let frames = field(1, 4).map(|at| big(tag, at, 4)).filter(|&frames| frames > 0);
        let _bytes = field(2, 4);
        let _places = field(4, 100);
        let _quality = field(8, 4);
        let encoder = tag.get(at..at + 4)?;
        let (mut delay, mut padding) = (0, 0);
        // Others leave the place of the two numbers empty, or put something else there.
        if [&b"LAME"[..], b"Lavf", b"Lavc"].contains(&encoder) {
            let both = big(tag, at + 21, 3) as u32;
            (delay, padding) = (both >> 12, both & 0xfff);
        }
        Some(Self { frames, delay, padding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_lame_gives_frames_delay_and_padding() {
        let mut frame = vec![0xff, 0xfb, 0x90, 0x64];
        frame.resize(36, 0);
        frame.extend(b"Info\0\0\0\x01\0\0\x01\x02LAME3.100");
        frame.resize(36 + 12 + 21, 0);
        frame.extend([0x24, 0x04, 0x80]);
        frame.resize(417, 0);
        let header = Header::read(&frame).expect("a header");
        assert_eq!(Tag::read(&header, &frame), Some(Tag { frames: Some(258), delay: 576, padding: 1152 }));
        frame[36 + 12..][..4].copy_from_slice(b"Gogo");
        assert_eq!(Tag::read(&header, &frame).map(|tag| tag.delay), Some(0));
        frame[36..40].copy_from_slice(b"none");
        assert_eq!(Tag::read(&header, &frame), None);
    }
}
