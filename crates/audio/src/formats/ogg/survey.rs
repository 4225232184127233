//! Walks all pages of an Ogg file before a sound of it is decoded: its streams, in their links, and what is missing.

use std::io::{BufReader, Read, Seek, SeekFrom};

use crate::refusal::Refusal;

use super::{
    super::{
        bytes::{big, little},
        faults::unread,
        tags::start_behind_tags,
    },
    page::{Found, Page},
};
use crate::clock;

/// The most streams that play at the same time.
const MAX_STREAMS: usize = 64;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Vorbis,
    Flac,
    Opus,
    /// Another codec of sound, by its name.
    Sound(&'static str),
    /// Pictures, text, an index.
    Other,
}

/// One of the streams that play at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) serial: u32,
    pub(crate) codec: Codec,
    pub(crate) rate: u32,
    pub(crate) channels: usize,
}

/// Streams that play at the same time; the links of a chain play one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) streams: Vec<Stream>,
}

/// What is in a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    pub(crate) links: Vec<Link>,
    /// Whether the file ends before the last page of a stream.
    pub(crate) open: bool,
}

/// A stream whose last page was not there yet.
struct Open {
    serial: u32,
    rate: u32,
    sequence: u32,
    position: u64,
    has_data: bool,
}

/// Walks the pages.
///
/// What follows the last page of all streams (tags, padding) does not matter.
///
/// # Errors
/// Where a page is missing or damaged, with its moment; where the file cannot be read.
pub(crate) fn survey<R: Read + Seek>(source: R) -> Result<Survey, Refusal> {
    let mut reader = BufReader::with_capacity(1 << 17, source);
    let length = reader.seek(SeekFrom::End(0)).map_err(|error| unread(&error))?;
    let tag = start_behind_tags(&mut reader, length).map_err(|error| unread(&error))?;
    reader.seek(SeekFrom::Start(tag)).map_err(|error| unread(&error))?;
    let (mut found, mut open, mut page, mut at) = (Survey::default(), Vec::<Open>::new(), Page::default(), tag);
    let mut played = 0.0f64;
    loop {
        let what = page.read(&mut reader).map_err(|error| unread(&error))?;
        let closed = !found.links.is_empty() && open.is_empty();
        match what {
            Found::Page => {}
            // Behind the last page there may be anything but another page.
            Found::End | Found::Other if closed => return Ok(found),
            Found::Part | Found::End => return Ok(Survey { open: true, ..found }),
            Found::Damaged => {
                let own = open.iter().find(|stream| stream.serial == page.serial());
                return Err(damaged(
                    played.max(at_of(own.or(open.first()))),
                    "the checksum of a page of the Ogg file is wrong",
                ));
            }
            Found::Other => return Err(damaged(at_of(open.first()), "bytes in the Ogg file belong to no page of it")),
        }
        let own = open.iter().position(|stream| stream.serial == page.serial());
        if page.is_first() {
            if open.iter().any(|stream| stream.has_data) {
                return Err(damaged(at_of(open.first()), "the Ogg file begins anew before its last page"));
            }
            if open.is_empty() {
                found.links.push(Link { start: at, end: at, streams: Vec::new() });
            }
            let stream = stream(&page);
            let (serial, rate, sequence) = (stream.serial, stream.rate, page.sequence());
            if own.is_none() && open.len() < MAX_STREAMS && !page.is_last() {
                open.push(Open { serial, rate, sequence, position: 0, has_data: false });
            }
            if let Some(link) = found.links.last_mut().filter(|link| link.streams.len() < MAX_STREAMS) {
                link.streams.push(stream);
            }
        } else if let Some(number) = own {
            let stream = &mut open[number];
            if page.sequence() != stream.sequence.wrapping_add(1) {
                return Err(damaged(at_of(Some(stream)), "a page of the Ogg file is missing"));
            }
            stream.sequence = page.sequence();
            stream.position = page.position().unwrap_or(stream.position);
            stream.has_data |= page.position().is_some_and(|position| position > 0);
            if page.is_last() {
                played = at_of(open.get(number));
                open.swap_remove(number);
            }
        }
        at += page.bytes.len() as u64;
        if let Some(link) = found.links.last_mut() {
            link.end = at;
        }
    }
}

/// Where a stream stands, in seconds.
fn at_of(stream: Option<&Open>) -> f64 {
    stream.map_or(0.0, |stream| stream.position as f64 / f64::from(stream.rate.max(1)))
}

fn damaged(seconds: f64, how: &str) -> Refusal {
    Refusal::bad_input(format!("the file is damaged at {}: {how}; replace it with a whole copy", clock(seconds)))
}

