//! The formats of sound: which one a file is, and who reads it.
//!
//! The first bytes decide, not the extension. A reader hands out [`Blocks`] of samples, and judges at the end whether all
//! of the track was there. `docs/formats.md` says what each was compared with.

mod aac;
mod alac;
mod blocks;
mod bytes;
mod caf;
mod container;
mod faults;
mod flac;
mod foreign;
mod info;
mod metadata;
mod mkv;
mod mp4;
mod mpeg;
mod not_audio;
mod ogg;
mod packets;
mod pcm;
mod source;
mod tags;
mod trim;
mod window;

use std::io::{Seek, SeekFrom};

use crate::refusal::Refusal;
use euterpe_actors::storage::Content;

use aac::adts::Adts;
use bytes::{big, read_up_to};
use faults::unread;
use mpeg::Mpeg;
use packets::{Facts, Packets, Span};
use pcm::{Pcm, aiff, au, riff, w64, wav::Wave};
use source::{Source, Spliced};
use tags::{end_without_tags, start_behind_tags};

pub(crate) use blocks::{Blocks, LOUDEST, Sound, usual_layout};
pub(crate) use bytes::little;
pub(crate) use container::container;
pub(crate) use faults::{at, breaks_off, too_short};
pub(crate) use flac::flac_layout;
pub(crate) use metadata::{Metadata, metadata};

/// Opens a content with the reader of its format.
///
/// # Errors
/// A fault of the input where it is empty, no audio, damaged, or of a format that is not read.
pub(crate) fn open(content: &Content) -> Result<Box<dyn Blocks>, Refusal> {
    let source = || Source::open(content).map_err(|error| unread(&error));
    let mut first = source()?;
    let length = first.length();
    if length == 0 {
        return Err(Refusal::bad_input("the file is empty; replace it with a whole copy"));
    }
    let head = head_at(&mut first, 0)?;
    first.rewind().map_err(|error| unread(&error))?;
    let tag = start_behind_tags(&mut first, length).map_err(|error| unread(&error))?;
    first.rewind().map_err(|error| unread(&error))?;
    if let Some(chunks) = chunked(content, tag)? {
        return Ok(chunks);
    }
    if let Some(packed) = boxed(content, tag)? {
        return Ok(packed);
    }
    if let Some(start) = flac::start_of(&mut first).map_err(|error| unread(&error))? {
        return flac::open(first, start);
    }
    if head.starts_with(b"OggS") || (tag > 0 && begins(&mut first, tag, b"OggS")?) {
        return ogg::open(content);
    }
    // What has no mark of its own is known by its frames: those of ADTS first, for MPEG's layer is never 0.
    let end = end_without_tags(&mut first).map_err(|error| unread(&error))?;
    if let Some(adts) = Adts::open(source()?, tag, end)? {
        return Ok(Box::new(adts));
    }
    // What has no reader here may stand behind a tag as well.
    let behind = if tag == 0 { head.clone() } else { head_at(&mut first, tag)? };
    let is_format = |other: &Refusal| tag == 0 || matches!(other, Refusal::Unsupported { .. });
    if let Some(other) = not_audio::other(&behind).filter(is_format) {
        return Err(other.of_cut_file(foreign::is_cut(&behind, length - tag)).of_frames(foreign::declared(&behind)));
    }
    match Mpeg::open(source()?, 0, end, false)? {
        Some(mpeg) => Ok(Box::new(mpeg)),
        None if mpeg::has_free_rate(&behind) => Err(faults::free_rate()),
        None => Err(not_audio::unknown(&head)),
    }
}

/// The first bytes from a place on.
fn head_at(source: &mut Source, at: u64) -> Result<Vec<u8>, Refusal> {
    let mut head = vec![0; 4096];
    source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
    let got = read_up_to(source, &mut head).map_err(|error| unread(&error))?;
    head.truncate(got);
    Ok(head)
}

