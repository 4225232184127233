//! Tells from a file's own marks whether it is whole and whether its declared length can be believed.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::source::Source;

/// What the file itself says about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing beyond the declared length, which is exact or nearly so.
    Declared,
    /// The declared length is an estimate from the bit rate, so it says nothing.
    Estimated,
    /// Every stream of the Ogg file has its end-of-stream page.
    Closed,
    /// The Ogg file ends within a page or without the end-of-stream mark of a stream.
    Open,
}

/// Looks at the marks of a source.
///
/// # Errors
/// Those of reading it.
pub(crate) fn ending_of(source: Source) -> io::Result<Ending> {
    let mut reader = BufReader::with_capacity(1 << 16, source);
    let mut head = [0u8; 12];
    let got = read_up_to(&mut reader, &mut head)?;
    let head = &head[..got];
    reader.seek(SeekFrom::Start(0))?;
    if head.starts_with(b"OggS") {
        ogg(&mut reader)
    } else if head.starts_with(b"ID3") || matches!(head, [0xff, second, ..] if second & 0xe0 == 0xe0) {
        mpeg(&mut reader, head)
    } else {
        Ok(Ending::Declared)
    }
}

/// Walks the pages of an Ogg file (RFC 3533, section 6) from header to header, without reading what is between.
///
/// What follows the last end-of-stream page (tags, padding) does not matter.
fn ogg<R: Read + Seek>(reader: &mut BufReader<R>) -> io::Result<Ending> {
    const LAST: u8 = 0x04;
    let mut open: Vec<u32> = Vec::new();
    let mut closed = false;
    loop {
        let mut header = [0u8; 27];
        let got = read_up_to(reader, &mut header)?;
        let whole = got == header.len() && header.starts_with(b"OggS");
        if !whole {
            return Ok(if closed && open.is_empty() { Ending::Closed } else { Ending::Open });
        }
        let serial = u32::from_le_bytes([header[14], header[15], header[16], header[17]]);
        let mut lacing = [0u8; 255];
        let lacing = &mut lacing[..usize::from(header[26])];
        if read_up_to(reader, lacing)? != lacing.len() {
            return Ok(Ending::Open);
        }
        let body: u64 = lacing.iter().map(|&length| u64::from(length)).sum();
        if body > 0 {
            // The last byte is read, for a seek beyond the end says nothing.
            reader.seek_relative(body as i64 - 1)?;
            if read_up_to(reader, &mut [0])? == 0 {
                return Ok(Ending::Open);
            }
        }
        if header[5] & LAST != 0 {
            open.retain(|&other| other != serial);
            closed = true;
        } else if !open.contains(&serial) {
            if open.len() == 64 {
                return Ok(Ending::Open);
            }
            open.push(serial);
        }
    }
}

/// An MPEG stream knows its length only by the tag in its first frame (`Xing`, `Info`, `VBRI`).
fn mpeg<R: Read + Seek>(reader: &mut BufReader<R>, head: &[u8]) -> io::Result<Ending> {
    let start = match head {
        [b'I', b'D', b'3', _, _, _, a, b, c, d, ..] => {
            let length = [a, b, c, d].iter().fold(0u64, |sum, &&byte| sum << 7 | u64::from(byte & 0x7f));
            10 + length
        }
        _ => 0,
    };
    reader.seek(SeekFrom::Start(start))?;
    let mut first = vec![0u8; 4096];
    let got = read_up_to(reader, &mut first)?;
    let tagged = first[..got].windows(4).any(|four| matches!(four, b"Xing" | b"Info" | b"VBRI"));
    Ok(if tagged { Ending::Declared } else { Ending::Estimated })
}

fn read_up_to<R: Read>(reader: &mut R, buffer: &mut [u8]) -> io::Result<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use euterpe_actors::storage::Content;

    fn page(flags: u8, serial: u8, body: usize) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(flags);
        page.extend([0; 8]);
        page.extend([serial, 0, 0, 0]);
        page.extend([0; 8]);
        let lacing: Vec<u8> = std::iter::repeat_n(255, body / 255).chain([(body % 255) as u8]).collect();
        page.push(lacing.len() as u8);
        page.extend(&lacing);
        page.extend(vec![9; body]);
        page
    }

    fn ending(bytes: Vec<u8>) -> Ending {
        ending_of(Source::open(&Content::Bytes(Bytes::from(bytes))).expect("memory opens")).expect("memory reads")
    }

    #[test]
    fn an_ogg_file_is_whole_only_with_the_end_page_of_each_stream() {
        let whole = [page(2, 1, 30), page(0, 1, 5000), page(4, 1, 0)].concat();
        assert_eq!(ending(whole.clone()), Ending::Closed);
        assert_eq!(ending([whole.clone(), b"TAG and padding".to_vec()].concat()), Ending::Closed);
        for cut in 28..whole.len() {
            assert_eq!(ending(whole[..cut].to_vec()), Ending::Open, "cut at {cut}");
        }
        assert_eq!(ending([page(2, 1, 30), page(2, 2, 30), page(4, 1, 10)].concat()), Ending::Open);
    }

    #[test]
    fn an_mpeg_file_declares_its_length_only_by_its_tag() {
        let frame = |tag: &[u8]| [&[0xff, 0xfb, 0x90, 0x64][..], &[0; 32], tag, &[0; 400]].concat();
        assert_eq!(ending(frame(b"Info")), Ending::Declared);
        assert_eq!(ending(frame(b"none")), Ending::Estimated);
        let tagged = [b"ID3\x04\0\0\0\0\x01\0".to_vec(), vec![0; 128], frame(b"Xing")].concat();
        assert_eq!(ending(tagged), Ending::Declared);
        assert_eq!(ending(b"fLaC\0\0\0\0".to_vec()), Ending::Declared);
    }
}
