//! The chunks of AIFF and AIFF-C.

use std::io::{Read, Seek, SeekFrom};

use crate::refusal::Refusal;

use super::{
    super::{
        bytes::{big, read_up_to},
        faults::{damaged, unread, unsupported},
    },
    Data, Encoding, Shape, read_piece,
};
use crate::limits::check_shape;

/// Whether a file begins as one of the two.
pub(crate) fn is_aiff(head: &[u8]) -> bool {
    head.starts_with(b"FORM") && matches!(head.get(8..12), Some(b"AIFF" | b"AIFC"))
}

/// Finds the samples of a file of `length` bytes, and how they are written.
///
/// # Errors
/// Where one of the chunks is missing, or names what is not read.
pub(crate) fn shape<R: Read + Seek>(source: &mut R, length: u64) -> Result<Shape, Refusal> {
    let (mut common, mut data) = (Vec::new(), None);
    let mut at = 12u64;
    while common.is_empty() || data.is_none() {
        source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
        let mut header = [0; 8];
        if read_up_to(source, &mut header).map_err(|error| unread(&error))? < header.len() {
            break;
        }
        let size = big(&header, 4, 4);
        match &header[..4] {
            b"COMM" => common = read_piece(source, size)?,
            b"SSND" => {
                let skipped = 8 + big(&read_piece(source, 8)?, 0, 4);
                // A size of 8 is an empty chunk, which a program leaves that cannot write its header again.
                let size = if size <= 8 { 0 } else { size.saturating_sub(skipped) as u32 };
                data = Some(Data::of_32_bits(at + 8 + skipped, length, size, false));
            }
            _ => {}
        }
        at += 8 + size + size % 2;
    }
    if common.len() < 18 {
        return Err(damaged("it has no chunk COMM"));
    }
    let (channels, frames, bits) = (big(&common, 0, 2) as usize, big(&common, 2, 4), big(&common, 6, 2) as usize);
    let rate = extended(&common[8..18]);
    check_shape(rate, channels)?;
    let encoding = encoding(&common, bits)?;
    let data = match data {
        // No samples, no chunk for them.
        None if frames == 0 => Data { start: length, there: 0, declared: None },
        None => return Err(damaged("it has no chunk SSND")),
        Some(data) => data,
    };
    Ok(Shape { encoding, channels, rate, layout: None, data })
}

fn encoding(common: &[u8], bits: usize) -> Result<Encoding, Refusal> {
    let width = bits.div_ceil(8);
    let name = common.get(18..22).unwrap_or(b"NONE");
    let known = match name {
        b"NONE" | b"none" | b"twos" => Encoding::integers(width, true),
        b"sowt" => Encoding::integers(width, false).map(|own| if own == Encoding::U8 { Encoding::I8 } else { own }),
        b"raw " => Some(Encoding::U8),
        b"in24" => Some(Encoding::I24 { big: true }),
        b"in32" => Some(Encoding::I32 { big: true }),
        b"fl32" | b"FL32" => Some(Encoding::F32 { big: true }),
        b"fl64" | b"FL64" => Some(Encoding::F64 { big: true }),
        b"alaw" | b"ALAW" => Some(Encoding::Alaw),
        b"ulaw" | b"ULAW" => Some(Encoding::Mulaw),
        other => return Err(unsupported(&format!("AIFF-C with `{}`", String::from_utf8_lossy(other)))),
    };
    known.ok_or_else(|| damaged(&format!("it claims samples of {bits} bits")))
}

/// A number of 80 bits (IEEE 754, extended), rounded to whole Hz; 0 for what is no rate.
fn extended(bytes: &[u8]) -> u32 {
    let exponent = big(bytes, 0, 2) as i64 - 16_383;
    let mantissa = big(bytes, 2, 8);
    if (0..32).contains(&exponent) { ((mantissa >> (62 - exponent)).div_ceil(2)) as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_rate_is_rounded_to_whole_hertz() {
        let of = |rate: f64| {
            let exponent = rate.log2().floor() as u16;
            let mantissa = (rate * 2f64.powi(63 - i32::from(exponent))) as u64;
            extended(&[&(16_383 + exponent).to_be_bytes()[..], &mantissa.to_be_bytes()].concat())
        };
        // The rate of old Macintoshes, and their half.
        assert_eq!([22_254.545_45, 11_127.272_7, 44_100.0, 44_100.5, 1.0].map(of), [22_255, 11_127, 44_100, 44_101, 1]);
        assert_eq!(extended(&[0; 10]), 0);
    }

    #[test]
    fn the_size_of_the_form_is_not_needed_and_the_rate_is_a_number_of_80_bits() {
        let common = b"COMM\0\0\0\x12\0\x01\0\0\0\x32\0\x10\x40\x0e\xac\x44\0\0\0\0\0\0";
        for outer in [0u32, 1, 50, u32::MAX] {
            let sound = [&b"SSND\0\0\0\x6c\0\0\0\0\0\0\0\0"[..], &[0; 100]].concat();
            let bytes = [b"FORM", &outer.to_be_bytes()[..], b"AIFF", common, &sound].concat();
            let length = bytes.len() as u64;
            let shape = shape(&mut Cursor::new(bytes), length).expect("AIFF");
            assert_eq!((shape.rate, shape.channels, shape.data.declared), (44_100, 1, Some(100)));
            assert_eq!(shape.encoding, Encoding::I16 { big: true });
        }
    }
}
