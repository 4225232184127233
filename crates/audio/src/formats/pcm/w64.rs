//! Walks the chunks of Sony Wave64: WAV with names of 16 bytes and sizes of 64 bits.

use std::io::{Read, Seek, SeekFrom};

use crate::refusal::Refusal;

use super::{
    super::{
        bytes::{little, read_up_to},
        faults::{damaged, unread},
    },
    Data, read_piece,
    wav::Chunks,
};

/// The file's own name, as its first four letters and what follows them.
const RIFF: &[u8] = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0";

/// Whether a file begins as Wave64.
pub(crate) fn is_w64(head: &[u8]) -> bool {
    head.starts_with(RIFF)
}

/// Finds the format and the samples of a file of `length` bytes.
///
/// # Errors
/// Where one of them is missing, or the file cannot be read.
pub(crate) fn chunks<R: Read + Seek>(source: &mut R, length: u64) -> Result<Chunks, Refusal> {
    const HEADER: u64 = 24;
    let (mut format, mut fact) = (Vec::new(), Vec::new());
    let mut at = HEADER + 16;
    loop {
        // A size of 64 bits may lead to a place that no file can have.
        source.seek(SeekFrom::Start(at.min(length))).map_err(|error| unread(&error))?;
        let mut header = [0; HEADER as usize];
        if read_up_to(source, &mut header).map_err(|error| unread(&error))? < header.len() {
            let missing = if format.is_empty() { "it has no format chunk" } else { "it has no data chunk" };
            return Err(damaged(missing));
        }
        let size = little(&header, 16, 8); // with the header
        let body = size.saturating_sub(HEADER);
        match &header[..4] {
            b"fmt " => format = read_piece(source, body)?,
            b"fact" => fact = read_piece(source, body)?,
            b"data" => {
                let data = Data::of_64_bits(at + HEADER, length, body);
                return Ok(Chunks { format, fact, data, big: false });
            }
            _ => {}
        }
        at = at.saturating_add(size.max(HEADER).checked_next_multiple_of(8).unwrap_or(u64::MAX));
    }
}
