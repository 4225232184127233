//! Samples as they are in a MOV or MP4 file: how the description of the track says that they are written (QuickTime File
//! Format, "Sound Sample Descriptions"; ISO/IEC 23003-5).

use crate::refusal::Refusal;
use symphonia::core::audio::Position;

use super::{
    super::{bytes::big, caf::positions, faults::unsupported, pcm::Encoding},
    boxes::find,
};
use crate::limits::check_shape;

/// How the samples of a track are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written {
    pub(super) encoding: Encoding,
    pub(super) channels: usize,
    /// Frames in a second; 0 where the description has no room for the number.
    pub(super) rate: u32,
    pub(super) layout: Option<Position>,
    /// Whether a packet is one frame, whatever the table of sizes says, as in all of QuickTime.
    pub(super) quicktime: bool,
}

/// Reads the description of a track (the body of `stsd`); none where it is compressed.
///
/// # Errors
/// Where it describes samples that are not read.
pub(super) fn written(descriptions: &[u8]) -> Result<Option<Written>, Refusal> {
    let entry = descriptions.get(8..).unwrap_or(&[]);
    let codec = entry.get(4..8).unwrap_or(&[]);
    let known: [&[u8]; 12] =
        [b"raw ", b"twos", b"sowt", b"in24", b"in32", b"fl32", b"fl64", b"lpcm", b"alaw", b"ulaw", b"ipcm", b"fpcm"];
    if !known.contains(&codec) {
        return Ok(None);
    }
    // Version 1 of the whole box (ISO/IEC 14496-12) gives the entry's own version another meaning.
    let version = if descriptions.first() == Some(&0) { big(entry, 16, 2) } else { 0 };
    let more = match version {
        0 => entry.get(36..),
        1 => entry.get(52..),
        _ => entry.get(72..),
    };
    let more = more.unwrap_or(&[]);
    let (channels, rate) = match version {
        2 => (big(entry, 48, 4) as usize, f64::from_bits(big(entry, 40, 8)).round() as u32),
        _ => (big(entry, 24, 2) as usize, big(entry, 32, 2) as u32),
    };
    check_shape(rate.max(1), channels)?;
    let layout = find(more, &[b"chan"]).and_then(|own| positions(own.get(4..)?));
    Ok(Some(Written {
        encoding: encoding(codec, version, entry, more, channels)?,
        channels,
        rate,
        layout: layout.filter(|layout| layout.bits().count_ones() as usize == channels),
        quicktime: !matches!(codec, b"ipcm" | b"fpcm"),
    }))
}

fn encoding(codec: &[u8], version: u64, entry: &[u8], more: &[u8], channels: usize) -> Result<Encoding, Refusal> {
    let name = codec.escape_ascii();
    let bits = big(entry, 26, 2);
    let no = |bits: u64| unsupported(&format!("MOV with `{name}` of {bits} bits"));
    // The box says where the least significant byte comes first.
    let ends = find(more, &[b"wave", b"enda"]).or_else(|| find(more, &[b"enda"]));
    let big_endian = ends.is_none_or(|own| big(own, 0, 2) != 1);
    let signed = |encoding| if encoding == Encoding::U8 { Encoding::I8 } else { encoding };
    match codec {
        b"lpcm" if version == 2 => linear(entry, channels).ok_or_else(|| no(big(entry, 56, 4))),
        // Version 2 is for rates that the others have no room for; a sample is a byte in all of them.
        b"alaw" | b"ulaw" if version == 2 && [56, 64, 68].map(|at| big(entry, at, 4)) == [8, channels as u64, 1] => {
            Ok(if codec == b"alaw" { Encoding::Alaw } else { Encoding::Mulaw })
        }
        _ if version > 1 => Err(unsupported(&format!("MOV with a description of `{name}` of version {version}"))),
        b"raw " if bits == 8 => Ok(Encoding::U8),
        b"twos" | b"sowt" => {
            let width = (bits / 8) as usize;
            // Where the description has a width of its own, the two have to say the same.
            let agree = version == 0 || big(entry, 48, 4) == width as u64;
            let found = Encoding::integers(width, codec == b"twos").filter(|_| agree && bits.is_multiple_of(8));
            found.map(signed).ok_or_else(|| no(bits))
        }
        b"in24" => Ok(Encoding::I24 { big: big_endian }),
        b"in32" => Ok(Encoding::I32 { big: big_endian }),
        b"fl32" => Ok(Encoding::F32 { big: big_endian }),
        b"fl64" => Ok(Encoding::F64 { big: big_endian }),
        b"alaw" => Ok(Encoding::Alaw),
        b"ulaw" => Ok(Encoding::Mulaw),
        b"ipcm" | b"fpcm" => {
            let own = find(more, &[b"pcmC"]).unwrap_or(&[]);
            let (most_first, bits) = (big(own, 4, 1) & 1 == 0, big(own, 5, 1));
            let width = if bits.is_multiple_of(8) { (bits / 8) as usize } else { 0 };
            let found = match codec {
                b"ipcm" if width > 1 => Encoding::integers(width, most_first),
                b"fpcm" => Encoding::floats(width, most_first),
                _ => None,
            };
            found.ok_or_else(|| no(bits))
        }
        _ => Err(no(bits)),
    }
}

