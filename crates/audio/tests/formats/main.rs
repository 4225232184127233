//! Files that other people's programs write, against what other people's programs read in them. `docs/formats.md` says what
//! each format was compared with.

mod aac; // band replication, edit lists
mod caf; // packets, and what their table says
mod channels; // where they stand
mod damage; // in the midst of a file: told, or silence of the same length
mod ffmpeg; // what it is handed, and what becomes of one that hangs
mod fingerprints; // as fpcalc prints them
mod headers; // sizes that nobody could write, or wrote wrong
mod lossless; // bit for bit what ffmpeg decodes
mod lossy; // within 90 dB of what ffmpeg or libvorbis decodes, frame for frame
mod material; // sounds, programs, decoders
mod mov; // samples as they are in MOV
mod mp3; // lengths that are not declared, or wrong
mod ogg; // pages that are damaged or missing, chains
#[cfg(feature = "opus")]
mod opus; // within 90 dB of what libopus decodes elsewhere, frame for frame
mod pieces; // that are missing: told, or silence in their place, also before a part
mod probe; // what a file is
mod refused; // not supported is not damaged, and read through ffmpeg
mod tags; // around a file of any format
mod tracks; // which of several is read
mod written; // by `audio.transcode`: read by others, as long and as loud as was asked, with its tags
