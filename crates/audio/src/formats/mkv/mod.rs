//! Reads Matroska and WebM (RFC 9559): a walk finds the codec's delay, padding at the end and damage; symphonia takes the
//! packets out.

mod ebml;
mod track;
mod walk;

use std::io::BufReader;

use crate::refusal::Refusal;

use super::{
    blocks::Blocks,
    faults::{REMEDY, unsupported},
    packets::{Facts, Packets, Span},
    source::{Source, Spliced},
};

/// Whether a file begins as one.
pub(crate) fn is_mkv(head: &[u8]) -> bool {
    head.starts_with(b"\x1a\x45\xdf\xa3")
}

/// Opens the track of sound that the file wants to be played.
///
/// # Errors
/// Where there is none that is read, or the file is damaged.
pub(crate) fn open(source: Source, again: Source) -> Result<Box<dyn Blocks>, Refusal> {
    let length = source.length();
    let found = walk::walk(&mut BufReader::with_capacity(1 << 14, source), length)?;
    let Some(track) = found.tracks.sound else {
        return Err(match found.cut {
            true => ends(),
            false => Refusal::bad_input("this is not audio: the file has no audio track"),
        });
    };
    if let Some(name) = codec_not_read(&track.codec) {
        return Err(unsupported(name).of_cut_file(found.cut));
    }
    if found.cut && track.bits == 0 {
        return Err(ends());
    }
    if track.codec.starts_with("A_PCM/") && !matches!(track.bits, 16 | 24 | 32 | 64) {
        let what = format!("Matroska with samples of {} bits", track.bits);
        return Err(unsupported(&what).of_cut_file(found.cut));
    }
    let span = |nanoseconds: i64| Span { ticks: nanoseconds.max(0) as u64, per_second: 1_000_000_000 };
    let facts = Facts {
        track: Some(track.number as u32),
        skip: Some(span(track.delay)),
        drop_at_end: Some(span(found.padding)),
        least_packets: found.blocks,
        cut: found.cut,
        cut_is_known: true,
        ..Facts::default()
    };
    // Symphonia takes a file whose last element is not all there for one of another kind.
    Packets::any(Spliced::new(Vec::new(), again, 0..found.end), "mka", facts)
        .map_err(|fault| if found.cut { ends() } else { fault })
}

fn ends() -> Refusal {
    Refusal::bad_input(format!("the track breaks off before its end: {REMEDY}"))
}

/// The name of a codec by its identifier, where it is known and not read.
fn codec_not_read(codec: &str) -> Option<&'static str> {
    Some(match codec {
        "A_OPUS/EXPERIMENTAL" => "Opus of before its standard",
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
