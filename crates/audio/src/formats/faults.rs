//! The sentences in which a file is refused: damaged and not supported are two different things.

use std::io;

use euterpe_actors::outcome::Fault;

use crate::{
    clock,
    refusal::{Extent, Refusal},
};

/// Ends a sentence about a file of which something is missing.
pub(crate) const REMEDY: &str = "the file is cut off or damaged; replace it with a whole copy";

/// A whole file of a kind that is not read, with what makes one of it that is.
pub(crate) fn unsupported(what: &str) -> Refusal {
    let text = format!("{what} is not supported; convert the file with `ffmpeg -i FILE FILE.flac` first");
    Refusal::Unsupported { what: what.to_owned(), fault: Fault::bad_input(text), extent: Extent::default() }
}

/// A whole file of a kind that ffmpeg plays otherwise than it is meant.
pub(crate) fn unsupported_anywhere(what: &str) -> Refusal {
    Refusal::bad_input(format!("{what} is not supported; convert the file with a program that knows it first"))
}

/// An MP3 that ffmpeg does not read either.
pub(crate) fn free_rate() -> Refusal {
    Refusal::bad_input(
        "MP3 of a free bit rate is not supported; convert the file with `lame --decode FILE FILE.wav` first",
    )
}

/// A file whose bytes contradict each other.
pub(crate) fn damaged(how: &str) -> Refusal {
    Refusal::bad_input(format!("the file is damaged: {how}; replace it with a whole copy"))
}

/// A file of which a piece cannot be decoded, after so many frames.
pub(crate) fn damaged_at(frames: u64, rate: u32, how: &str) -> Refusal {
    Refusal::bad_input(format!("the file is damaged at {}: {how}; replace it with a whole copy", at(frames, rate)))
}

/// A file that ends in the middle of something.
pub(crate) fn breaks_off(frames: u64, rate: u32) -> Refusal {
    Refusal::bad_input(format!("the track breaks off after {}: {REMEDY}", at(frames, rate)))
}

/// A file that holds less than it declares.
pub(crate) fn too_short(frames: u64, declared: u64, rate: u32) -> Refusal {
    let (end, whole) = (at(frames, rate), at(declared, rate));
    if end == whole {
        let missing = declared - frames;
        return Refusal::bad_input(format!("the last {missing} frames of the track are missing: {REMEDY}"));
    }
    Refusal::bad_input(format!("the track ends after {end} of {whole}: {REMEDY}"))
}

/// A track that goes on with another rate or other channels.
pub(crate) fn changed(frames: u64, rate: u32) -> Refusal {
    Refusal::bad_input(format!(
        "the track changes its sample rate or channels at {}; convert it to one of each first",
        at(frames, rate)
    ))
}

/// A file in which only the first of several recordings would be read.
pub(crate) fn several() -> Refusal {
    Refusal::bad_input("the file is several recordings in a row; split it into one file each")
}

/// More than one in a hundred pieces cannot be decoded.
///
/// # Errors
/// Where that is so.
pub(crate) fn check_pieces(bad: u64, pieces: u64) -> Result<(), Refusal> {
    if bad * 100 > pieces {
        return Err(damaged(&format!("{bad} of its {pieces} pieces cannot be decoded")));
    }
    Ok(())
}

/// A file that could not be read, which may go better another time: unless a reader of the format says so and not the
/// system, for then its bytes are at fault.
pub(crate) fn unread(error: &io::Error) -> Refusal {
    if error.raw_os_error().is_none() {
        return damaged(&error.to_string());
    }
    Refusal::of_io("could not read the track", error)
}

/// A number of frames as a time in the track.
pub(crate) fn at(frames: u64, rate: u32) -> String {
    clock(frames as f64 / f64::from(rate.max(1)))
}
