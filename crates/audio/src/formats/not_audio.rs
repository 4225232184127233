//! Says in words what a file is that no reader knows: another format of sound, or no sound at all.

use euterpe_actors::outcome::Fault;

use crate::refusal::Refusal;

use super::faults::unsupported;

/// Formats of sound that are not read, by their first bytes.
const OTHERS: &[(&[u8], &str)] = &[
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA (ASF)"),
    (b"MAC ", "Monkey's Audio (APE)"),
    (b"wvpk", "WavPack"),
    (b"MPCK", "Musepack"),
    (b"MP+", "Musepack"),
    (b"TTA1", "TTA"),
    (b"TTA2", "TTA"),
    (b"tBaK", "TAK"),
    (b"OFR ", "OptimFROG"),
    (b"ajkg", "Shorten"),
    (b"DSD ", "DSD (DSF)"),
    (b"FRM8", "DSD (DSDIFF)"),
    (b"\x7f\xfe\x80\x01", "DTS"),
    (b"\xfe\x7f\x01\x80", "DTS"),
    (b"\xff\x1f\x00\xe8", "DTS"),
    (b"DTSHDHDR", "DTS"),
    (b"#!AMR", "AMR"),
    (b"TWIN", "TwinVQ (VQF)"),
    (b"ea3\x03", "ATRAC (OMA)"),
    (b".SoX", "SoX"),
    (b".RMF", "RealMedia"),
    (b".ra\xfd", "RealAudio"),
    (b"FLV\x01", "Flash video"),
    (b"\0\0\x01\xba", "MPEG video"),
    (b"\0\0\x01\xb3", "MPEG video"),
    (b"MThd", "MIDI"),
    (b"Creative Voice File", "Creative Voice (VOC)"),
    (b"ADIF", "AAC in ADIF"),
    (b"NIST_1A", "NIST Sphere"),
    (b"IMPM", "a tracker module"),
    (b"Extended Module:", "a tracker module"),
];

/// What the file that begins with `head` is, where that is something else for certain.
pub(crate) fn other(head: &[u8]) -> Option<Refusal> {
    let known = OTHERS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, name)| *name);
    if let Some(name) = known.or_else(|| other_by_structure(head)) {
        return Some(unsupported(name));
    }
    let what = if head.starts_with(b"\x89PNG")
        || head.starts_with(b"\xff\xd8\xff")
        || head.starts_with(b"GIF8")
        || (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
    {
        "the file is a picture"
    } else if head.starts_with(b"%PDF") {
        "the file is a PDF"
    } else if head.starts_with(b"PK\x03\x04") {
        "the file is a zip archive; unpack it first"
    } else if is_text(head) {
        "the file is text"
    } else {
        return None;
    };
    Some(not_audio(what))
}

/// What to say of a file in which nothing was found.
pub(crate) fn unknown(head: &[u8]) -> Refusal {
    let what = if head.iter().all(|&byte| byte == 0) {
        "the file holds only zeros"
    } else if head.starts_with(b"ID3") {
        return Refusal::bad_input(
            "the file is damaged or cut off: it holds a tag and no sound; replace it with a whole copy",
        );
    } else if head.len() < 12 && (head.starts_with(b"RIFF") || head.starts_with(b"FORM")) {
        return Refusal::bad_input(
            "the file is damaged or cut off: its header breaks off; replace it with a whole copy",
        );
    } else {
        "no format that is read (flac, wav, mp3, ogg vorbis, m4a, aiff, caf, mkv)"
    };
    not_audio(what)
}

fn not_audio(what: &str) -> Refusal {
    Refusal::Unknown(Fault::bad_input(format!("this is not audio: {what}")))
}

fn other_by_structure(head: &[u8]) -> Option<&'static str> {
    let kind = head.get(8..12).unwrap_or(&[]);
    if head.starts_with(b"RIFF") && kind.starts_with(b"AVI") {
        return Some("AVI");
    }
    if head.starts_with(b"RIFF") && kind.starts_with(b"QLCM") {
        return Some("Qualcomm PureVoice (QCP)");
    }
    if head.starts_with(b"RIFF") && kind.starts_with(b"XWMA") {
        return Some("WMA (xWMA)");
    }
    if head.starts_with(b"FORM") && kind.starts_with(b"8SVX") {
        return Some("8SVX");
    }
    // Both kinds of AC-3 begin alike, and say in the sixth byte which version of the syntax follows; words may be swapped.
    for (mark, version) in [(b"\x0b\x77", 5), (b"\x77\x0b", 4)] {
        if head.starts_with(mark) {
            return Some(if head.get(version).is_some_and(|byte| byte >> 3 > 10) { "E-AC-3" } else { "AC-3" });
        }
    }
    // LOAS, AAC with a header of three bytes that gives the length of each frame.
    let loas = |at: usize| match head.get(at..at + 3) {
        Some(&[0x56, second, third]) if second & 0xe0 == 0xe0 => {
            Some(usize::from(second & 0x1f) << 8 | usize::from(third))
        }
        _ => None,
    };
    if loas(0).and_then(|length| loas(3 + length)).is_some() {
        return Some("AAC in LOAS");
    }
    match head.get(4..8) {
        Some(b"\xf8\x72\x6f\xba") => return Some("TrueHD"),
        Some(b"\xf8\x72\x6f\xbb") => return Some("MLP"),
        _ => {}
    }
    // Frames of 33 bytes, each with the same four bits in front.
    if (0..10).all(|frame| head.get(frame * 33).is_some_and(|byte| byte >> 4 == 0xd)) && !is_text(head) {
        return Some("GSM 6.10");
    }
    // Transport streams have a mark every 188 bytes, which one that is also a letter makes worth nothing alone.
    if (0..4).all(|packet| head.get(packet * 188) == Some(&0x47)) && !is_text(head) {
        return Some("MPEG-TS");
    }
    None
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_of_sound_are_not_supported_and_never_damaged() {
        for (mark, name) in OTHERS {
            let said = other(&[mark, &[7; 50][..]].concat()).expect(name).text.clone();
            assert_eq!(
                said,
                format!("{name} is not supported; convert the file with `ffmpeg -i FILE FILE.flac` first")
            );
        }
        assert!(other(b"RIFF\0\0\0\0AVI LIST").expect("AVI").text.starts_with("AVI is not supported"));
        let mut stream = vec![0x80; 800];
        (0..4).for_each(|packet| stream[packet * 188] = 0x47);
        assert!(other(&stream).expect("a stream").text.starts_with("MPEG-TS"));
        assert!(other(b"\xf0\x44\0\0\xf8\x72\x6f\xba").expect("TrueHD").text.starts_with("TrueHD"));
        assert!(other(&[&[0xd5][..], &[7; 32]].concat().repeat(10)).expect("GSM").text.starts_with("GSM 6.10"));
    }
}
