//! Says in words what a file is that cannot be opened as audio.

use std::io::Read;

use euterpe_actors::{outcome::Fault, storage::Content};
use symphonia::core::errors::Error;

use super::source::Source;

/// Says in words what the file is instead of audio.
pub(crate) fn not_audio(content: &Content, error: &Error) -> Fault {
    let mut head = Vec::new();
    let read = Source::open(content).and_then(|source| source.take(4096).read_to_end(&mut head));
    let what = match read {
        Err(error) => return Fault::failed(format!("could not read the file: {error}")),
        Ok(_) if head.starts_with(b"\x89PNG") || head.starts_with(b"\xff\xd8\xff") || head.starts_with(b"GIF8") => {
            "the file is a picture".to_owned()
        }
        Ok(_) if head.starts_with(b"%PDF") => "the file is a PDF".to_owned(),
        Ok(_) if head.starts_with(b"PK\x03\x04") => "the file is a zip archive; unpack it first".to_owned(),
        Ok(_) if is_text(&head) => "the file is text".to_owned(),
        Ok(_) if head.iter().all(|&byte| byte == 0) => "the file holds only zeros".to_owned(),
        Ok(_) if is_known(&head) => {
            return Fault::bad_input(format!("the file is damaged or cut off ({error}); replace it with a whole copy"));
        }
        Ok(_) => "no format that is read (flac, wav, mp3, ogg vorbis, m4a, aiff, caf, mkv)".to_owned(),
    };
    Fault::bad_input(format!("this is not audio: {what}"))
}

fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut at the end of what was read.
        Err(error) if error.valid_up_to() + 4 > head.len() => return is_text(&head[..error.valid_up_to()]),
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c'))
}

fn is_known(head: &[u8]) -> bool {
    let marks: [&[u8]; 8] = [b"RIFF", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b"\x1a\x45\xdf\xa3", b"RF64"];
    marks.iter().any(|mark| head.starts_with(mark)) || head.get(4..8) == Some(b"ftyp")
}
