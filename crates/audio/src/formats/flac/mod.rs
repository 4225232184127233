//! Reads native FLAC: symphonia gets the stream's own description and its frames, and nothing of what people put around.

pub(super) mod frame;
pub(super) mod order;
mod tail;

use std::io::{Read, Seek, SeekFrom};

use crate::refusal::Refusal;
use symphonia::core::audio::Position;

use super::{
    blocks::Blocks,
    bytes::{big, little, read_up_to},
    faults::{damaged, unread},
    packets::{Facts, Packets},
    pcm::read_piece,
    source::{Source, Spliced},
    tags::start_behind_tags,
};
use tail::end_of_last_frame;

/// Bytes of STREAMINFO.
const INFO: usize = 34;
/// The smallest block that may not be the last.
const SMALLEST: u16 = 16;

/// Opens the file, whose stream begins at `start`.
///
/// # Errors
/// Where its headers are damaged.
pub(crate) fn open(mut source: Source, start: u64) -> Result<Box<dyn Blocks>, Refusal> {
    let (mut info, mask, frames) = headers(&mut source, start)?;
    if frames > source.length() {
        return Err(damaged("it ends within its headers"));
    }
    if frames == source.length() && info[13] & 0x0f == 0 && info[14..18] == [0; 4] {
        return Err(Refusal::bad_input("the file holds no sound; replace it with a whole copy"));
    }
    let end = end_of_frames(&mut source, frames).map_err(|error| unread(&error))?;
    let end = end_of_last_frame(&mut source, &info, frames..end)?;
    source.seek(SeekFrom::Start(frames)).map_err(|error| unread(&error))?;
    set_blocks(&mut info, &read_piece(&mut source, 2)?);
    // A header that was never written again: an encoder that wrote into a pipe. The length is what it had been told, often
    // that of a WAV header which could not be written again either.
    let piped = info[4..10] == [0; 6] && info[18..] == [0; 16];
    if piped {
        info[13] &= 0xf0;
        info[14..18].fill(0);
    }
    let channels = usize::from(info[12] >> 1 & 7) + 1;
    let head = [&b"fLaC\x80\0\0\x22"[..], &info].concat();
    let open = piped || (info[13] & 0x0f == 0 && info[14..18] == [0; 4]);
    let bytes = open.then(|| end - frames);
    let facts =
        Facts { length_unknown: piped, bytes, layout: mask.or_else(|| flac_layout(channels)), ..Facts::default() };
    Ok(Box::new(Packets::open(Spliced::new(head, source, frames..end), "flac", facts)?))
}

/// Puts the sizes of blocks into STREAMINFO as its reader wants them: equal where the first frame says that blocks are of one
/// size. Some encoders leave the smallest or both open, or count a short last block.
fn set_blocks(info: &mut [u8], frame: &[u8]) {
    let (least, mut most) = (big(info, 0, 2) as u16, big(info, 2, 2) as u16);
    if most < SMALLEST {
        most = u16::MAX;
    }
    let one_size = frame.get(1).is_some_and(|byte| byte & 1 == 0);
    let least = match least {
        _ if one_size => most,
        least if (SMALLEST..most).contains(&least) => least,
        _ => SMALLEST.min(most - 1),
    };
    info[..2].copy_from_slice(&least.to_be_bytes());
    info[2..4].copy_from_slice(&most.to_be_bytes());
}

/// STREAMINFO, the places of the channels where a comment gives them, and where the frames begin.
fn headers(source: &mut Source, start: u64) -> Result<(Vec<u8>, Option<Position>, u64), Refusal> {
    let (mut info, mut mask, mut at) = (Vec::new(), None, start + 4);
    loop {
        source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
        let head = read_piece(source, 4)?;
        if head.len() < 4 {
            return Err(damaged("it ends within its headers"));
        }
        let (kind, length) = (head[0] & 0x7f, big(&head, 1, 3));
        match kind {
            0 if info.is_empty() => info = read_piece(source, length)?,
            4 => mask = mask.or(mask_of(&read_piece(source, length)?)),
            _ => {}
        }
        at += 4 + length;
        if head[0] & 0x80 != 0 {
            break;
        }
    }
    if info.len() != INFO {
        return Err(damaged("it does not describe its stream"));
    }
    let channels = u32::from(info[12] >> 1 & 7) + 1;
    // A mask of nothing says that nobody knows.
    Ok((info, mask.filter(|mask| [0, channels].contains(&mask.bits().count_ones())), at))
}