/// Opens a file of the MP4 family or a Matroska file that begins at `start`, behind a tag; none where it is of another kind.
/// The places that such a file names count from its own beginning.
fn boxed(content: &Content, start: u64) -> Result<Option<Box<dyn Blocks>>, Refusal> {
    let source = || Source::open_at(content, start).map_err(|error| unread(&error));
    let mut first = source()?;
    let head = head_at(&mut first, 0)?;
    first.rewind().map_err(|error| unread(&error))?;
    if mp4::is_mp4(&head) {
        return mp4::open(first, source()?).map(Some);
    }
    if mkv::is_mkv(&head) {
        return mkv::open(first, source()?).map(Some);
    }
    Ok(None)
}

/// Opens a file that consists of chunks and begins at `start`, behind a tag; none where it is of another kind.
fn chunked(content: &Content, start: u64) -> Result<Option<Box<dyn Blocks>>, Refusal> {
    let source = || Source::open_at(content, start).map_err(|error| unread(&error));
    let mut first = source()?;
    let length = first.length();
    let mut head = vec![0; 64];
    let got = read_up_to(&mut first, &mut head).map_err(|error| unread(&error))?;
    head.truncate(got);
    first.rewind().map_err(|error| unread(&error))?;
    let shape = if riff::is_riff(&head) {
        return wave(riff::chunks(&mut first, length)?.wave()?, source()?).map(Some);
    } else if w64::is_w64(&head) {
        return wave(w64::chunks(&mut first, length)?.wave()?, source()?).map(Some);
    } else if aiff::is_aiff(&head) {
        // Its outer size need not be right, so the next file may begin behind that or behind the samples.
        let shape = aiff::shape(&mut first, length)?;
        let outer = 8 + big(&head, 4, 4);
        for end in [outer, outer + outer % 2, shape.data.end(), shape.data.end() + 1] {
            if end >= shape.data.end() && begins(&mut first, end, b"FORM")? && begins(&mut first, end + 8, b"AIF")? {
                return Err(faults::several());
            }
        }
        shape
    } else if au::is_au(&head) {
        let shape = au::shape(&mut first, length)?;
        if shape.data.declared.is_some() && begins(&mut first, shape.data.end(), b".snd")? {
            return Err(faults::several());
        }
        shape
    } else if caf::is_caf(&head) {
        match caf::contents(&mut first, length)? {
            caf::Caf::Pcm(shape) => shape,
            caf::Caf::Packets(packed) => return caf_packets(packed, source()?).map(Some),
        }
    } else {
        return Ok(None);
    };
    Ok(Some(Box::new(Pcm::new(source()?, shape))))
}

/// The reader of what a file of the WAV family holds.
fn wave(wave: Wave, source: Source) -> Result<Box<dyn Blocks>, Refusal> {
    match wave {
        Wave::Pcm(shape) => Ok(Box::new(Pcm::new(source, shape))),
        Wave::Mpeg(data) => match Mpeg::open(source, data.start, data.there, data.is_cut())? {
            Some(mpeg) => Ok(Box::new(mpeg)),
            None => Err(faults::damaged("it holds no MPEG audio")),
        },
        Wave::Adpcm { head, data } => {
            let facts = Facts { cut: data.is_cut(), length_unknown: true, ..Facts::default() };
            let part = data.start..data.start + data.there;
            Ok(Box::new(Packets::open(Spliced::new(head, source, part), "wav", facts)?))
        }
    }
}

/// The reader of packets in CAF.
fn caf_packets(packed: caf::Packed, source: Source) -> Result<Box<dyn Blocks>, Refusal> {
    let caf::Packed { head, data, rate, priming, valid } = packed;
    let span = |ticks| Span { ticks, per_second: rate.into() };
    let facts = Facts {
        skip: Some(span(priming)),
        keep: valid.map(span),
        length_unknown: true,
        cut: data.is_cut(),
        ..Facts::default()
    };
    let part = data.start..data.start + data.there;
    Ok(Box::new(Packets::open(Spliced::new(head, source, part), "caf", facts)?))
}

/// Whether a mark stands at a place.
fn begins(source: &mut Source, at: u64, mark: &[u8]) -> Result<bool, Refusal> {
    source.seek(SeekFrom::Start(at)).map_err(|error| unread(&error))?;
    let mut head = vec![0; mark.len()];
    read_up_to(source, &mut head).map_err(|error| unread(&error))?;
    Ok(head == mark)
}
