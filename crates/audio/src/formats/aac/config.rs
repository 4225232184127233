//! The configuration in front of AAC packets (AudioSpecificConfig, ISO/IEC 14496-3, 1.6.2.1).

use crate::refusal::Refusal;

use super::{super::faults::unsupported, HE_AAC};

/// What a decoder of AAC-LC has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
}

/// Sample rates by their index.
pub(crate) const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Reads a configuration.
///
/// # Errors
/// Where it names what is not read: only AAC-LC of one or two channels is.
pub(crate) fn config(bytes: &[u8]) -> Result<Config, Refusal> {
    let mut bits = Bits { bytes, at: 0 };
    let kind = bits.object_type();
    let rate = bits.rate();
    let channels = bits.take(4);
    check_kind(kind)?;
    if bits.take(1) == 1 {
        return Err(unsupported("AAC with frames of 960 samples"));
    }
    if bits.take(1) == 1 {
        bits.take(14); // the delay of a core coder, which AAC-LC has not
    }
    bits.take(1);
    if channels == 0 {
        return Err(unsupported("AAC with channels of its own arrangement"));
    }
    // Explicit signalling that old decoders do not see.
    if bits.take(11) == 0x2b7 && bits.object_type() == 5 && bits.take(1) == 1 {
        return Err(unsupported(HE_AAC));
    }
    check_channels(channels)?;
    Ok(Config { rate, channels: channels as usize })
}

/// How many channels a configuration names, of whatever kind it is; 0 where it has an arrangement of its own.
pub(crate) fn channels_of(bytes: &[u8]) -> u32 {
    let mut bits = Bits { bytes, at: 0 };
    bits.object_type();
    bits.rate();
    match bits.take(4) {
        7 | 12 | 14 => 8,
        11 => 7,
        few @ 0..=6 => few,
        _ => 0,
    }
}

/// Refuses a number of channels that the decoder does not know.
///
/// # Errors
/// Where they are none, or more than two.
pub(crate) fn check_channels(configuration: u32) -> Result<(), Refusal> {
    match configuration {
        1 | 2 => Ok(()),
        0 => Err(unsupported("AAC with channels of its own arrangement")),
        7 | 12 | 14 => Err(unsupported("AAC of 8 channels")),
        other => Err(unsupported(&format!("AAC of {other} channels"))),
    }
}

fn check_kind(kind: u32) -> Result<(), Refusal> {
    let name = match kind {
        2 => return Ok(()),
        1 => "AAC Main",
        3 => "AAC-SSR",
        4 => "AAC-LTP",
        5 | 29 => HE_AAC,
        17 | 19 | 20 | 23 | 39 => "AAC for transmission (ER, LD, ELD)",
        32..=34 => "MPEG audio in an AAC track",
        36 => "MPEG-4 ALS",
        42 => "xHE-AAC (USAC)",
        other => return Err(unsupported(&format!("MPEG-4 audio of the object type {other}"))),
    };
    Err(unsupported(name))
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next bits; zeros behind the end.
    fn take(&mut self, count: usize) -> u32 {
        (0..count).fold(0, |sum, _| {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
            let bit = byte >> (7 - self.at % 8) & 1;
            self.at += 1;
            sum << 1 | u32::from(bit)
        })
    }

    fn object_type(&mut self) -> u32 {
        match self.take(5) {
            31 => 32 + self.take(6),
            other => other,
        }
    }

    fn rate(&mut self) -> u32 {
        match self.take(4) {
            15 => self.take(24),
            index => RATES.get(index as usize).copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_aac_is_read_and_all_others_have_their_names() {
        assert_eq!(config(&[0x12, 0x10]), Ok(Config { rate: 44_100, channels: 2 }));
        // A core coder's delay, as some encoders claim.
        assert_eq!(config(&[0x12, 0x12, 0, 0]), Ok(Config { rate: 44_100, channels: 2 }));
        // 22,050 Hz and the extension of HE-AAC, first in front (type 5, type 29), then behind.
        for he in [&[0x2b, 0x92, 0x08, 0x00][..], &[0xeb, 0x8a, 0x08, 0x00], &[0x13, 0x90, 0x56, 0xe5, 0xa0]] {
            let said = config(he).expect_err("HE-AAC").text.clone();
            assert!(said.starts_with("HE-AAC (spectral band replication) is not supported; convert"), "{said}");
        }
        // The same extension, which says that there is no band replication.
        assert_eq!(config(&[0x12, 0x10, 0x56, 0xe5, 0x00]), Ok(Config { rate: 44_100, channels: 2 }));
        assert_eq!([[0x12, 0x10], [0x11, 0xb0], [0x0a, 0x08]].map(|bytes| channels_of(&bytes)), [2, 6, 1]);
        assert!(config(&[0x11, 0xb0]).expect_err("5.1").text.starts_with("AAC of 6 channels"));
        assert!(config(&[0x0a, 0x10]).expect_err("Main").text.starts_with("AAC Main"));
        assert!(config(&[0x12, 0x14]).expect_err("960").text.contains("960"));
    }
}
