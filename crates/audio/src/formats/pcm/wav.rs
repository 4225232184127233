//! The format chunk of WAV and its kin: what is behind it, and who reads that.

use crate::refusal::Refusal;
use symphonia::core::audio::Position;

use super::{
    super::{
        bytes::{big, little},
        faults::{damaged, unsupported},
    },
    Data, Encoding, Shape,
};
use crate::limits::check_shape;

/// What a file of the WAV family turns out to hold.
#[derive(Debug)]
pub(crate) enum Wave {
    /// Samples as they are.
    Pcm(Shape),
    /// An MPEG stream.
    Mpeg(Data),
    /// Samples of four bits, behind a header that says no more than is needed to decode them.
    Adpcm { head: Vec<u8>, data: Data },
}

/// The chunks of a file that matter.
pub(crate) struct Chunks {
    pub(crate) format: Vec<u8>,
    /// The chunk `fact`, which knows the length of compressed sound.
    pub(crate) fact: Vec<u8>,
    pub(crate) data: Data,
    /// Whether the file counts with the most significant byte first (RIFX).
    pub(crate) big: bool,
}

impl Chunks {
    /// Reads the format chunk.
    ///
    /// # Errors
    /// Where it is damaged, or names what is not read.
    pub(crate) fn wave(self) -> Result<Wave, Refusal> {
        let number =
            |at, length| if self.big { big(&self.format, at, length) } else { little(&self.format, at, length) };
        if self.format.len() < 14 {
            return Err(damaged("its format chunk is too short"));
        }
        let (channels, rate) = (number(2, 2) as usize, number(4, 4) as u32);
        let (align, mut tag) = (number(12, 2) as usize, number(0, 2) as u16);
        let bits = if self.format.len() >= 16 { number(14, 2) as usize } else { 8 };
        let mut layout = None;
        if tag == 0xfffe && self.format.len() >= 40 {
            tag = number(24, 2) as u16;
            // The tail of the identifiers that are made of a tag; Ambisonic B-format has its own.
            if little(&self.format, 28, 4) as u32 != 0x0010_0000 && !self.big {
                return Err(unsupported("WAV with a private format identifier"));
            }
            layout = Position::from_bits(number(20, 4)).filter(|mask| mask.bits().count_ones() as usize == channels);
        }
        check_shape(rate, channels)?;
        let mut width = align.checked_div(channels).unwrap_or(0);
        if !(1..=8).contains(&width) || align % channels != 0 || width * 8 < bits {
            width = bits.div_ceil(8);
        }
        let encoding = match tag {
            1 if bits == 0 || bits > 64 => None,
            1 => Encoding::integers(width, self.big).map(|own| if own == Encoding::I8 { Encoding::U8 } else { own }),
            3 => Encoding::floats(width, self.big),
            6 => Some(Encoding::Alaw),
            7 => Some(Encoding::Mulaw),
            0x50 | 0x55 => return Ok(Wave::Mpeg(self.data)),
            0x02 | 0x11 if !self.big => return Ok(Wave::Adpcm { head: self.head(tag), data: self.data }),
            _ => None,
        };
        let encoding = encoding.ok_or_else(|| match tag {
            1 | 3 if bits == 0 || bits > 64 => damaged(&format!("it claims samples of {bits} bits")),
            _ => unsupported(&format!("WAV with {} ({bits} bits)", name(tag))).of_cut_file(self.data.is_cut()),
        })?;
        Ok(Wave::Pcm(Shape { encoding, channels, rate, layout, data: self.data }))
    }

