//! Reads MP4, M4A, M4B, MOV: the index is looked at for the edit list and for cuts; symphonia takes the packets out, and we
//! take samples that are not compressed.

mod boxes;
mod chunks;
mod pcm;
mod track;

use std::io::BufReader;

use crate::refusal::Refusal;

use super::{
    blocks::Blocks,
    faults::{damaged, unread, unsupported, unsupported_anywhere},
    packets::{Facts, Packets, Span},
    pcm::{Data, Pcm, Shape},
    source::{Source, Spliced},
    tags::end_without_tags,
};
use crate::limits::check_shape;
use chunks::{chunks, part};
use pcm::{Written, written};
use track::{Track, chosen, track};

/// Whether a file begins as one.
pub(crate) fn is_mp4(head: &[u8]) -> bool {
    matches!(head.get(4..8), Some(b"ftyp" | b"moov" | b"mdat" | b"moof" | b"styp" | b"wide"))
}

/// Opens the track of sound that the file wants to be played.
///
/// # Errors
/// Where there is none that is read.
pub(crate) fn open(source: Source, again: Source) -> Result<Box<dyn Blocks>, Refusal> {
    let mut reader = BufReader::new(source);
    let length = end_without_tags(reader.get_mut()).map_err(|error| unread(&error))?;
    let top = boxes::top(&mut reader, length)?;
    drop(reader);
    let Some(body) = chosen(&top.movie) else {
        return Err(Refusal::bad_input("this is not audio: the file has no audio track"));
    };
    let track = track(&top.movie, body).map_err(|refusal| refusal.of_cut_file(top.cut))?;
    let tables = boxes::find(body, &[b"mdia", b"minf", b"stbl"]).unwrap_or(&[]);
    let written = written(boxes::find(tables, &[b"stsd"]).unwrap_or(&[]));
    if let Some(written) = written.map_err(|refusal| refusal.of_cut_file(top.cut))? {
        if top.fragmented {
            return Err(unsupported("MP4 with uncompressed sound in fragments").of_cut_file(top.cut));
        }
        return Ok(Box::new(samples(again, length, &track, written, tables)?));
    }
    if track.codec == "enca" {
        return Err(unsupported_anywhere("an encrypted track"));
    }
    if let Some(name) = codec_not_read(&track.codec) {
        return Err(unsupported(&name).of_cut_file(top.cut));
    }
    // Symphonia looks for it where MP4 has it.
    if track.codec == "alac" && track.quicktime {
        return Err(unsupported("ALAC in QuickTime (.mov)").of_cut_file(top.cut));
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
    let mut whole = Spliced::new(Vec::new(), again, 0..top.end);
    // Symphonia does not find the end of a box that goes on to the end of the file.
    if let Some((at, size)) = top.open {
        let size =
            u32::try_from(size).map_err(|_| unsupported("MP4 with a last box of more than 4 GiB without a size"))?;
        whole = whole.patched(at, size.to_be_bytes());
    }
    Packets::any(whole, "m4a", facts).map_err(|refusal| refusal.of_cut_file(top.cut))
}

/// The reader of samples as they are, in a file of `length` bytes.
fn samples(source: Source, length: u64, track: &Track, written: Written, tables: &[u8]) -> Result<Pcm, Refusal> {
    let Written { encoding, channels, rate, layout, quicktime } = written;
    let rate = if rate > 0 { rate } else { u32::try_from(track.timescale).unwrap_or(0) };
    check_shape(rate, channels)?;
    let frame = (encoding.bytes() * channels) as u64;
    let pieces = chunks(tables, quicktime.then_some(frame)).ok_or_else(|| damaged("its tables of samples disagree"))?;
    let bytes = |ticks| Span { ticks, per_second: track.timescale.max(1) }.frames(rate).saturating_mul(frame);
    let keep = track.length.filter(|length| track.start.saturating_add(*length) < track.ticks).map_or(u64::MAX, bytes);
    let pieces = part(pieces, bytes(track.start), keep);
    let sum = |ends: &dyn Fn(u64) -> u64| {
        pieces.iter().fold(0u64, |sum, piece| sum.saturating_add(ends(piece.end).saturating_sub(ends(piece.start))))
    };
    let data = Data { start: 0, there: sum(&|at| at.min(length)), declared: Some(sum(&|at| at)) };
    Ok(Pcm::of_pieces(source, Shape { encoding, channels, rate, layout, data }, pieces))
}

/// The name of a codec by its four letters, where it is not read.
fn codec_not_read(letters: &str) -> Option<String> {
    let known = match letters {
        "mp4a" | "alac" | "fLaC" | ".mp3" | "Opus" => return None,
        "ac-3" => "AC-3",
        "ec-3" => "E-AC-3",
        "ac-4" => "AC-4",
        "dtsc" | "dtsh" | "dtsl" | "dtse" | "dtsx" => "DTS",
        "samr" | "sawb" => "AMR",
        "mlpa" => "TrueHD",
        "mhm1" | "mha1" => "MPEG-H",
        "ima4" => "QuickTime ADPCM",
        "QDM2" | "QDMC" => "QDesign music",
        "MAC3" | "MAC6" => "MACE",
        "agsm" => "GSM 6.10",
        other => return Some(format!("MP4 with the codec `{}`", other.escape_default())),
    };
    Some(known.to_owned())
}
