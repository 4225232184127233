//! The boxes of an MP4 file (ISO/IEC 14496-12): which there are, and whether the last one is all there.

use std::io::{Read, Seek, SeekFrom};

use crate::refusal::Refusal;

use super::super::{
    bytes::{big, read_up_to},
    faults::{REMEDY, damaged, unread},
};

/// A `moov` beyond this holds no sound that anybody has.
const MAX_MOVIE: u64 = 256 << 20;

/// What the boxes of a file's top level tell.
#[derive(Debug, Default)]
pub(crate) struct Top {
    /// The body of `moov`.
    pub(crate) movie: Vec<u8>,
    /// Whether the file ends within a box, or between a fragment and its samples.
    pub(crate) cut: bool,
    /// Whether the samples stand in fragments.
    pub(crate) fragmented: bool,
    /// Where the last box ends; what is behind is none.
    pub(crate) end: u64,
    /// The place and the size of a last box that does not say its own, and goes on to the end of the file.
    pub(crate) open: Option<(u64, u64)>,
}

/// Walks the top level of a file of `length` bytes.
///
/// # Errors
/// Where it cannot be read, or has no `moov`.
pub(crate) fn top<R: Read + Seek>(source: &mut R, length: u64) -> Result<Top, Refusal> {
    let (mut top, mut at, mut waits, mut samples) = (Top::default(), 0u64, false, false);
    let mut previous = *b"ftyp";
    while at < length {
        source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
        let mut header = [0; 16];
        let got = read_up_to(source, &mut header).map_err(|error| unread(&error))?;
        let (mut size, mut head) = (big(&header, 0, 4), 8);
        if got < 8 || !header[4..8].iter().all(|byte| (b' '..0x7f).contains(byte) || *byte == 0xa9) {
            // Zeros and rubbish behind the last box do not matter, except where a box was begun.
            top.cut |= got < 8 && header[..got].iter().any(|&byte| byte != 0);
            top.cut |= top.fragmented && holds_fragments(source, at)?;
            break;
        }
        if size == 1 {
            (size, head) = (big(&header, 8, 8), 16);
        } else if size == 0 {
            size = length - at;
            top.open = Some((at, size));
        }
        if size < head {
            top.cut |= top.fragmented && holds_fragments(source, at)?;
            break;
        }
        let kind = &header[4..8];
        let end = at.saturating_add(size);
        top.cut |= end > length;
        top.end = end.min(length);
        match kind {
            b"moov" if top.movie.is_empty() && end > length => {
                return Err(Refusal::bad_input(format!("the file ends within its index (`moov`): {REMEDY}")));
            }
            b"moov" if top.movie.is_empty() && size <= MAX_MOVIE => {
                source.seek(SeekFrom::Start(at + head)).map_err(|error| unread(&error))?;
                source.take(size - head).read_to_end(&mut top.movie).map_err(|error| unread(&error))?;
            }
            b"moof" => {
                top.fragmented = true;
                waits = true;
            }
            b"mdat" => {
                // What tells where these samples belong is damaged, or missing.
                top.cut |= top.fragmented && !matches!(&previous, b"moof" | b"mdat");
                samples = true;
                waits = false;
            }
            _ => {}
        }
        previous.copy_from_slice(kind);
        at = end;
    }
    top.cut |= waits;
    if top.movie.is_empty() {
        let how = if samples || top.cut { "it ends before its index (`moov`)" } else { "it has no index (`moov`)" };
        return Err(damaged(how));
    }
    Ok(top)
}

/// Whether fragments follow behind what is no box.
fn holds_fragments<R: Read + Seek>(source: &mut R, from: u64) -> Result<bool, Refusal> {
    source.seek(SeekFrom::Start(from)).map_err(|error| unread(&error))?;
    let (mut window, mut kept) = (vec![0; 1 << 16], 0);
    loop {
        let got = read_up_to(source, &mut window[kept..]).map_err(|error| unread(&error))?;
        let seen = &window[..kept + got];
        if seen.windows(4).any(|name| name == b"moof" || name == b"mdat") {
            return Ok(true);
        }
        if got == 0 {
            return Ok(false);
        }
        // A name may stand across two readings.
        let rest = seen.len().min(3);
        let from = seen.len() - rest;
        window.copy_within(from..from + rest, 0);
        kept = rest;
    }
}

/// The boxes within the body of another one: their names and bodies.
pub(crate) fn boxes(mut body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (header, _) = body.split_at_checked(8)?;
        let (size, head) = match big(header, 0, 4) {
            0 => (body.len() as u64, 8),
            1 => (big(body, 8, 8), 16),
            size => (size, 8),
        };
        let size = usize::try_from(size).ok().filter(|&size| size >= head)?.min(body.len());
        let (own, rest) = body.split_at(size);
        body = rest;
        Some((&own[4..8], own.get(head..)?))
    })
}

/// The body of the first box on a path of names.
pub(crate) fn find<'a>(body: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    let (first, rest) = path.split_first()?;
    let found = boxes(body).find(|(name, _)| name == &first.as_slice())?.1;
    if rest.is_empty() { Some(found) } else { find(found, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    }

    fn walked(bytes: &[u8]) -> Result<Top, Refusal> {
        top(&mut Cursor::new(bytes), bytes.len() as u64)
    }

    #[test]
    fn a_file_that_ends_within_a_box_is_cut() {
        let whole = [boxed(b"ftyp", b"M4A "), boxed(b"moov", b"index"), boxed(b"mdat", &[1; 100])].concat();
        assert!(!walked(&whole).expect("boxes").cut);
        assert!(!walked(&[&whole[..], &[0; 50]].concat()).expect("boxes").cut);
        assert!(walked(&whole[..whole.len() - 1]).expect("boxes").cut);
        let part = [whole.clone(), boxed(b"moof", b"more")].concat();
        assert!(walked(&part).expect("boxes").cut, "a fragment without its samples");
        assert!(!walked(&[part, boxed(b"mdat", b"x")].concat()).expect("boxes").cut);
        assert!(walked(&whole[..15]).is_err());
        let said = walked(&whole[..20]).expect_err("a part of the index").text.clone();
        assert!(said.starts_with("the file ends within its index (`moov`): the file is cut off"), "{said}");
    }

    #[test]
    fn a_box_is_found_by_its_path() {
        let body = boxed(b"trak", &[boxed(b"tkhd", b"head"), boxed(b"mdia", &boxed(b"mdhd", b"time"))].concat());
        assert_eq!(find(&body, &[b"trak", b"mdia", b"mdhd"]), Some(&b"time"[..]));
        assert_eq!(find(&body, &[b"trak", b"edts"]), None);
    }

    #[test]
    fn fragments_behind_a_damaged_header_are_not_taken_for_the_end() {
        let fragment = || [boxed(b"moof", &[1; 40]), boxed(b"mdat", &[2; 60])].concat();
        let whole = [boxed(b"ftyp", b"isom"), boxed(b"moov", &[0; 30]), fragment(), fragment(), fragment()].concat();
        let second = whole.len() - 2 * fragment().len();
        assert!(!walked(&whole).expect("walked").cut);
        assert!(!walked(&[&whole[..], &[0xff; 90]].concat()).expect("walked").cut, "rubbish behind the last one");
        for header in [[0; 8], [0xff; 8], [0, 0, 0, 4, b'm', b'o', b'o', b'f'], [0, 0, 0, 48, b'f', b'r', b'e', b'e']] {
            let mut damaged = whole.clone();
            damaged[second..second + 8].copy_from_slice(&header);
            assert!(walked(&damaged).expect("walked").cut, "{header:?}");
        }
    }
}
