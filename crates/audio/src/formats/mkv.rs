//! Walks a Matroska or WebM file (RFC 9559) for what its packets do not tell: the codec's delay, padding at the end, a cut.

use std::io::{BufReader, Read, Seek};

use euterpe_actors::outcome::Fault;

use super::{
    blocks::Blocks,
    bytes::{big, read_up_to},
    faults::{REMEDY, several, unread, unsupported},
    packets::{Facts, Packets, Span},
    source::{Source, Spliced},
};

/// A description of tracks beyond this is no description.
const MAX_TRACKS: u64 = 16 << 20;

/// Whether a file begins as one.
pub(crate) fn is_mkv(head: &[u8]) -> bool {
    head.starts_with(b"\x1a\x45\xdf\xa3")
}

/// Opens the first track of sound of a file.
///
/// # Errors
/// Where there is none that is read.
pub(crate) fn open(source: Source, again: Source) -> Result<Box<dyn Blocks>, Fault> {
    let length = source.length();
    let found = walk(&mut BufReader::with_capacity(1 << 14, source), length)?;
    let Some(track) = found.track else {
        return Err(Fault::bad_input("this is not audio: the file has no audio track"));
    };
    if let Some(name) = codec_not_read(&track.codec) {
        return Err(unsupported(name));
    }
    let span = |nanoseconds: i64| Span { ticks: nanoseconds.max(0) as u64, per_second: 1_000_000_000 };
    let facts = Facts {
        track: Some(track.number),
        skip: Some(span(track.delay)),
        drop_at_end: Some(span(found.padding)),
        cut: found.cut,
        cut_is_known: true,
        ..Facts::default()
    };
    // Symphonia takes a file whose last element is not all there for one of another kind.
    let ends = || Fault::bad_input(format!("the track breaks off before its end: {REMEDY}"));
    Packets::any(Spliced::whole(again), "mka", facts).map_err(|fault| if found.cut { ends() } else { fault })
}

#[derive(Debug, Default, PartialEq)]
struct Track {
    number: u32,
    codec: String,
    /// Nanoseconds.
    delay: i64,
}

#[derive(Debug, Default, PartialEq)]
struct Walked {
    track: Option<Track>,
    /// What is to be left out at the end, in nanoseconds.
    padding: i64,
    cut: bool,
}

/// An element's name, where its body begins, and how long it is where that is known.
struct Element {
    name: u64,
    body: u64,
    size: Option<u64>,
}

fn walk<R: Read + Seek>(source: &mut BufReader<R>, length: u64) -> Result<Walked, Fault> {
    const SEGMENT: u64 = 0x1853_8067;
    const CLUSTER: u64 = 0x1f43_b675;
    const TRACKS: u64 = 0x1654_ae6b;
    const GROUP: u64 = 0xa0;
    const BLOCK: u64 = 0xa1;
    const SIMPLE: u64 = 0xa3;
    const PADDING: u64 = 0x75a2;
    let (mut found, mut at, mut segments, mut block_track) = (Walked::default(), 0, 0, 0);
    while at < length {
        source.go_to(at)?;
        let Some(element) = element(source, at)? else {
            // Zeros behind the last element do not matter.
            let mut rest = [0; 16];
            source.go_to(at)?;
            let got = read_up_to(source, &mut rest).map_err(|error| unread(&error))?;
            found.cut |= rest[..got].iter().any(|&byte| byte != 0) && got < rest.len();
            break;
        };
        let Element { name, body, size } = element;
        source.go_to(body)?;
        let end = size.map(|size| body.saturating_add(size));
        found.cut |= end.is_some_and(|end| end > length);
        match name {
            SEGMENT if segments > 0 => return Err(several()),
            SEGMENT => segments += 1,
            CLUSTER | GROUP => {}
            TRACKS if found.track.is_none() => {
                let mut tracks = Vec::new();
                let most = size.unwrap_or(0).min(MAX_TRACKS);
                source.by_ref().take(most).read_to_end(&mut tracks).map_err(|error| unread(&error))?;
                found.track = sound(&tracks);
                at = end.unwrap_or(length);
                continue;
            }
            BLOCK | SIMPLE | PADDING => {
                let mut head = [0; 8];
                let piece = &mut head[..size.unwrap_or(0).min(8) as usize];
                read_up_to(source, piece).map_err(|error| unread(&error))?;
                match name {
                    PADDING if found.track.as_ref().is_some_and(|track| track.number == block_track) => {
                        found.padding = big(piece, 0, piece.len()) as i64;
                    }
                    PADDING => {}
                    _ => {
                        block_track = number(piece).map_or(0, |(own, _)| own as u32);
                        if found.track.as_ref().is_some_and(|track| track.number == block_track) {
                            found.padding = 0;
                        }
                    }
                }
                at = end.unwrap_or(length);
                continue;
            }
            _ => {
                at = end.unwrap_or(length);
                continue;
            }
        }
        at = body;
    }
    Ok(found)
}

