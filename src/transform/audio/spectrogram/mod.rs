//! `audio.spectrogram`: the sound of a track as a picture.
