//! Reads MP4, M4A, M4B: the index is looked at for the edit list and for cuts; symphonia takes the packets out.

mod boxes;
mod track;

use std::io::BufReader;

use euterpe_actors::outcome::Fault;

use super::{
    blocks::Blocks,
    faults::{unread, unsupported},
    packets::{Facts, Packets, Span},
    source::{Source, Spliced},
    tags::end_without_tags,
};
use track::track;

/// Whether a file begins as one.
pub(crate) fn is_mp4(head: &[u8]) -> bool {
    matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"moof" | b"styp" | b"wide"))
}

/// Opens the track of sound that the file wants to be played.
///
/// # Errors
/// Where there is none that is read.
pub(crate) fn open(source: Source, again: Source) -> Result<Box<dyn Blocks>, Fault> {
    let mut reader = BufReader::new(source);
    let length = end_without_tags(reader.get_mut()).map_err(|error| unread(&error))?;
    let top = boxes::top(&mut reader, length)?;
    drop(reader);
    let Some(track) = track(&top.movie)? else {
        return Err(Fault::bad_input("this is not audio: the file has no audio track"));
    };
    if let Some(name) = codec_not_read(&track.codec) {
        return Err(unsupported(name));
    }
    // Symphonia looks for it where MP4 has it.
    if track.codec == "alac" && track.quicktime {
        return Err(unsupported("ALAC in QuickTime (.mov)"));
    }
    let span = |ticks| Span { ticks, per_second: track.timescale.max(1) };
    // Packets of AAC have 1,024 frames; a last one with fewer ticks says where the sound ends.
    let last = (track.packets * 1024).saturating_sub(track.ticks);
    let ends = track.codec != "mp4a" || (1..1024).contains(&last);
    let all = track.ticks.saturating_sub(track.start);
    let keep = track.length.map(|length| length.min(all));
    let keep = keep.or((ends && track.ticks > 0).then_some(all));
    // Fragments are counted when they are read; their length is known to the movie's coarse ticks only.
    let (keep, declared) = match top.fragmented {
        true => (None, track.length),
        false => (keep, Some(keep.unwrap_or(all))),
    };
    let facts = Facts {
        track: Some(track.id),
        skip: Some(span(track.start)),
        keep: keep.map(span),
        declared: declared.map(span),
        length_unknown: true,
        cut: top.cut,
        ..Facts::default()
    };
    // Symphonia wants the first box to be `ftyp`; older files have none.
    Ok(Box::new(Packets::open(Spliced::new(Vec::new(), again, 0..top.end), "m4a", facts)?))
}

/// The name of a codec by its four letters, where it is known and not read.
fn codec_not_read(letters: &str) -> Option<&'static str> {
    Some(match letters {
        "Opus" => "Opus",
        "ac-3" => "AC-3",
        "ec-3" => "E-AC-3",
        "ac-4" => "AC-4",
        "dtsc" | "dtsh" | "dtsl" | "dtse" | "dtsx" => "DTS",
        "samr" | "sawb" => "AMR",
        "mlpa" => "TrueHD",
        "mhm1" | "mha1" => "MPEG-H",
        "enca" => "an encrypted track",
        "ima4" => "QuickTime ADPCM",
        "QDM2" | "QDMC" => "QDesign music",
        "MAC3" | "MAC6" => "MACE",
        "agsm" => "GSM 6.10",
        _ => return None,
    })
}
