//! Tags that people put around a file of any format: where the file begins behind those in front, and ends before those
//! behind.

use std::io::{self, Read, Seek, SeekFrom};

use super::{
    bytes::{id3v2_length, little, read_up_to},
    source::Source,
};

/// As many zeros behind the sound fill a sector or a block of a disk. More of them are the rest of a file that did not arrive.
pub(crate) const MOST_PADDING: u64 = 64 << 10;

/// Bytes of an ID3v1 tag, and of the header and the footer of an APE tag.
const ID3V1: u64 = 128;
const APE: u64 = 32;

/// Where a file of `length` bytes begins behind the tags in front of it: ID3v2, one or several in a row.
///
/// # Errors
/// Those of reading.
pub(crate) fn start_behind_tags<R: Read + Seek>(source: &mut R, length: u64) -> io::Result<u64> {
    let mut at = 0;
    while at < length {
        source.seek(SeekFrom::Start(at))?;
        let mut head = [0; 10];
        let got = read_up_to(source, &mut head)?;
        match id3v2_length(&head[..got]) {
            Some(tag) => at += tag,
            None => break,
        }
    }
    Ok(at)
}

/// Where a file ends without the tags behind it: ID3v1, and APE whether it has a header or only a footer.
///
/// # Errors
/// Those of reading.
pub(crate) fn end_without_tags(source: &mut Source) -> io::Result<u64> {
    let mut end = source.length();
    if let Some(start) = end.checked_sub(ID3V1)
        && read_at(source, start, 3)? == b"TAG"
    {
        end = start;
    }
    let Some(start) = end.checked_sub(APE) else { return Ok(end) };
    let footer = read_at(source, start, APE as usize)?;
    if footer.starts_with(b"APETAGEX") {
        // The size is that of the items and the footer.
        let header = if little(&footer, 20, 4) & 1 << 31 != 0 { APE } else { 0 };
        end = end.checked_sub(little(&footer, 12, 4).max(APE) + header).unwrap_or(end);
    }
    Ok(end)
}

/// The length of an APE tag that begins with its header, or is a footer whose items are not known.
pub(crate) fn ape_length(head: &[u8]) -> Option<u64> {
    if !head.starts_with(b"APETAGEX") {
        return None;
    }
    let header = little(head, 20, 4) & 1 << 29 != 0;
    Some(if header { APE + little(head, 12, 4) } else { APE })
}

fn read_at(source: &mut Source, at: u64, length: usize) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut piece = vec![0; length];
    let got = read_up_to(source, &mut piece)?;
    piece.truncate(got);
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    fn end(parts: &[&[u8]]) -> u64 {
        let content = Content::Bytes(Bytes::from(parts.concat()));
        end_without_tags(&mut Source::open(&content).expect("memory opens")).expect("memory reads")
    }

    fn mark(size: u32, flags: u32) -> Vec<u8> {
        [&b"APETAGEX"[..], &2000u32.to_le_bytes(), &size.to_le_bytes(), &[1, 0, 0, 0], &flags.to_le_bytes(), &[0; 8]]
            .concat()
    }

    #[test]
    fn a_file_ends_before_the_tags_behind_it() {
        let (sound, items, old) = ([7; 500], [9; 300], [&b"TAG"[..], &[b'x'; 125]].concat());
        let (header, footer) = (mark(332, 0xa000_0000), mark(332, 0x8000_0000));
        assert_eq!(end(&[&sound]), 500);
        assert_eq!(end(&[&sound, &old]), 500);
        assert_eq!(end(&[&sound, &header, &items, &footer]), 500);
        assert_eq!(end(&[&sound, &items, &mark(332, 0), &old]), 500);
        assert_eq!(end(&[&sound, &mark(u32::MAX, 0)]), 532, "a size that no file has");
        assert_eq!(end(&[b"TAG"]), 3);
    }

    #[test]
    fn a_file_begins_behind_all_the_tags_in_front_of_it() {
        let tag = |length: u8| [&b"ID3\x03\0\0\0\0\0"[..], &[length], &vec![0; length.into()]].concat();
        let start = |parts: &[&[u8]]| {
            let bytes = parts.concat();
            let length = bytes.len() as u64;
            start_behind_tags(&mut io::Cursor::new(bytes), length).expect("memory reads")
        };
        assert_eq!(start(&[b"RIFF and so on"]), 0);
        assert_eq!(start(&[&tag(90), b"RIFF and so on"]), 100);
        assert_eq!(start(&[&tag(90), &tag(20), b"RIFF and so on"]), 130);
        assert_eq!(start(&[&tag(90), &tag(20)[..15]]), 130, "a tag that is cut off");
    }

    #[test]
    fn a_tag_is_passed_over_with_its_header() {
        assert_eq!(ape_length(&mark(332, 0xa000_0000)), Some(364));
        assert_eq!(ape_length(&mark(332, 0)), Some(32));
        assert_eq!(ape_length(b"ID3"), None);
    }
}
