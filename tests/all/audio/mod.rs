//! The audio transforms against other people's programs, hostile files and real music.

mod flac; // ffmpeg decodes what we encode, bit for bit
mod hostile; // files that lie: refused in words, within bounded memory
mod librosa; // the mel spectrogram agrees with librosa
mod loudness; // the loudness agrees with ffmpeg
pub mod material; // real music, ffmpeg, Python with librosa
mod real_music; // every track of a real album goes through every transform
pub mod run; // one transform on one file, without a graph
