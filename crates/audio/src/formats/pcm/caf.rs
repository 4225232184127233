//! The chunks of Apple's CAF, where it holds samples as they are.

use std::io::{Read, Seek, SeekFrom};

use euterpe_actors::outcome::Fault;
use symphonia::core::audio::Position;

use super::{
    super::{
        bytes::{big, read_up_to},
        faults::{damaged, unread, unsupported},
    },
    Data, Encoding, Shape, read_piece,
};
use crate::limits::check_shape;

/// Whether a file begins as CAF.
pub(crate) fn is_caf(head: &[u8]) -> bool {
    head.starts_with(b"caff")
}

/// What a CAF file turns out to hold.
pub(crate) enum Caf {
    /// Samples as they are.
    Pcm(Shape),
    /// Packets of a codec, of which some may be missing at the end.
    Packets { cut: bool },
}

/// Reads the chunks of a file of `length` bytes.
///
/// # Errors
/// Where one that is needed is missing.
pub(crate) fn contents<R: Read + Seek>(source: &mut R, length: u64) -> Result<Caf, Fault> {
    let (mut description, mut layout, mut data) = (Vec::new(), None, None);
    let mut at = 8u64;
    loop {
        source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
        let mut header = [0; 12];
        if read_up_to(source, &mut header).map_err(|error| unread(&error))? < header.len() {
            break;
        }
        let size = big(&header, 4, 8);
        match &header[..4] {
            b"desc" => description = read_piece(source, size)?,
            b"chan" => layout = positions(&read_piece(source, 12)?),
            b"data" => {
                let size = if size as i64 == -1 { u64::MAX } else { size.saturating_sub(4) };
                data = Some(Data::of_64_bits(at + 16, length, size));
            }
            _ => {}
        }
        if size > length {
            break;
        }
        at += 12 + size;
    }
    if description.len() < 32 {
        return Err(damaged("it has no chunk `desc`"));
    }
    let codec = &description[8..12];
    if codec != b"lpcm" && codec != b"alaw" && codec != b"ulaw" {
        return Ok(Caf::Packets { cut: data.is_some_and(Data::is_cut) });
    }
    let rate = f64::from_bits(big(&description, 0, 8)).round() as u32;
    let (flags, packet) = (big(&description, 12, 4), big(&description, 16, 4) as usize);
    let (channels, bits) = (big(&description, 24, 4) as usize, big(&description, 28, 4) as usize);
    check_shape(rate, channels)?;
    let (float, little) = (flags & 1 != 0, flags & 2 != 0);
    let width = if packet.is_multiple_of(channels) { packet / channels } else { bits.div_ceil(8) };
    let encoding = match codec {
        b"alaw" => Some(Encoding::Alaw),
        b"ulaw" => Some(Encoding::Mulaw),
        _ if float => Encoding::floats(width, !little),
        _ => Encoding::integers(width, !little).map(|own| if own == Encoding::U8 { Encoding::I8 } else { own }),
    };
    let encoding = encoding.ok_or_else(|| unsupported(&format!("CAF with samples of {bits} bits")))?;
    let data = data.ok_or_else(|| damaged("it has no chunk `data`"))?;
    let layout = layout.filter(|layout| layout.bits().count_ones() as usize == channels);
    Ok(Caf::Pcm(Shape { encoding, channels, rate, layout, data }))
}

/// The places of the channels where the file gives a bitmap; a layout by its number is left unknown.
fn positions(channel_layout: &[u8]) -> Option<Position> {
    const BY_BITMAP: u64 = 1 << 16;
    let bitmap = (big(channel_layout, 0, 4) == BY_BITMAP).then(|| big(channel_layout, 4, 4))?;
    Position::from_bits(bitmap)
}