/// Moves to a place without losing what is buffered.
trait GoTo {
    fn go_to(&mut self, at: u64) -> Result<(), Fault>;
}

impl<R: Read + Seek> GoTo for BufReader<R> {
    fn go_to(&mut self, at: u64) -> Result<(), Fault> {
        let here = self.stream_position().map_err(|error| unread(&error))?;
        self.seek_relative(at as i64 - here as i64).map_err(|error| unread(&error))
    }
}

fn element<R: Read>(source: &mut R, at: u64) -> Result<Option<Element>, Fault> {
    let mut head = [0; 12];
    let got = read_up_to(source, &mut head).map_err(|error| unread(&error))?;
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
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    if length > 8 || bytes.len() < length {
        return None;
    }
    Some((big(bytes, 0, length) & !(1 << (7 * length)), length))
}

/// The elements within the body of another one.
fn elements(mut body: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let element = element(&mut &body[..], 0).ok()??;
        let from = element.body as usize;
        let end = from.saturating_add(element.size.unwrap_or(0) as usize).min(body.len());
        let own = body.get(from..end)?;
        body = &body[end..];
        Some((element.name, own))
    })
}

/// The first track of sound.
fn sound(tracks: &[u8]) -> Option<Track> {
    elements(tracks).filter(|(name, _)| *name == 0xae).find_map(|(_, body)| {
        let field = |wanted: u64| elements(body).find(|(name, _)| *name == wanted).map_or(&[][..], |(_, own)| own);
        let value = |own: &[u8]| big(own, 0, own.len().min(8));
        (value(field(0x83)) == 2).then(|| Track {
            number: value(field(0xd7)) as u32,
            codec: String::from_utf8_lossy(field(0x86)).trim_end_matches('\0').to_owned(),
            delay: value(field(0x56aa)) as i64,
        })
    })
}

/// The name of a codec by its identifier, where it is known and not read.
fn codec_not_read(codec: &str) -> Option<&'static str> {
    Some(match codec {
        "A_OPUS" | "A_OPUS/EXPERIMENTAL" => "Opus",
        "A_WAVPACK4" => "WavPack",
        "A_TTA1" => "TTA",
        "A_TRUEHD" | "A_MLP" => "TrueHD",
        "A_EAC3" => "E-AC-3",
        _ if codec.starts_with("A_AC3") => "AC-3",
        _ if codec.starts_with("A_DTS") => "DTS",
        _ if codec.starts_with("A_AAC/") && codec.ends_with("/SBR") => super::aac::HE_AAC,
        _ if codec.starts_with("A_REAL") => "RealAudio",
        "A_MS/ACM" => "Matroska with a codec of Windows (ACM)",
        "A_QUICKTIME" | "A_QUICKTIME/QDM2" => "Matroska with a codec of QuickTime",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn made(name: &[u8], body: &[u8]) -> Vec<u8> {
        [name, &[0x40 | (body.len() >> 8) as u8, body.len() as u8], body].concat()
    }

    fn file(open: bool) -> Vec<u8> {
        let entry = [made(&[0xd7], &[3]), made(&[0x83], &[2]), made(&[0x86], b"A_AAC"), made(&[0x56, 0xaa], &[1, 0])];
        let tracks = made(&[0x16, 0x54, 0xae, 0x6b], &made(&[0xae], &entry.concat()));
        let group = [made(&[0xa1], &[0x83, 0, 0, 0, 9, 9]), made(&[0x75, 0xa2], &[2, 0])].concat();
        let cluster = [made(&[0xa3], &[0x83, 0, 0, 0, 9]), made(&[0xa0], &group)].concat();
        let cluster = match open {
            true => [&[0x1f, 0x43, 0xb6, 0x75, 0xff][..], &cluster].concat(),
            false => made(&[0x1f, 0x43, 0xb6, 0x75], &cluster),
        };
        let body = [tracks, cluster].concat();
        let segment = match open {
            true => [&[0x18, 0x53, 0x80, 0x67, 0x01, 255, 255, 255, 255, 255, 255, 255][..], &body].concat(),
            false => made(&[0x18, 0x53, 0x80, 0x67], &body),
        };
        [made(&[0x1a, 0x45, 0xdf, 0xa3], b"webm"), segment].concat()
    }

    fn walked(bytes: &[u8]) -> Walked {
        walk(&mut BufReader::new(Cursor::new(bytes)), bytes.len() as u64).expect("elements")
    }

    #[test]
    fn delay_and_padding_are_found_whether_sizes_are_known_or_not() {
        for open in [true, false] {
            let found = walked(&file(open));
            let track = Track { number: 3, codec: "A_AAC".to_owned(), delay: 256 };
            assert_eq!(found, Walked { track: Some(track), padding: 512, cut: false }, "{open}");
        }
    }

    #[test]
    fn a_file_that_ends_within_an_element_is_cut() {
        for open in [true, false] {
            let whole = file(open);
            assert!(walked(&whole[..whole.len() - 1]).cut, "{open}");
        }
    }
}
