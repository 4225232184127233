//! The chunks of Apple's CAF: where its samples or its packets lie, and what is known of them.

mod table;

use std::io::{Read, Seek, SeekFrom};

use crate::refusal::Refusal;
use symphonia::core::audio::Position;

use super::{
    aac::HE_AAC,
    bytes::{big, read_up_to},
    faults::{damaged, several, unread, unsupported},
    pcm::{Data, Encoding, Shape, read_piece},
};
use crate::limits::check_shape;
use table::Table;

/// A packet table beyond this is of no sound that anybody has.
const MAX_TABLE: u64 = 256 << 20;

/// Whether a file begins as CAF.
pub(crate) fn is_caf(head: &[u8]) -> bool {
    head.starts_with(b"caff")
}

/// What a CAF file turns out to hold.
pub(crate) enum Caf {
    /// Samples as they are.
    Pcm(Shape),
    /// Packets of a codec.
    Packets(Packed),
}

/// Packets of a codec, behind a header that says no more than is needed to find them.
pub(crate) struct Packed {
    pub(crate) head: Vec<u8>,
    pub(crate) data: Data,
    pub(crate) rate: u32,
    /// Frames before the sound, and of it where the file says it.
    pub(crate) priming: u64,
    pub(crate) valid: Option<u64>,
}

/// The chunks of a file that matter.
#[derive(Default)]
struct Chunks {
    description: Vec<u8>,
    layout: Option<Position>,
    /// What the decoder is told ("magic cookie").
    cookie: Vec<u8>,
    table: Vec<u8>,
    data: Option<Data>,
}

/// Reads the chunks of a file of `length` bytes.
///
/// # Errors
/// Where one that is needed is missing, or names what is not read.
pub(crate) fn contents<R: Read + Seek>(source: &mut R, length: u64) -> Result<Caf, Refusal> {
    let chunks = Chunks::read(source, length)?;
    if chunks.description.len() < 32 {
        return Err(damaged("it has no chunk `desc`"));
    }
    match &chunks.description[8..12] {
        b"lpcm" | b"alaw" | b"ulaw" => chunks.shape().map(Caf::Pcm),
        _ => chunks.packed().map(Caf::Packets),
    }
}

impl Chunks {
    fn read<R: Read + Seek>(source: &mut R, length: u64) -> Result<Self, Refusal> {
        let (mut chunks, mut at) = (Self::default(), 8u64);
        loop {
            source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
            let mut header = [0; 12];
            if read_up_to(source, &mut header).map_err(|error| unread(&error))? < header.len() {
                return Ok(chunks);
            }
            let size = big(&header, 4, 8);
            match &header[..4] {
                b"desc" => chunks.description = read_piece(source, size)?,
                b"chan" => chunks.layout = positions(&read_piece(source, 12)?),
                b"caff" if chunks.data.is_some() => return Err(several()),
                b"kuki" => chunks.cookie = read_piece(source, size)?,
                b"pakt" => {
                    chunks.table.clear();
                    source.take(size.min(MAX_TABLE)).read_to_end(&mut chunks.table).map_err(|error| unread(&error))?;
                }
                b"data" => {
                    let size = if size as i64 == -1 { u64::MAX } else { size.saturating_sub(4) };
                    chunks.data = Some(Data::of_64_bits(at + 16, length, size));
                }
                _ => {}
            }
            if size > length {
                return Ok(chunks);
            }
            at += 12 + size;
        }
    }

    fn rate(&self) -> u32 {
        f64::from_bits(big(&self.description, 0, 8)).round() as u32
    }

    fn data(&self) -> Result<Data, Refusal> {
        self.data.ok_or_else(|| damaged("it has no chunk `data`"))
    }

