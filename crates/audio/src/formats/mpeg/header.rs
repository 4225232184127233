//! The header of an MPEG audio frame (ISO/IEC 11172-3 and 13818-3, and the 2.5 of Fraunhofer), layers I to III.

/// What the four bytes before a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// I, II or III.
    pub(crate) layer: u8,
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    /// Bytes of the frame with its header; none where the bit rate is free.
    pub(crate) bytes: Option<usize>,
    /// Frames of sound.
    pub(crate) samples: u32,
    /// Where the side information of layer III ends and a tag may begin.
    pub(crate) side: usize,
}

/// kbit/s by version (1 or 2) and layer.
const KILOBITS: [[[u16; 15]; 3]; 2] = [
    [
        [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    ],
    [
        [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ],
];

impl Header {
    /// Reads a header, where these bytes can be one.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [0xff, second, third, fourth, ..] = *bytes else { return None };
        let (version, layer) = (second >> 3 & 3, 4 - (second >> 1 & 3));
        let (bitrate, rate) = (usize::from(third >> 4), third >> 2 & 3);
        if second & 0xe0 != 0xe0 || version == 1 || layer == 4 || bitrate == 15 || rate == 3 {
            return None;
        }
        // Version 3 is MPEG 1; 2 and 0 are MPEG 2 and 2.5, at half and a quarter of the rate.
        let low = version != 3;
        let halved = if version == 3 { 0 } else { 1 + u32::from(version == 0) };
        let rate = [44_100, 48_000, 32_000][usize::from(rate)] >> halved;
        let bits = u32::from(KILOBITS[usize::from(low)][usize::from(layer - 1)][bitrate]) * 1000;
        let padding = u32::from(third >> 1 & 1);
        let samples = match layer {
            1 => 384,
            3 if low => 576,
            _ => 1152,
        };
        let bytes = match layer {
            1 => (12 * bits / rate + padding) * 4,
            _ => samples / 8 * bits / rate + padding,
        };
        let channels = if fourth >> 6 == 3 { 1 } else { 2 };
        let side = match (low, channels) {
            (false, 2) => 32,
            (true, 1) => 9,
            _ => 17,
        };
        Some(Self { layer, rate, channels, bytes: (bitrate > 0).then_some(bytes as usize), samples, side: 4 + side })
    }

    /// Whether frames of both kinds can be of one stream: a rate or a layer does not change, mono and stereo may.
    pub(crate) fn goes_with(&self, other: &Self) -> bool {
        (self.layer, self.rate) == (other.layer, other.rate)
    }
}

/// Whether these bytes are the header of layer II whose bit rate the standard does not have for its mode: more than 192
/// kbit/s for one channel, or 32, 48, 56 or 80 for two (ISO/IEC 11172-3, 2.4.2.3). Decoders by the standard refuse it.
pub(crate) fn is_outside_the_standard(bytes: &[u8]) -> bool {
    let Some(Header { layer: 2, channels, .. }) = Header::read(bytes) else { return false };
    let is_first_version = bytes[1] >> 3 & 3 == 3;
    let index = bytes[2] >> 4;
    is_first_version && if channels == 1 { index > 10 } else { [1, 2, 3, 5].contains(&index) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layer_two_has_bit_rates_for_one_channel_and_for_two() {
        for (second, third, fourth, outside) in [
            (0xfd, 0xe4, 0xc0, true),  // mono of 384 kbit/s
            (0xfd, 0xa4, 0xc0, false), // mono of 192
            (0xfd, 0x14, 0x00, true),  // stereo of 32
            (0xfd, 0x54, 0x00, true),  // stereo of 80
            (0xfd, 0x44, 0x00, false), // stereo of 64
            (0xf5, 0x14, 0x00, false), // MPEG 2
            (0xfb, 0x14, 0x00, false), // layer III
        ] {
            assert_eq!(is_outside_the_standard(&[0xff, second, third, fourth]), outside, "{second:x} {third:x}");
        }
    }

    #[test]
    fn headers_of_all_versions_and_layers_have_their_lengths() {
        let read = |bytes: [u8; 4]| Header::read(&bytes).map(|own| (own.layer, own.rate, own.channels, own.bytes));
        assert_eq!(read([0xff, 0xfb, 0x90, 0x64]), Some((3, 44_100, 2, Some(417))));
        assert_eq!(read([0xff, 0xfb, 0x92, 0xc4]), Some((3, 44_100, 1, Some(418))));
        assert_eq!(read([0xff, 0xf3, 0x84, 0x64]), Some((3, 24_000, 2, Some(192))));
        assert_eq!(read([0xff, 0xe3, 0x48, 0xc4]), Some((3, 8_000, 1, Some(288))));
        assert_eq!(read([0xff, 0xfd, 0xa4, 0x04]), Some((2, 48_000, 2, Some(576))));
        assert_eq!(read([0xff, 0xff, 0x10, 0x04]), Some((1, 44_100, 2, Some(32))));
        assert_eq!(read([0xff, 0xfb, 0x00, 0x64]), Some((3, 44_100, 2, None)), "a free bit rate");
        for no in [[0xff, 0xeb, 0x90, 0], [0xff, 0xf9, 0x90, 0], [0xff, 0xfb, 0xf0, 0], [0xff, 0xfb, 0x9c, 0]] {
            assert_eq!(read(no), None);
        }
    }
}
