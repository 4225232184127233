//! Walks the chunks of WAV: RIFF, RIFX (most significant byte first), RF64 and BW64 (sizes of 64 bits, EBU Tech 3306).

use std::io::{Read, Seek, SeekFrom};

use crate::refusal::Refusal;

use super::{
    super::{
        bytes::{big, little, read_up_to},
        faults::{damaged, several, unread},
    },
    Data, read_piece,
    wav::Chunks,
};

/// Whether a file begins as one of the family.
pub(crate) fn is_riff(head: &[u8]) -> bool {
    let family = [b"RIFF", b"RIFX", b"RF64", b"BW64"].iter().any(|name| head.starts_with(*name));
    family && head.get(8..12) == Some(b"WAVE")
}

/// Finds the format and the samples of a file of `length` bytes.
///
/// # Errors
/// Where one of them is missing, or the file cannot be read.
pub(crate) fn chunks<R: Read + Seek>(source: &mut R, length: u64) -> Result<Chunks, Refusal> {
    let head = read_piece(source, 12)?;
    let most_first = head.starts_with(b"RIFX");
    let number = |bytes: &[u8], at| (if most_first { big(bytes, at, 4) } else { little(bytes, at, 4) }) as u32;
    let long = head.starts_with(b"RF64") || head.starts_with(b"BW64");
    let outer = u64::from(number(&head, 4));
    let whole = outer > 36 && (outer + 8 == length || outer + 9 == length);
    let (mut format, mut fact, mut long_size, mut data) = (Vec::new(), Vec::new(), 0, None);
    let mut at = 12u64;
    loop {
        source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
        let mut header = [0; 8];
        if read_up_to(source, &mut header).map_err(|error| unread(&error))? < header.len() {
            break;
        }
        let size = number(&header, 4);
        match &header[..4] {
            b"fmt " if format.is_empty() => format = read_piece(source, size.into())?,
            b"fact" => fact = read_piece(source, size.into())?,
            b"ds64" => long_size = little(&read_piece(source, 28)?, 8, 8),
            b"data" if data.is_none() => {
                let start = at + 8;
                let follows = read_piece(source, 4)?;
                let found = match size {
                    0 if [&b"LIST"[..], b"id3 ", b"ID3 ", b"bext", b"cue "].contains(&&follows[..]) => {
                        Data { start, there: 0, declared: None }
                    }
                    u32::MAX if long => Data::of_64_bits(start, length, long_size),
                    _ => Data::of_32_bits(start, length, size, whole),
                };
                if found.declared.is_some() && follows_another(source, start + found.there)? {
                    return Err(several());
                }
                data = Some(found);
                if !format.is_empty() {
                    break;
                }
            }
            _ => {}
        }
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    if format.is_empty() {
        return Err(damaged("it has no format chunk"));
    }
    let data = data.ok_or_else(|| damaged("it has no data chunk"))?;
    Ok(Chunks { format, fact, data, big: most_first })
}

/// Whether another file of the family begins where the samples of this one end.
fn follows_another<R: Read + Seek>(source: &mut R, end: u64) -> Result<bool, Refusal> {
    source.seek(SeekFrom::Start(end)).map_err(|error| unread(&error))?;
    Ok(is_riff(&read_piece(source, 12)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn found(parts: &[&[u8]]) -> Data {
        let bytes = parts.concat();
        let length = bytes.len() as u64;
        chunks(&mut Cursor::new(bytes), length).expect("chunks").data
    }

    const FORMAT: &[u8] = b"fmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0";

    #[test]
    fn the_size_of_the_whole_is_not_needed_to_find_the_samples() {
        for outer in [0u32, 28, 36 + 100, u32::MAX] {
            let data = found(&[b"RIFF", &outer.to_le_bytes(), b"WAVE", FORMAT, b"data\x64\0\0\0", &[0; 100]]);
            assert_eq!(data, Data { start: 44, there: 100, declared: Some(100) });
        }
    }

    #[test]
    fn a_size_of_64_bits_stands_in_its_own_chunk() {
        let sizes = [&b"ds64\x1c\0\0\0"[..], &[0; 8], &100u64.to_le_bytes(), &[0; 12]].concat();
        let data =
            found(&[b"BW64\xff\xff\xff\xffWAVE", &sizes, FORMAT, b"data\xff\xff\xff\xff", &[0; 100], b"LIST\0\0\0\0"]);
        assert_eq!(data, Data { start: 80, there: 100, declared: Some(100) });
    }

    #[test]
    fn an_empty_data_chunk_before_another_chunk_is_no_stream() {
        let data = found(&[b"RIFF\0\0\0\0WAVE", FORMAT, b"data\0\0\0\0", b"LIST\x04\0\0\0INFO"]);
        assert_eq!(data.there, 0);
    }
}
