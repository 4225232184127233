//! The elements of EBML (RFC 8794), of which Matroska files are made: names, sizes, checksums.

use std::io::{self, BufReader, Read, Seek};

use super::super::bytes::{big, read_up_to};

/// An element's name, where its body begins, and how long it is where that is known.
#[derive(Clone, Copy)]
pub(super) struct Element {
    pub(super) name: u64,
    pub(super) body: u64,
    pub(super) size: Option<u64>,
}

/// Reads the head of an element at a place; none where no element begins there.
///
/// # Errors
/// Those of reading.
pub(super) fn element<R: Read>(source: &mut R, at: u64) -> io::Result<Option<Element>> {
    let mut head = [0; 12];
    let got = read_up_to(source, &mut head)?;
    let head = &head[..got];
    let names = head.first().map_or(0, |first| first.leading_zeros() as usize + 1);
    if names == 0 || names > 4 || head.len() <= names {
        return Ok(None);
    }
    let Some((size, sizes)) = number(&head[names..]) else { return Ok(None) };
    let unknown = size == (1 << (7 * sizes)) - 1;
    Ok(Some(Element { name: big(head, 0, names), body: at + (names + sizes) as u64, size: (!unknown).then_some(size) }))
}

/// A number of variable length, and its length.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 8 || bytes.len() < length {
        return None;
    }
    Some((big(bytes, 0, length) & !(1 << (7 * length)), length))
}

/// The elements within the body of another one.
pub(super) fn elements(mut body: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let element = element(&mut &body[..], 0).ok()??;
        let from = element.body as usize;
        let end = from.saturating_add(element.size.unwrap_or(0) as usize).min(body.len());
        let own = body.get(from..end)?;
        body = &body[end..];
        Some((element.name, own))
    })
}

/// Moves to a place without losing what is buffered.
///
/// # Errors
/// Those of seeking.
pub(super) fn go_to<R: Read + Seek>(source: &mut BufReader<R>, at: u64) -> io::Result<()> {
    let here = source.stream_position()?;
    source.seek_relative(at as i64 - here as i64)
}

/// The checksum of the next `length` bytes, as elements of the name CRC-32 hold it (ISO 3309).
///
/// # Errors
/// Those of reading.
pub(super) fn checksum<R: Read>(source: &mut R, length: u64) -> io::Result<u32> {
    let table = table();
    let (mut left, mut sum, mut bytes) = (length, u32::MAX, vec![0; 1 << 14]);
    while left > 0 {
        let most = left.min(bytes.len() as u64) as usize;
        let got = read_up_to(source, &mut bytes[..most])?;
        if got == 0 {
            break;
        }
        sum = bytes[..got].iter().fold(sum, |sum, &byte| table[usize::from(sum as u8 ^ byte)] ^ sum >> 8);
        left -= got as u64;
    }
    Ok(!sum)
}

fn table() -> [u32; 256] {
    const REVERSED: u32 = 0xedb8_8320;
    std::array::from_fn(|byte| {
        (0..8).fold(byte as u32, |sum, _| if sum & 1 == 1 { sum >> 1 ^ REVERSED } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(checksum(&mut &b"123456789"[..], 9).expect("memory reads"), 0xcbf4_3926);
    }
}