/// What the first packet of a stream says.
fn stream(page: &Page) -> Stream {
    let (body, serial) = (page.body(), page.serial());
    let (codec, rate, channels) = if body.starts_with(b"\x01vorbis") {
        (Codec::Vorbis, little(body, 12, 4) as u32, little(body, 11, 1) as usize)
    } else if body.starts_with(b"\x7fFLAC") {
        // Behind nine bytes of the mapping: `fLaC`, the block's header, and STREAMINFO.
        (Codec::Flac, (big(body, 27, 3) >> 4) as u32, (body.get(29).map_or(0, |byte| byte >> 1 & 7) + 1).into())
    } else if body.starts_with(b"fLaC") {
        (Codec::Sound("Ogg FLAC of before version 1.1.1"), 0, 0)
    } else if body.starts_with(b"OpusHead") {
        (Codec::Opus, 48_000, little(body, 9, 1) as usize)
    } else if body.starts_with(b"Speex   ") {
        (Codec::Sound("Speex"), little(body, 36, 4) as u32, 1)
    } else if body.starts_with(b"\x01audio") || body.starts_with(b"PCM     ") {
        (Codec::Sound("Ogg PCM"), 0, 0)
    } else {
        (Codec::Other, 0, 0)
    };
    Stream { serial, codec, rate, channels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn page(flags: u8, serial: u8, sequence: u8, position: u64, body: &[u8]) -> Vec<u8> {
        let mut page = super::super::page::pages_of(body, false, &mut sequence.into());
        page[5] = flags;
        page[6..14].copy_from_slice(&position.to_le_bytes());
        page[14] = serial;
        page[22..26].fill(0);
        let mut sum = symphonia::core::checksum::Crc32::new(0);
        symphonia::core::io::Monitor::process_buf_bytes(&mut sum, &page);
        page[22..26].copy_from_slice(&sum.crc().to_le_bytes());
        page
    }

    fn link(serial: u8) -> Vec<u8> {
        let ident = b"\x01vorbis\0\0\0\0\x02\x40\x1f\0\0and so on";
        [page(2, serial, 0, 0, ident), page(0, serial, 1, 16_000, &[9; 5000]), page(4, serial, 2, 32_000, b"")].concat()
    }

    fn surveyed(bytes: &[u8]) -> Result<Survey, Refusal> {
        survey(Cursor::new(bytes.to_vec()))
    }

    #[test]
    fn a_file_is_whole_only_with_the_last_page_of_each_stream() {
        let whole = link(1);
        let found = surveyed(&whole).expect("pages");
        let stream = Stream { serial: 1, codec: Codec::Vorbis, rate: 8000, channels: 2 };
        assert_eq!(found.links, [Link { start: 0, end: whole.len() as u64, streams: vec![stream] }]);
        assert!(!found.open);
        assert_eq!(surveyed(&[&whole[..], b"TAG and padding that is long enough"].concat()).expect("pages"), found);
        for cut in 30..whole.len() {
            assert!(surveyed(&whole[..cut]).expect("pages").open, "cut at {cut}");
        }
    }

    #[test]
    fn a_chain_has_links_and_streams_that_play_together_share_one() {
        let found = surveyed(&[link(1), link(1), link(7)].concat()).expect("pages");
        assert_eq!(found.links.iter().map(|link| link.streams[0].serial).collect::<Vec<_>>(), [1, 1, 7]);
        let mut later = link(3);
        later[40] ^= 1;
        let said = surveyed(&[link(1), later].concat()).expect_err("damage").text.clone();
        assert!(said.starts_with("the file is damaged at 0:04: the checksum of a page"), "{said}");
        assert!(surveyed(&[&link(1)[..], &link(2)[..30]].concat()).expect("pages").open);
        let both =
            [page(2, 1, 0, 0, b"fishead\0"), page(2, 2, 0, 0, b"OpusHead\x01\x02"), page(4, 1, 1, 0, b"")].concat();
        let found = surveyed(&[both, page(4, 2, 1, 9, b"")].concat()).expect("pages");
        assert_eq!(found.links[0].streams[1].codec, Codec::Opus);
    }

    #[test]
    fn a_missing_page_and_a_wrong_checksum_are_damage_with_its_second() {
        let parts = [page(2, 1, 0, 0, b"\x01vorbis\0\0\0\0\x02\x40\x1f\0\0"), page(0, 1, 1, 80_000, b"one")];
        let hole = [parts.concat(), page(4, 1, 3, 99_000, b"three")].concat();
        let said = surveyed(&hole).expect_err("a hole").text.clone();
        assert_eq!(
            said,
            "the file is damaged at 0:10: a page of the Ogg file is missing; replace it with a whole copy"
        );
        let mut changed = [parts.concat(), page(4, 1, 2, 99_000, b"two")].concat();
        *changed.last_mut().expect("bytes") ^= 1;
        let said = surveyed(&changed).expect_err("damage").text.clone();
        assert!(said.starts_with("the file is damaged at 0:10: the checksum of a page"), "{said}");
    }
}