/// `WAVEFORMATEXTENSIBLE_CHANNEL_MASK` in the comments.
fn mask_of(comments: &[u8]) -> Option<Position> {
    const NAME: &[u8] = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=";
    let at = comments.windows(NAME.len()).position(|own| own.eq_ignore_ascii_case(NAME))?;
    let length = little(comments, at.checked_sub(4)?, 4) as usize;
    let text = std::str::from_utf8(comments.get(at + NAME.len()..at + length)?).ok()?;
    let digits = text.trim().trim_start_matches("0x").trim_start_matches("0X");
    Position::from_bits(u64::from_str_radix(digits, 16).ok()?)
}

/// The places that FLAC gives to so many channels (RFC 9639, 9.1.3).
pub(crate) fn flac_layout(channels: usize) -> Option<Position> {
    let front = Position::FRONT_LEFT | Position::FRONT_RIGHT;
    let rear = Position::REAR_LEFT | Position::REAR_RIGHT;
    let side = Position::SIDE_LEFT | Position::SIDE_RIGHT;
    let (centre, bass) = (Position::FRONT_CENTER, Position::LFE1);
    match channels {
        1 => Some(centre),
        2 => Some(front),
        3 => Some(front | centre),
        4 => Some(front | rear),
        5 => Some(front | centre | rear),
        6 => Some(front | centre | bass | rear),
        7 => Some(front | centre | bass | Position::REAR_CENTER | side),
        8 => Some(front | centre | bass | rear | side),
        _ => None,
    }
}

/// Where the tags begin that stand behind the last frame: ID3v1, APE.
fn end_of_frames(source: &mut Source, start: u64) -> std::io::Result<u64> {
    let mut end = source.length();
    loop {
        let mut tag = [0; 128];
        let from = end.saturating_sub(128).max(start);
        source.seek(SeekFrom::Start(from))?;
        let got = read_up_to(&mut source.take(end - from), &mut tag)?;
        let tag = &tag[..got];
        let length = if got == 128 && tag.starts_with(b"TAG") {
            128
        } else if let Some(footer) =
            tag.len().checked_sub(32).map(|at| &tag[at..]).filter(|own| own.starts_with(b"APETAGEX"))
        {
            let header = little(footer, 20, 4) & 1 << 31 != 0;
            little(footer, 12, 4) + if header { 32 } else { 0 }
        } else {
            return Ok(end);
        };
        match end.checked_sub(length).filter(|&before| length > 0 && before >= start) {
            Some(before) => end = before,
            None => return Ok(end),
        }
    }
}

/// Where a FLAC stream begins, behind tags of ID3v2, where there is one.
pub(crate) fn start_of(source: &mut Source) -> std::io::Result<Option<u64>> {
    let length = source.length();
    let at = start_behind_tags(source, length)?;
    source.seek(SeekFrom::Start(at))?;
    let mut head = [0; 4];
    read_up_to(source, &mut head)?;
    Ok((head == *b"fLaC").then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_in_the_comments_is_read() {
        let comment = b"WAVEFORMATEXTENSIBLE_CHANNEL_MASK=0x0107";
        let comments = [&b"\x04\0\0\0lame\x01\0\0\0"[..], &(comment.len() as u32).to_le_bytes(), comment].concat();
        assert_eq!(mask_of(&comments).map(|mask| mask.bits()), Some(0x107));
        assert_eq!(mask_of(b"nothing"), None);
    }
}
