//! The tags of WAV (the list `INFO`) and CAF (the chunk `info`), which symphonia does not hand out.

use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom},
};

use super::{
    bytes::{big, little, read_up_to},
    faults::unread,
    pcm::read_piece,
};
use crate::refusal::Refusal;

/// Values by their names.
pub(crate) type Tags = BTreeMap<String, Vec<String>>;

/// Walks the chunks of a file that begins at `start`, up to one that has no size, and hands out those of a name, 64 KiB of each.
fn chunks<R: Read + Seek>(
    source: &mut R,
    start: u64,
    size: impl Fn(&[u8]) -> (usize, u64, bool),
    name: &[u8; 4],
) -> Result<Vec<Vec<u8>>, Refusal> {
    let (mut at, mut found) = (start, Vec::new());
    loop {
        source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
        let mut header = [0; 12];
        let got = read_up_to(source, &mut header).map_err(|error| unread(&error))?;
        let (head, length, is_known) = size(&header);
        // Behind the last chunk there may be zeros.
        if got < head || !is_known || header[..4] == [0; 4] {
            return Ok(found);
        }
        if header.starts_with(name) {
            source.seek(SeekFrom::Start(at + head as u64)).map_err(|error| unread(&error))?;
            found.push(read_piece(source, length)?);
        }
        at = at.saturating_add(head as u64).saturating_add(length);
    }
}

/// The tags of a WAV file.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn of_wav<R: Read + Seek>(source: &mut R) -> Result<Tags, Refusal> {
    source.rewind().map_err(|error| unread(&error))?;
    let most_first = read_piece(source, 4)? == b"RIFX";
    let number = move |bytes: &[u8]| if most_first { big(bytes, 4, 4) } else { little(bytes, 4, 4) };
    let size = |header: &[u8]| {
        let length = number(header);
        (8, length + length % 2, length < u64::from(u32::MAX))
    };
    let mut tags = Tags::new();
    for list in chunks(source, 12, size, b"LIST")?.iter().filter(|list| list.starts_with(b"INFO")) {
        let mut rest = &list[4..];
        while let Some((head, more)) = rest.split_at_checked(8) {
            let length = (number(head) as usize).min(more.len());
            add(&mut tags, name(&head[..4]), &more[..length]);
            rest = more.get(length + length % 2..).unwrap_or(&[]);
        }
    }
    Ok(tags)
}

/// The tags of a CAF file.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn of_caf<R: Read + Seek>(source: &mut R) -> Result<Tags, Refusal> {
    let size = |header: &[u8]| {
        let length = big(header, 4, 8);
        (12, length, length < 1 << 62)
    };
    let mut tags = Tags::new();
    for list in chunks(source, 8, size, b"info")? {
        let mut texts = list.get(4..).unwrap_or(&[]).split(|&byte| byte == 0);
        for _ in 0..big(&list, 0, 4) {
            let (Some(name), Some(value)) = (texts.next(), texts.next()) else { break };
            add(&mut tags, text(name).to_lowercase(), value);
        }
    }
    Ok(tags)
}

fn add(tags: &mut Tags, name: String, value: &[u8]) {
    let value = text(value.split(|&byte| byte == 0).next().unwrap_or(&[]));
    if !value.is_empty() {
        tags.entry(name).or_default().push(value);
    }
}

/// UTF-8, or else Latin-1, as old programs write.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect::<String>().trim().to_owned(),
    }
}

/// The name of a tag that has four letters.
fn name(letters: &[u8]) -> String {
    let usual = match letters {
        b"INAM" => "title",
        b"IART" => "artist",
        b"IPRD" => "album",
        b"ICMT" => "comment",
        b"ICRD" => "date",
        b"IGNR" => "genre",
        b"ITRK" | b"IPRT" => "track",
        b"ISFT" => "encoder",
        b"ICOP" => "copyright",
        b"ILNG" => "language",
        other => return text(other).to_lowercase(),
    };
    usual.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn told(tags: &Tags) -> Vec<(&str, &str)> {
        tags.iter().flat_map(|(name, values)| values.iter().map(move |value| (&name[..], &value[..]))).collect()
    }

    #[test]
    fn tags_before_and_behind_the_samples_are_read() {
        let list = |own: &[u8]| {
            [b"LIST", &(own.len() as u32 + 4).to_le_bytes()[..], b"INFO", own, &vec![0; own.len() % 2]].concat()
        };
        let first = list(b"INAM\x05\0\0\0Song\0\0IART\x03\0\0\0\xe9ab");
        let last = list(b"IART\x04\0\0\0two\0IXYZ\x02\0\0\0z\0ICMT\xff\0\0\0cut");
        let bytes = [b"RIFF\0\0\0\0WAVE", &first[..], b"data\x03\0\0\0abc\0", &last].concat();
        let tags = of_wav(&mut Cursor::new(bytes)).expect("read");
        assert_eq!(
            told(&tags),
            [("artist", "éab"), ("artist", "two"), ("comment", "cut"), ("ixyz", "z"), ("title", "Song")]
        );
        let bytes = b"RIFF\0\0\0\0WAVEdata\xff\xff\xff\xffLIST";
        assert!(of_wav(&mut Cursor::new(bytes)).expect("read").is_empty());
        let bytes = b"caff\0\x01\0\0info\0\0\0\0\0\0\0\x15\0\0\0\x02Title\0Song\0more\0z\0";
        assert_eq!(told(&of_caf(&mut Cursor::new(bytes)).expect("read")), [("more", "z"), ("title", "Song")]);
    }
}
