//! The names of the containers that are read here.

use std::io::{Seek, SeekFrom};

use euterpe_actors::storage::Content;

use super::{bytes::read_up_to, faults::unread, source::Source, tags::start_behind_tags};
use crate::refusal::Refusal;

/// What a file that one of our readers reads is, by ffmpeg's name of it, and where it begins behind tags.
///
/// # Errors
/// Where the file cannot be read.
pub(crate) fn container(content: &Content) -> Result<(&'static str, u64), Refusal> {
    let mut source = Source::open(content).map_err(|error| unread(&error))?;
    let length = source.length();
    let start = start_behind_tags(&mut source, length).map_err(|error| unread(&error))?;
    source.seek(SeekFrom::Start(start)).map_err(|error| unread(&error))?;
    let mut head = [0; 64];
    let got = read_up_to(&mut source, &mut head).map_err(|error| unread(&error))?;
    Ok((name(&head[..got]), start))
}

fn name(head: &[u8]) -> &'static str {
    let at = |from: usize, mark: &[u8]| head.get(from..from + mark.len()) == Some(mark);
    match head {
        [b'R', b'I', b'F', b'F' | b'X', ..] | [b'R', b'F', b'6', b'4', ..] | [b'B', b'W', b'6', b'4', ..] => "wav",
        [b'r', b'i', b'f', b'f', ..] => "w64",
        [b'F', b'O', b'R', b'M', ..] => "aiff",
        [b'.', b's', b'n', b'd', ..] | [b'd', b'n', b's', b'.', ..] => "au",
        [b'c', b'a', b'f', b'f', ..] => "caf",
        [b'f', b'L', b'a', b'C', ..] => "flac",
        [b'O', b'g', b'g', b'S', ..] => "ogg",
        [0x1a, 0x45, 0xdf, 0xa3, ..] if head.windows(4).any(|own| own == b"webm") => "webm",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "matroska",
        _ if at(4, b"ftyp") && !at(8, b"qt  ") => "mp4",
        _ if [&b"ftyp"[..], b"moov", b"mdat", b"moof", b"styp", b"wide"].iter().any(|mark| at(4, mark)) => "mov",
        [0xff, second, ..] if second & 0xf6 == 0xf0 => "aac",
        _ => "mp3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_have_their_names() {
        for (head, wanted) in [
            (&b"RF64\xff\xff\xff\xffWAVE"[..], "wav"),
            (b"FORM\0\0\0\0AIFF", "aiff"),
            (b"\0\0\0\x20ftypM4A ", "mp4"),
            (b"\0\0\0\x20ftypqt  ", "mov"),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "webm"),
            (b"\xff\xf1\x50\x80", "aac"),
            (b"\xff\xfb\x90\x64", "mp3"),
        ] {
            assert_eq!(name(head), wanted);
        }
    }
}
