//! The header of an Opus stream (RFC 7845, section 5.1).

use super::super::{
    bytes::little,
    faults::{damaged, unsupported},
};
use crate::refusal::Refusal;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpusHead {
    /// Frames at the start that are not played.
    pub(crate) skip: u16,
    /// What is added to the level, in 1/256 dB.
    pub(crate) gain: i16,
    /// What the channels are: 0 mono or stereo, 1 as in Vorbis, 255 unknown.
    pub(crate) family: u8,
    /// Streams within a packet, and how many of them are stereo.
    pub(crate) streams: u8,
    pub(crate) coupled: u8,
    /// Which channel of the streams each of ours is.
    pub(crate) mapping: Vec<u8>,
}

impl OpusHead {
    /// Reads the first packet of a stream.
    ///
    /// # Errors
    /// Where it is damaged, or its channels are of a kind that is not read.
    pub(crate) fn read(packet: &[u8]) -> Result<Self, Refusal> {
        let wrong = || damaged("its Opus header is wrong");
        if packet.len() < 19 || !packet.starts_with(b"OpusHead") || packet[8] & 0xf0 != 0 {
            return Err(wrong());
        }
        let (channels, family) = (packet[9], packet[18]);
        let (skip, gain) = (little(packet, 10, 2) as u16, little(packet, 16, 2) as u16 as i16);
        let (streams, coupled, mapping) = match family {
            0 if (1..=2).contains(&channels) => (1, channels - 1, (0..channels).collect()),
            0 => return Err(wrong()),
            1 | 255 => {
                let mapping = packet.get(21..21 + usize::from(channels)).ok_or_else(wrong)?.to_vec();
                (packet[19], packet[20], mapping)
            }
            other => return Err(unsupported(&format!("Opus of the channel mapping family {other}"))),
        };
        let all = u16::from(streams) + u16::from(coupled);
        let is_one = |own: &u8| *own == 255 || u16::from(*own) < all;
        if channels == 0 || streams == 0 || coupled > streams || all > 255 || !mapping.iter().all(is_one) {
            return Err(wrong());
        }
        Ok(Self { skip, gain, family, streams, coupled, mapping })
    }

    /// Reads it as MP4 has it, with the numbers the other way round, behind the mark that MP4 does not have.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn of_mp4(packet: &[u8]) -> Result<Self, Refusal> {
        let mut packet = packet.to_vec();
        for number in [10..12, 12..16, 16..18] {
            if let Some(number) = packet.get_mut(number) {
                number.reverse();
            }
        }
        Self::read(&packet)
    }

    /// How many channels it has.
    pub(crate) fn channels(&self) -> usize {
        self.mapping.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(channels: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let start = [&b"OpusHead\x01"[..], &[channels], &312u16.to_le_bytes(), &44_100u32.to_le_bytes()].concat();
        [&start[..], &(-256i16).to_le_bytes(), &[family], rest].concat()
    }

    #[test]
    fn a_header_says_how_many_streams_make_which_channels() {
        let stereo = OpusHead { skip: 312, gain: -256, family: 0, streams: 1, coupled: 1, mapping: vec![0, 1] };
        assert_eq!(OpusHead::read(&head(2, 0, &[])), Ok(stereo.clone()));
        let mut swapped = head(2, 0, &[]);
        [10..12, 12..16, 16..18].into_iter().for_each(|number| swapped[number].reverse());
        assert_eq!(OpusHead::of_mp4(&swapped), Ok(stereo.clone()));
        let surround = OpusHead { family: 1, streams: 4, coupled: 2, mapping: vec![0, 4, 1, 2, 3, 5], ..stereo };
        assert_eq!(OpusHead::read(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])), Ok(surround));
        for wrong in [
            head(0, 0, &[]),
            head(3, 0, &[]),
            head(0, 1, &[1, 0]),
            head(2, 1, &[1, 1, 0]),
            head(2, 1, &[1, 2, 0, 1]),
            head(2, 1, &[1, 1, 0, 2]),
            b"OpusHead\x01\x02".to_vec(),
        ] {
            let said = OpusHead::read(&wrong).expect_err("refused").text.clone();
            assert!(said.starts_with("the file is damaged: its Opus header is wrong"), "{said}");
        }
        let said = OpusHead::read(&head(4, 2, &[4, 0, 0, 1, 2, 3])).expect_err("refused").text.clone();
        assert!(said.starts_with("Opus of the channel mapping family 2 is not supported"), "{said}");
    }
}