    /// A header of a codec with right sizes, for a reader that believes what it is told.
    fn head(&self, tag: u16) -> Vec<u8> {
        let chunk = |name: &[u8; 4], body: &[u8]| {
            let pad = vec![0; body.len() % 2];
            [name, &(body.len() as u32).to_le_bytes()[..], body, &pad].concat()
        };
        // Wave64 counts the frames with 64 bits, and pads what it holds to eight bytes.
        let fact = self.fact.get(..4).map_or_else(Vec::new, |frames| chunk(b"fact", frames));
        let more = little(&self.format, 16, 2) as usize;
        let plain = self.format.get(..18 + more).unwrap_or(&self.format);
        // The extensible form, as ffmpeg writes it above 48 kHz: what the codec needs stands behind the identifier.
        let format = match self.format.get(40..18 + more) {
            Some(own) if plain.starts_with(&[0xfe, 0xff]) => {
                [&tag.to_le_bytes(), &self.format[2..16], &(own.len() as u16).to_le_bytes(), own].concat()
            }
            _ => plain.to_vec(),
        };
        let size = u32::try_from(self.data.there).unwrap_or(u32::MAX - 4096);
        let body = [b"WAVE".to_vec(), chunk(b"fmt ", &format), fact, b"data".to_vec(), size.to_le_bytes().to_vec()];
        let body = body.concat();
        let whole = (body.len() as u32).saturating_add(size);
        [b"RIFF", &whole.to_le_bytes()[..], &body].concat()
    }
}

/// What people call the codec of a tag.
fn name(tag: u16) -> String {
    match tag {
        0x01 => "integers".to_owned(),
        0x03 => "floating-point numbers".to_owned(),
        0x31 => "GSM 6.10".to_owned(),
        0x160..=0x163 => "Windows Media Audio".to_owned(),
        0x2000 => "AC-3".to_owned(),
        0x2001 => "DTS".to_owned(),
        0xff | 0x1600 | 0x1602 | 0x706d => "AAC".to_owned(),
        0x674f..=0x6751 | 0x676f..=0x6771 => "Vorbis".to_owned(),
        0xf1ac => "FLAC".to_owned(),
        _ => format!("the codec {tag:#06x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(tag: u16, channels: u16, bits: u16, mask: Option<u32>) -> Result<Wave, Refusal> {
        let mut format = [if mask.is_some() { 0xfffe } else { tag }, channels].map(u16::to_le_bytes).concat();
        format.extend(48_000u32.to_le_bytes());
        format.extend(0u32.to_le_bytes());
        format.extend((channels * bits.div_ceil(8)).to_le_bytes());
        format.extend(bits.to_le_bytes());
        if let Some(mask) = mask {
            format.extend([22, 0, bits as u8, 0]);
            format.extend(mask.to_le_bytes());
            format.extend(tag.to_le_bytes());
            format.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
        }
        let data = Data { start: 44, there: 100, declared: Some(100) };
        Chunks { format, fact: Vec::new(), data, big: false }.wave()
    }

    fn shape(wave: Result<Wave, Refusal>) -> Shape {
        let Ok(Wave::Pcm(shape)) = wave else { panic!("no samples: {wave:?}") };
        shape
    }

    #[test]
    fn the_mask_of_a_file_counts_where_it_names_each_channel_and_none_is_invented() {
        assert_eq!(shape(wave(1, 4, 16, None)).layout, None);
        assert_eq!(shape(wave(1, 4, 16, Some(0x33))).layout.map(|layout| layout.bits()), Some(0x33));
        assert_eq!(shape(wave(1, 4, 16, Some(0x3))).layout, None);
    }

    #[test]
    fn twenty_bits_are_three_bytes_and_codecs_that_are_not_read_have_their_names() {
        assert_eq!(shape(wave(1, 2, 20, None)).encoding, Encoding::I24 { big: false });
        assert_eq!(shape(wave(3, 2, 64, Some(3))).encoding, Encoding::F64 { big: false });
        assert!(
            wave(0x31, 1, 0, None).expect_err("GSM").text.starts_with("WAV with GSM 6.10 (0 bits) is not supported")
        );
        assert!(matches!(wave(0x55, 2, 0, None), Ok(Wave::Mpeg(_))));
    }
}
