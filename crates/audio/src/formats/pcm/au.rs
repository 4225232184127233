//! The header of AU, Sun's and NeXT's `.snd`.

use std::io::Read;

use crate::refusal::Refusal;

use super::{
    super::{bytes::big, faults::unsupported},
    Data, Encoding, Shape, read_piece,
};
use crate::limits::check_shape;

/// Whether a file begins as AU.
pub(crate) fn is_au(head: &[u8]) -> bool {
    head.starts_with(b".snd")
}

/// Reads the header of a file of `length` bytes.
///
/// # Errors
/// Where it names what is not read.
pub(crate) fn shape<R: Read>(source: &mut R, length: u64) -> Result<Shape, Refusal> {
    let head = read_piece(source, 24)?;
    let [start, size, encoding, rate, channels] = [4, 8, 12, 16, 20].map(|at| big(&head, at, 4) as u32);
    check_shape(rate, channels as usize)?;
    let encoding = match encoding {
        1 => Encoding::Mulaw,
        2 => Encoding::I8,
        3 => Encoding::I16 { big: true },
        4 => Encoding::I24 { big: true },
        5 => Encoding::I32 { big: true },
        6 => Encoding::F32 { big: true },
        7 => Encoding::F64 { big: true },
        27 => Encoding::Alaw,
        other => return Err(unsupported(&format!("AU with the codec {other}"))),
    };
    let data = Data::of_32_bits(u64::from(start).max(24), length, size, false);
    Ok(Shape { encoding, channels: channels as usize, rate, layout: None, data })
}
