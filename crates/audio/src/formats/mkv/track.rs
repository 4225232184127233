//! The tracks of a Matroska file, and which of them is read.

use super::ebml::elements;
use crate::formats::bytes::big;

/// A track of sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Track {
    pub(super) number: u64,
    pub(super) codec: String,
    /// Nanoseconds.
    pub(super) delay: i64,
    /// Whether the file says that players take it by themselves.
    default: bool,
    channels: u64,
    /// Bits of a sample, where the codec is none; 0 where the file does not say it.
    pub(super) bits: u64,
}

/// What a file says of its tracks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tracks {
    /// The numbers of all, of sound or not.
    pub(super) numbers: Vec<u64>,
    /// The one that is read, where one is of sound.
    pub(super) sound: Option<Track>,
}

impl Tracks {
    /// Reads the body of the element. Of several tracks of sound the one is chosen that ffmpeg chooses: a default one, then
    /// the one of most channels, then the first.
    pub(super) fn read(body: &[u8]) -> Self {
        let mut tracks = Self::default();
        for (_, entry) in elements(body).filter(|(name, _)| *name == 0xae) {
            let field = |wanted| elements(entry).find(|(name, _)| *name == wanted).map(|(_, own)| own);
            let value = |wanted| field(wanted).map(|own: &[u8]| big(own, 0, own.len().min(8)));
            let number = value(0xd7).unwrap_or(0);
            tracks.numbers.push(number);
            if value(0x83) != Some(2) {
                continue;
            }
            let sound = |wanted| {
                let found = elements(field(0xe1).unwrap_or(&[])).find(|(name, _)| *name == wanted);
                found.map(|(_, own)| big(own, 0, own.len().min(8)))
            };
            let track = Track {
                number,
                codec: String::from_utf8_lossy(field(0x86).unwrap_or(&[])).trim_end_matches('\0').to_owned(),
                delay: value(0x56aa).unwrap_or(0) as i64,
                default: value(0x88).unwrap_or(1) != 0,
                channels: sound(0x9f).unwrap_or(1),
                bits: sound(0x6264).unwrap_or(0),
            };
            let rank = |track: &Track| (track.default, track.channels);
            if tracks.sound.as_ref().is_none_or(|best| rank(&track) > rank(best)) {
                tracks.sound = Some(track);
            }
        }
        tracks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_track_is_chosen_and_then_the_one_of_most_channels() {
        let entry = |number: u8, default: u8, channels: u8| {
            let body = [0xd7, 0x81, number, 0x83, 0x81, 2, 0x88, 0x81, default, 0xe1, 0x83, 0x9f, 0x81, channels];
            [&[0xae, 0x80 | body.len() as u8][..], &body].concat()
        };
        let chosen = |entries: &[Vec<u8>]| Tracks::read(&entries.concat()).sound.map(|track| track.number);
        assert_eq!(chosen(&[entry(1, 0, 6), entry(2, 1, 2)]), Some(2));
        assert_eq!(chosen(&[entry(1, 1, 2), entry(2, 1, 6)]), Some(2));
        assert_eq!(chosen(&[entry(1, 1, 2), entry(2, 1, 2)]), Some(1));
        assert_eq!(chosen(&[]), None);
    }
}
