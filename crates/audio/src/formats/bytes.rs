//! Numbers out of headers, and reading as much as there is.

use std::io::{self, Read};

/// Fills `buffer` as far as the source reaches.
///
/// # Errors
/// Those of reading.
pub(crate) fn read_up_to<R: Read>(reader: &mut R, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match reader.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(read) => got += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// The number at a place, most significant byte first; zeros where the bytes end.
pub(crate) fn big(bytes: &[u8], at: usize, length: usize) -> u64 {
    (at..at + length).fold(0, |sum, place| sum << 8 | u64::from(bytes.get(place).copied().unwrap_or(0)))
}

/// The number at a place, least significant byte first; zeros where the bytes end.
pub(crate) fn little(bytes: &[u8], at: usize, length: usize) -> u64 {
    (at..at + length).rev().fold(0, |sum, place| sum << 8 | u64::from(bytes.get(place).copied().unwrap_or(0)))
}

/// The length of an ID3v2 tag with its header and footer, where `head` begins with one.
pub(crate) fn id3v2_length(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', _, _, flags, a, b, c, d, ..] = *head else { return None };
    let length = [a, b, c, d].iter().fold(0u64, |sum, &byte| sum << 7 | u64::from(byte & 0x7f));
    Some(10 + length + if flags & 0x10 == 0 { 0 } else { 10 })
}
