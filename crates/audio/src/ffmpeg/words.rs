//! What ffmpeg says where it fails, as a sentence: damaged and not supported are two different things.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use euterpe_actors::outcome::Fault;

use crate::{formats::at, refusal::Refusal};

/// Words of ffmpeg for what it does not know, lower case.
const UNKNOWN: [&str; 9] = [
    "unknown attached picture",
    "not implemented",
    "not supported",
    "unsupported",
    "unknown codec",
    "decoder not found",
    "not found for input",
    "could not find codec parameters",
    "patches welcome",
];
/// Words for a track that changes.
const CHANGES: &str = "changing audio frame properties on the fly";
/// Words for a file without a track of sound.
const SILENT: [&str; 2] = ["does not contain any stream", "matches no streams"];
/// Words for what is no fault of the file: a confined program that may not open its input, one that does not know an option.
const UNABLE: [&str; 6] = [
    "fd/0: no such file",
    "fd/0: permission denied",
    "fd/0: operation not permitted",
    "unrecognized option",
    "option not found",
    "error splitting the argument list",
];
/// Parts of ffmpeg that look at pictures: what they say is no matter of the sound.
const OF_PICTURES: [&str; 8] = ["[png", "[mjpeg", "[jpeg", "[gif", "[bmp", "[webp", "[swscaler", "[image2"];
/// Words for what is left behind the last whole block of GSM in WAV, such as a byte that makes the length even: it holds no sound.
const LEFT_OVER: [&str; 2] = ["gsm_ms", "packet is too small"];
/// The longest piece of it in a sentence.
const LONGEST: usize = 160;

/// What is known of the file beside them.
#[derive(Clone, Copy)]
pub(super) struct Words<'w> {
    /// What the file is, as sentences name it.
    pub(super) what: &'w str,
    /// Whether the file is known to end within something.
    pub(super) cut: bool,
    /// How many frames came, at which rate, where any came.
    pub(super) place: Option<(u64, u32)>,
}

/// What is wrong with a file, as its process ended; none where nothing is.
pub(super) fn judge(status: ExitStatus, said: &[u8], file: Words<'_>) -> Option<Refusal> {
    let text = String::from_utf8_lossy(said);
    let small = text.to_lowercase();
    let is_of_sound = |line: &&str| !line.trim().is_empty() && !OF_PICTURES.iter().any(|part| line.starts_with(part));
    if status.success() && small.lines().find(is_of_sound).is_none() {
        return None;
    }
    if file.place.is_some() && !file.cut && LEFT_OVER.iter().all(|left| small.contains(left)) {
        return None;
    }
    let first = sentence(&text);
    let says = match first.is_empty() {
        true => "ffmpeg gives up and does not say why".to_owned(),
        false => format!("ffmpeg says \"{first}\""),
    };
    let with = |text: String| Some(Refusal::from(Fault::bad_input(text).with_stderr(said)));
    if let Some(signal) = status.signal() {
        return Some(Fault::failed(format!("ffmpeg was ended by signal {signal}")).with_stderr(said).into());
    }
    if UNABLE.iter().any(|unable| small.contains(unable)) {
        return Some(
            Fault::failed(format!("this ffmpeg cannot do the work: it says \"{first}\"")).with_stderr(said).into(),
        );
    }
    if small.contains("cannot allocate memory") {
        return with(format!("ffmpeg asks for more than 4 GiB of memory for this file ({})", file.what));
    }
    if SILENT.iter().any(|silent| small.contains(silent)) {
        return with("this is not audio: the file has no audio track".to_owned());
    }
    let place = file.place.map_or_else(String::new, |(frames, rate)| format!(" at {}", at(frames, rate)));
    if small.contains(CHANGES) {
        return with(format!("the track changes its sample rate or channels{place}; convert it to one of each first"));
    }
    if file.cut {
        return with(format!("the file is cut off{place}: {says}; replace it with a whole copy"));
    }
    if UNKNOWN.iter().any(|unknown| small.contains(unknown)) {
        return with(format!(
            "{} is not supported, by this ffmpeg neither (it says \"{first}\"); convert the file with a program that knows it first",
            file.what
        ));
    }
    with(format!("the file is damaged{place}: {says}; replace it with a whole copy"))
}

