//! Pictures of features: `audio.mel_plot`, `audio.mfcc_plot`, `audio.chroma_plot`, `audio.waveform_plot`.
//!
//! PNGs with the axes, colours and captions of `audio.spectrogram`: time to the right, the entity's id above. A picture narrower than
//! 480 or lower than 240 pixels is the plot alone. What is silent says so.

mod chroma;
mod mel;
mod mfcc;
mod waveform;

pub(crate) use chroma::entry as chroma;
pub(crate) use mel::entry as mel;
pub(crate) use mfcc::entry as mfcc;
pub(crate) use waveform::entry as waveform;