    fn shape(&self) -> Result<Shape, Refusal> {
        let description = &self.description;
        let (flags, packet) = (big(description, 12, 4), big(description, 16, 4) as usize);
        let (channels, bits) = (big(description, 24, 4) as usize, big(description, 28, 4) as usize);
        check_shape(self.rate(), channels)?;
        let (float, little) = (flags & 1 != 0, flags & 2 != 0);
        let width = if packet.is_multiple_of(channels) { packet / channels } else { bits.div_ceil(8) };
        let encoding = match &description[8..12] {
            b"alaw" => Some(Encoding::Alaw),
            b"ulaw" => Some(Encoding::Mulaw),
            _ if float => Encoding::floats(width, !little),
            _ => Encoding::integers(width, !little).map(|own| if own == Encoding::U8 { Encoding::I8 } else { own }),
        };
        let encoding = encoding.ok_or_else(|| unsupported(&format!("CAF with samples of {bits} bits")))?;
        let layout = self.layout.filter(|layout| layout.bits().count_ones() as usize == channels);
        Ok(Shape { encoding, channels, rate: self.rate(), layout, data: self.data()? })
    }

    fn packed(&self) -> Result<Packed, Refusal> {
        let codec = &self.description[8..12];
        if let Some(name) = codec_not_read(codec) {
            return Err(unsupported(&name).of_cut_file(self.data()?.is_cut()));
        }
        check_shape(self.rate(), big(&self.description, 24, 4) as usize)?;
        if codec == b"aac " && self.cookie.first() != Some(&3) {
            return Err(unsupported("CAF with AAC that is not described as Apple does"));
        }
        let data = self.data()?;
        let (size, frames) = (big(&self.description, 16, 4), big(&self.description, 20, 4));
        let variable = size == 0 || frames == 0;
        let table = match self.table.is_empty() {
            true if variable => return Err(damaged("it has no packet table (`pakt`)")),
            true => None,
            // Of a file that is cut off the data are fewer than the table says.
            false if data.is_cut() => Some(Table::read(self.table.clone(), size, frames, u64::MAX)?),
            false => Some(Table::read(self.table.clone(), size, frames, data.there)?),
        };
        let chunk = |name: &[u8; 4], body: &[u8]| [&name[..], &(body.len() as u64).to_be_bytes(), body].concat();
        let mut head = [b"caff\0\x01\0\0", &chunk(b"desc", &self.description[..32])[..]].concat();
        if !self.cookie.is_empty() {
            head.extend(chunk(b"kuki", &self.cookie));
        }
        if let Some(table) = table.as_ref().filter(|_| variable) {
            head.extend(chunk(b"pakt", &table.bytes));
        }
        // The data begin with the number of edits, which nobody counts.
        head.extend([&b"data"[..], &(data.there + 4).to_be_bytes(), &[0; 4]].concat());
        let (priming, valid) = table.map_or((0, None), |table| (table.priming, table.valid));
        Ok(Packed { head, data, rate: self.rate(), priming, valid })
    }
}

/// The name of a codec by its four letters, where it is not read.
fn codec_not_read(letters: &[u8]) -> Option<String> {
    let known = match letters {
        b"aac " | b"alac" | b"flac" | b".mp1" | b".mp2" | b".mp3" => return None,
        b"opus" => "Opus",
        b"aach" | b"aacp" => HE_AAC,
        b"ac-3" | b"cac3" => "AC-3",
        b"ec-3" => "E-AC-3",
        b"ima4" => "CAF with QuickTime ADPCM (`ima4`)",
        b"samr" => "AMR",
        b"MAC3" | b"MAC6" => "MACE",
        b"QDM2" | b"QDMC" => "QDesign music",
        b"agsm" => "GSM 6.10",
        other => return Some(format!("CAF with the codec `{}`", other.escape_ascii())),
    };
    Some(known.to_owned())
}

/// The places of the channels, where Apple's description of them is a bitmap; a layout by its number is left unknown.
pub(crate) fn positions(channel_layout: &[u8]) -> Option<Position> {
    const BY_BITMAP: u64 = 1 << 16;
    let bitmap = (big(channel_layout, 0, 4) == BY_BITMAP).then(|| big(channel_layout, 4, 4))?;
    Position::from_bits(bitmap)
}
