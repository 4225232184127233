//! The ways in which a sample is written, and what each is worth with full scale at ±1.

/// How one sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    U8,
    I8,
    I16 {
        big: bool,
    },
    I24 {
        big: bool,
    },
    I32 {
        big: bool,
    },
    F32 {
        big: bool,
    },
    F64 {
        big: bool,
    },
    /// ITU-T G.711, A-law.
    Alaw,
    /// ITU-T G.711, µ-law.
    Mulaw,
}

impl Encoding {
    /// Integers of so many bytes.
    pub(crate) fn integers(bytes: usize, big: bool) -> Option<Self> {
        match bytes {
            1 => Some(if big { Self::I8 } else { Self::U8 }),
            2 => Some(Self::I16 { big }),
            3 => Some(Self::I24 { big }),
            4 => Some(Self::I32 { big }),
            _ => None,
        }
    }

    /// Floating-point numbers of so many bytes.
    pub(crate) fn floats(bytes: usize, big: bool) -> Option<Self> {
        match bytes {
            4 => Some(Self::F32 { big }),
            8 => Some(Self::F64 { big }),
            _ => None,
        }
    }

    /// Ffmpeg's name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::U8 => "pcm_u8",
            Self::I8 => "pcm_s8",
            Self::I16 { big: false } => "pcm_s16le",
            Self::I16 { big: true } => "pcm_s16be",
            Self::I24 { big: false } => "pcm_s24le",
            Self::I24 { big: true } => "pcm_s24be",
            Self::I32 { big: false } => "pcm_s32le",
            Self::I32 { big: true } => "pcm_s32be",
            Self::F32 { big: false } => "pcm_f32le",
            Self::F32 { big: true } => "pcm_f32be",
            Self::F64 { big: false } => "pcm_f64le",
            Self::F64 { big: true } => "pcm_f64be",
            Self::Alaw => "pcm_alaw",
            Self::Mulaw => "pcm_mulaw",
        }
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Alaw | Self::Mulaw => 1,
            Self::I16 { .. } => 2,
            Self::I24 { .. } => 3,
            Self::I32 { .. } | Self::F32 { .. } => 4,
            Self::F64 { .. } => 8,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::F32 { .. } | Self::F64 { .. })
    }

    /// Interleaved bytes of whole frames into a planar block.
    pub(crate) fn decode(self, bytes: &[u8], block: &mut [Vec<f32>]) {
        const SHORT: f32 = 1.0 / 32_768.0;
        const LONG: f64 = 1.0 / 2_147_483_648.0;
        // Each arm is a loop of its own, so that the compiler knows the width of what it reads.
        match self {
            Self::U8 => planar(bytes, block, |[a]: [u8; 1]| (f32::from(a) - 128.0) / 128.0),
            Self::I8 => planar(bytes, block, |[a]: [u8; 1]| f32::from(a as i8) / 128.0),
            Self::Alaw => planar(bytes, block, |[a]: [u8; 1]| f32::from(alaw(a)) * SHORT),
            Self::Mulaw => planar(bytes, block, |[a]: [u8; 1]| f32::from(mulaw(a)) * SHORT),
            Self::I16 { big: false } => planar(bytes, block, |own| f32::from(i16::from_le_bytes(own)) * SHORT),
            Self::I16 { big: true } => planar(bytes, block, |own| f32::from(i16::from_be_bytes(own)) * SHORT),
            Self::I24 { big: false } => planar(bytes, block, |[a, b, c]| whole(i32::from_le_bytes([0, a, b, c]))),
            Self::I24 { big: true } => planar(bytes, block, |[a, b, c]| whole(i32::from_be_bytes([a, b, c, 0]))),
            Self::I32 { big: false } => planar(bytes, block, |own| (f64::from(i32::from_le_bytes(own)) * LONG) as f32),
            Self::I32 { big: true } => planar(bytes, block, |own| (f64::from(i32::from_be_bytes(own)) * LONG) as f32),
            Self::F32 { big: false } => planar(bytes, block, f32::from_le_bytes),
            Self::F32 { big: true } => planar(bytes, block, f32::from_be_bytes),
            Self::F64 { big: false } => planar(bytes, block, |own| f64::from_le_bytes(own) as f32),
            Self::F64 { big: true } => planar(bytes, block, |own| f64::from_be_bytes(own) as f32),
        }
    }
}

/// 24 bits in the upper bytes of 32: exact in an `f32`.
fn whole(sample: i32) -> f32 {
    (sample >> 8) as f32 / 8_388_608.0
}

fn planar<const N: usize>(bytes: &[u8], block: &mut [Vec<f32>], value: impl Fn([u8; N]) -> f32) {
    let channels = block.len();
    for (number, channel) in block.iter_mut().enumerate() {
        channel.clear();
        let frames = bytes.chunks_exact(N * channels);
        channel.extend(frames.map(|frame| {
            let mut own = [0; N];
            own.copy_from_slice(&frame[number * N..][..N]);
            value(own)
        }));
    }
}

fn alaw(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, low) = (byte >> 4 & 7, i16::from(byte & 15) << 4);
    let size = if segment == 0 { low + 8 } else { (low + 0x108) << (segment - 1) };
    if byte & 0x80 == 0 { -size } else { size }
}

fn mulaw(byte: u8) -> i16 {
    let byte = !byte;
    let size = (((i16::from(byte & 15) << 3) + 0x84) << (byte >> 4 & 7)) - 0x84;
    if byte & 0x80 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(encoding: Encoding, bytes: &[u8]) -> f32 {
        let mut block = vec![Vec::new()];
        encoding.decode(bytes, &mut block);
        block[0][0]
    }

    #[test]
    fn each_way_to_write_a_sample_has_its_value() {
        assert_eq!(one(Encoding::U8, &[64]), -0.5);
        assert_eq!(one(Encoding::I8, &[64]), 0.5);
        assert_eq!(one(Encoding::I16 { big: false }, &[0, 0x80]), -1.0);
        assert_eq!(one(Encoding::I16 { big: true }, &[0x40, 0]), 0.5);
        assert_eq!(one(Encoding::I24 { big: false }, &[0, 0, 0xc0]), -0.5);
        assert_eq!(one(Encoding::I24 { big: true }, &[0xff, 0xff, 0xff]), -1.0 / 8_388_608.0);
        assert_eq!(one(Encoding::I32 { big: true }, &[0x40, 0, 0, 0]), 0.5);
        assert_eq!(one(Encoding::F32 { big: true }, &5.5f32.to_be_bytes()), 5.5);
        assert_eq!(one(Encoding::F64 { big: false }, &(-7.25f64).to_le_bytes()), -7.25);
        // G.711: the loudest and the smallest of each sign.
        assert_eq!([0x2a, 0xaa, 0xd5, 0x55].map(alaw), [-32_256, 32_256, 8, -8]);
        assert_eq!([0x00, 0x80, 0xff, 0x7f].map(mulaw), [-32_124, 32_124, 0, 0]);
    }

    #[test]
    fn frames_are_taken_apart_into_channels() {
        let mut block = vec![Vec::new(), Vec::new()];
        Encoding::I8.decode(&[64, 0, 32, 16], &mut block);
        assert_eq!(block, [[0.5, 0.25], [0.0, 0.125]]);
    }
}