/// What the flags of version 2 of the description say; none for what is not read.
fn linear(entry: &[u8], channels: usize) -> Option<Encoding> {
    const FLOAT: u64 = 1;
    const BIG: u64 = 2;
    const SIGNED: u64 = 4;
    const HIGH: u64 = 16;
    const PLANAR: u64 = 32;
    let [bits, flags, packet, frames] = [56, 60, 64, 68].map(|at| big(entry, at, 4));
    let width = (packet as usize).checked_div(channels).filter(|width| width * channels == packet as usize)?;
    // Bits that do not fill their bytes are the upper ones, or something else than a number of that width.
    let fills = bits == 8 * width as u64 || (flags & HIGH != 0 && bits < 8 * width as u64);
    if frames != 1 || !fills || (flags & PLANAR != 0 && channels > 1) {
        return None;
    }
    match Encoding::integers(width, flags & BIG != 0) {
        _ if flags & FLOAT != 0 => Encoding::floats(width, flags & BIG != 0),
        Some(Encoding::U8 | Encoding::I8) => Some(if flags & SIGNED == 0 { Encoding::U8 } else { Encoding::I8 }),
        found => found.filter(|_| flags & SIGNED != 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A description of stereo at 48 kHz in the first version, with boxes behind it.
    fn plain(codec: &[u8; 4], bits: u16, boxes: &[u8]) -> Vec<u8> {
        let rate = [0xbb, 0x80, 0, 0];
        let entry = [&[0; 4][..], codec, &[0; 16], &[0, 2], &bits.to_be_bytes(), &[0; 4], &rate, boxes].concat();
        [&[0; 8][..], &entry].concat()
    }

    fn linear_of(bits: u32, flags: u32, bytes: u32) -> Vec<u8> {
        let mut entry = plain(b"lpcm", 16, &[0; 36])[8..].to_vec();
        entry[17] = 2;
        entry[40..48].copy_from_slice(&192_000f64.to_be_bytes());
        for (at, number) in [(48, 2), (52, 0x7f00_0000), (56, bits), (60, flags), (64, bytes), (68, 1)] {
            entry[at..at + 4].copy_from_slice(&u32::to_be_bytes(number));
        }
        [&[0; 8][..], &entry].concat()
    }

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    }

    fn encoding_of(descriptions: &[u8]) -> Option<Encoding> {
        written(descriptions).ok().map(|own| own.expect("samples").encoding)
    }

    #[test]
    fn the_order_of_bytes_is_the_one_of_the_description() {
        let little = boxed(b"wave", &boxed(b"enda", &[0, 1]));
        let most = boxed(b"wave", &boxed(b"enda", &[0, 0]));
        assert_eq!(encoding_of(&plain(b"in24", 16, b"")), Some(Encoding::I24 { big: true }));
        assert_eq!(encoding_of(&plain(b"in24", 16, &most)), Some(Encoding::I24 { big: true }));
        assert_eq!(encoding_of(&plain(b"in24", 16, &little)), Some(Encoding::I24 { big: false }));
        assert_eq!(encoding_of(&plain(b"fl64", 16, &little)), Some(Encoding::F64 { big: false }));
        assert_eq!(encoding_of(&plain(b"twos", 16, b"")), Some(Encoding::I16 { big: true }));
        assert_eq!(encoding_of(&plain(b"sowt", 8, b"")), Some(Encoding::I8));
        assert_eq!(encoding_of(&plain(b"raw ", 8, b"")), Some(Encoding::U8));
        let iso = |codec, flags, bits| plain(codec, 16, &boxed(b"pcmC", &[0, 0, 0, 0, flags, bits]));
        assert_eq!(encoding_of(&iso(b"ipcm", 1, 24)), Some(Encoding::I24 { big: false }));
        assert_eq!(encoding_of(&iso(b"fpcm", 0, 32)), Some(Encoding::F32 { big: true }));
        assert_eq!(written(&plain(b"mp4a", 16, b"")), Ok(None));
    }

    #[test]
    fn the_flags_of_version_2_are_heeded() {
        assert_eq!(encoding_of(&linear_of(24, 12, 6)), Some(Encoding::I24 { big: false }));
        assert_eq!(encoding_of(&linear_of(32, 15, 8)), Some(Encoding::F32 { big: true }));
        assert_eq!(
            encoding_of(&linear_of(24, 4 + 16, 8)),
            Some(Encoding::I32 { big: false }),
            "the upper bytes of four"
        );
        let found = written(&linear_of(64, 9, 16)).expect("read").expect("samples");
        assert_eq!((found.encoding, found.rate, found.channels), (Encoding::F64 { big: false }, 192_000, 2));
    }

    #[test]
    fn what_is_not_surely_right_is_refused_by_its_name() {
        for (descriptions, bits) in [
            (plain(b"raw ", 16, b""), 16),
            (plain(b"twos", 20, b""), 20),
            (linear_of(16, 8, 4), 16),      // without a sign
            (linear_of(24, 4, 8), 24),      // the lower bytes of four
            (linear_of(16, 4 + 32, 4), 16), // one channel after the other
        ] {
            let said = written(&descriptions).expect_err("refused").text.clone();
            assert!(
                said.contains(&format!("of {bits} bits is not supported; convert the file with `ffmpeg")),
                "{said}"
            );
        }
    }
}