/// The first line that says something, empty where none does; without the names of ffmpeg's parts and of its standard input.
fn sentence(text: &str) -> String {
    let said = text.lines().map(plain).find(|line| !line.is_empty());
    let said = said.unwrap_or_default();
    let mut short: String = said.chars().take(LONGEST).collect();
    if short.len() < said.len() {
        short.push('…');
    }
    short
}

fn plain(line: &str) -> String {
    let line = line.strip_prefix('[').and_then(|line| line.split_once("] ")).map_or(line, |(_, rest)| rest);
    let line = line.replace("file:/proc/self/fd/0: ", "").replace("file:/proc/self/fd/0", "the file");
    line.chars().filter(|char| !char.is_control()).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, text: &str, cut: bool, place: Option<(u64, u32)>) -> Option<String> {
        let status = ExitStatus::from_raw(code << 8);
        judge(status, text.as_bytes(), Words { what: "TTA", cut, place }).map(|refusal| refusal.text.clone())
    }

    #[test]
    fn what_ffmpeg_says_becomes_a_sentence_of_the_right_kind() {
        let incomplete = "[ac3 @ 0x55fc7fc38f40] incomplete frame\nfile:/proc/self/fd/0: corrupt decoded frame\n";
        assert_eq!(
            said(1, incomplete, false, Some((96_000, 48_000))).as_deref(),
            Some("the file is damaged at 0:02: ffmpeg says \"incomplete frame\"; replace it with a whole copy")
        );
        assert_eq!(
            said(1, "file:/proc/self/fd/0: Invalid data found when processing input", true, None).as_deref(),
            Some(
                "the file is cut off: ffmpeg says \"Invalid data found when processing input\"; replace it with a whole copy"
            )
        );
        let unknown = said(1, "[aac @ 0x1] Audio object type 42 is not implemented.", false, None).expect("refused");
        assert!(
            unknown.starts_with("TTA is not supported, by this ffmpeg neither (it says \"Audio object"),
            "{unknown}"
        );
        let changed = "[graph_0_in_0_0 @ 0x1] Changing audio frame properties on the fly is not supported.";
        let changed = said(1, changed, false, Some((48_000, 48_000))).expect("refused");
        assert!(changed.starts_with("the track changes its sample rate or channels at 0:01"), "{changed}");
        let silent = said(1, "Output file #0 does not contain any stream", false, None).expect("refused");
        assert!(silent.starts_with("this is not audio"), "{silent}");
        let wordless =
            "the file is damaged at 0:01: ffmpeg gives up and does not say why; replace it with a whole copy";
        assert_eq!(said(1, "[ac3 @ 0x1] \n", false, Some((48_000, 48_000))).as_deref(), Some(wordless));
        assert_eq!(said(0, "[png @ 0x1] an odd cover", false, None), None);
        for error in ["[mov @ 0x1] stream 0, offset 0x2c: partial file", "[asf @ 0x1] packet_obj_size 7099 invalid"] {
            assert!(said(0, error, false, None).is_some(), "{error}");
        }
        let left = "[gsm_ms @ 0x1] Packet is too small\nError while decoding stream #0:0: Invalid data found when processing input";
        assert_eq!(said(1, left, false, Some((24_000, 8000))), None);
        assert!(said(1, left, true, Some((24_000, 8000))).is_some() && said(1, left, false, None).is_some());
        let killed = judge(ExitStatus::from_raw(9), b"", Words { what: "TTA", cut: false, place: None });
        assert_eq!(killed.expect("refused").text, "ffmpeg was ended by signal 9");
        let unable = said(1, "file:/proc/self/fd/0: Permission denied", false, None).expect("refused");
        assert_eq!(unable, "this ffmpeg cannot do the work: it says \"Permission denied\"");
        let long = said(1, &format!("\n[x] {}", "y\u{7}".repeat(1000)), false, None).expect("refused");
        assert!(long.contains(&format!("\"{}…\"", "y".repeat(160))), "{long}");
    }
}
