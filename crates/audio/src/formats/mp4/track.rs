//! The track of sound in an MP4 file: its codec, how long it is, and which part of it the edit list plays.

use crate::refusal::Refusal;

use super::{
    super::{
        aac::config::channels_of,
        bytes::big,
        faults::{unsupported, unsupported_anywhere},
    },
    boxes::{boxes, find},
};

/// What the index says of a track.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Track {
    pub(crate) id: u32,
    /// The four letters of its codec.
    pub(crate) codec: String,
    /// Whether what its decoder is told stands in a box `wave`, as QuickTime writes it.
    pub(crate) quicktime: bool,
    /// Ticks in a second.
    pub(crate) timescale: u64,
    /// The sum of its samples' times, in ticks, without pauses.
    pub(crate) ticks: u64,
    /// Ticks in which nothing plays, between samples.
    pauses: u64,
    /// How many samples, as MP4 calls packets, it has.
    pub(crate) packets: u64,
    /// Ticks before the sound begins.
    pub(crate) start: u64,
    /// Ticks that play from there; none for all that there are.
    pub(crate) length: Option<u64>,
}

/// The body of the track of sound that is read. Of several the one is chosen that ffmpeg chooses: one that is enabled, then
/// the one of most channels, then the first.
pub(crate) fn chosen(movie: &[u8]) -> Option<&[u8]> {
    let sounds = boxes(movie)
        .filter(|(name, _)| *name == b"trak")
        .filter(|(_, body)| find(body, &[b"mdia", b"hdlr"]).and_then(|own| own.get(8..12)) == Some(b"soun"));
    sounds.map(|(_, body)| body).reduce(|best, own| if rank(own) > rank(best) { own } else { best })
}

/// What the movie says of the track with this body.
///
/// # Errors
/// Where its edit list does more than take something off at its ends.
pub(crate) fn track(movie: &[u8], body: &[u8]) -> Result<Track, Refusal> {
    let per_second =
        find(movie, &[b"mvhd"]).map_or(0, |head| big(head, if head.first() == Some(&1) { 20 } else { 12 }, 4));
    let number = |path: &[&[u8; 4]], old, new, length| {
        find(body, path).map_or(0, |own| big(own, if own.first() == Some(&1) { new } else { old }, length))
    };
    let description = find(body, &[b"mdia", b"minf", b"stbl", b"stsd"]).unwrap_or(&[]);
    let codec = String::from_utf8_lossy(description.get(12..16).unwrap_or(b"????")).into_owned();
    let table = find(body, &[b"mdia", b"minf", b"stbl", b"stts"]).unwrap_or(&[]);
    // Packets of FLAC may be of any length; those of all others are of one, but for the last.
    let Times { packets, ticks, pauses } = times(table, codec != "fLaC");
    let mut track = Track {
        id: number(&[b"tkhd"], 12, 20, 4) as u32,
        codec,
        quicktime: description.windows(4).any(|own| own == b"wave"),
        timescale: number(&[b"mdia", b"mdhd"], 12, 20, 4),
        ticks,
        pauses,
        packets,
        start: 0,
        length: None,
    };
    let list = edits(find(body, &[b"edts", b"elst"]).unwrap_or(&[]))?;
    if let Some(Edit { start, length }) = list {
        track.start = start;
        track.length = (length > 0 && per_second > 0).then(|| in_media_time(&track, length, per_second));
    }
    // What the fragments add up to.
    let fragments = number_of(find(movie, &[b"mvex", b"mehd"]).unwrap_or(&[]), 4);
    if track.length.is_none() && per_second > 0 && fragments > 0 {
        track.length = Some(in_media_time(&track, fragments, per_second).saturating_sub(track.start));
    }
    if track.start == 0
        && track.codec == "mp4a"
        && let Some((start, length)) = itunes(movie)
    {
        // iTunes counts in frames of sound, which are the ticks of its files.
        (track.start, track.length) = (start, Some(length));
    }
    Ok(track)
}

/// Whether a track is enabled, and its channels.
fn rank(body: &[u8]) -> (bool, u64) {
    let enabled = find(body, &[b"tkhd"]).is_some_and(|head| big(head, 1, 3) & 1 != 0);
    let description = find(body, &[b"mdia", b"minf", b"stbl", b"stsd"]).unwrap_or(&[]);
    // What stands in the entry itself is 2 for any AAC.
    let channels = specific(description).map_or(0, |own| channels_of(own).into());
    (enabled, if channels > 0 { channels } else { big(description, 32, 2) })
}

/// What a decoder of AAC is told: within the descriptors (ISO/IEC 14496-1, 7.2.6) of the box `esds`.
fn specific(description: &[u8]) -> Option<&[u8]> {
    let at = description.windows(4).position(|own| own == b"esds")?;
    let mut rest = description.get(at + 8..)?;
    loop {
        let (&tag, mut body) = rest.split_first()?;
        let mut length = 0;
        while let Some((&byte, more)) = body.split_first() {
            (length, body) = (length << 7 | usize::from(byte & 0x7f), more);
            if byte & 0x80 == 0 {
                break;
            }
        }
        rest = match tag {
            3 => body.get(3..)?,
            4 => body.get(13..)?,
            5 => return Some(&body[..length.min(body.len())]),
            _ => return None,
        };
    }
}

/// What the table of samples' times adds up to.
struct Times {
    packets: u64,
    ticks: u64,
    pauses: u64,
}

/// A time that is much longer than the usual one, where all are `alike`, ends with a pause of the recorder.
fn times(table: &[u8], alike: bool) -> Times {
    let runs = table.get(8..).unwrap_or(&[]).chunks_exact(8).map(|run| (big(run, 0, 4), big(run, 4, 4)));
    let usual = runs.clone().max_by_key(|&(count, each)| (count, each)).map_or(0, |(_, each)| each);
    runs.fold(Times { packets: 0, ticks: 0, pauses: 0 }, |sum, (count, each)| {
        let own = if alike && each > usual + usual / 2 { usual } else { each };
        Times {
            packets: sum.packets + count,
            ticks: sum.ticks + count * own,
            pauses: sum.pauses + count * (each - own),
        }
    })
}

/// A length in ticks of the movie as ticks of the media. The movie's ticks are coarse, often milliseconds: what comes so
/// near to the end of the media is its end.
fn in_media_time(track: &Track, length: u64, per_second: u64) -> u64 {
    let exact =
        (u128::from(length) * u128::from(track.timescale) + u128::from(per_second) / 2) / u128::from(per_second);
    // It counts pauses, in which nothing is decoded.
    let (exact, rest) = ((exact as u64).saturating_sub(track.pauses), track.ticks.saturating_sub(track.start));
    if exact.abs_diff(rest) <= track.timescale / per_second + 1 { rest } else { exact }
}

/// A number of 32 or 64 bits, as the version of the box says.
fn number_of(body: &[u8], at: usize) -> u64 {
    big(body, at, if body.first() == Some(&1) { 8 } else { 4 })
}

/// The part of the media that plays.
struct Edit {
    start: u64,
    /// In ticks of the movie; 0 for all.
    length: u64,
}

fn edits(list: &[u8]) -> Result<Option<Edit>, Refusal> {
    let long = list.first() == Some(&1);
    let entry = if long { 20 } else { 12 };
    let mut found = None;
    for own in list.get(8..).unwrap_or(&[]).chunks_exact(entry).take(big(list, 4, 4) as usize) {
        let (length, start, pace) = if long {
            (big(own, 0, 8), big(own, 8, 8) as i64, big(own, 16, 4))
        } else {
            (big(own, 0, 4), i64::from(big(own, 4, 4) as i32), big(own, 8, 4))
        };
        if start == -1 {
            continue; // nothing plays for a while: the track begins later than others
        }
        if found.is_some() {
            return Err(unsupported("MP4 with an edit list of several parts"));
        }
        if pace != 0x1_0000 && pace != 0 {
            return Err(unsupported_anywhere("MP4 with an edit list that changes the pace"));
        }
        found = Some(Edit { start: start.max(0) as u64, length });
    }
    Ok(found)
}

/// What iTunes and many other encoders write beside, or instead of, an edit list: delay, padding, length in frames.
fn itunes(movie: &[u8]) -> Option<(u64, u64)> {
    let name = b"iTunSMPB";
    let at = movie.windows(name.len()).position(|own| own == name)?;
    let text = movie.get(at + name.len() + 16..)?;
    let text: String = text.iter().take(120).map(|&byte| char::from(byte)).collect();
    let mut numbers = text.split_ascii_whitespace().map(|word| u64::from_str_radix(word, 16));
    let (_, delay, _, length) =
        (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    (delay < 16_384 && length > 0).then_some((delay, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat()
    }

    /// A movie of 10 packets of 1,024 frames at 44,100 Hz, with an edit list.
    fn movie(edits: &[[u32; 3]]) -> Vec<u8> {
        let numbers = |own: &[u32]| own.iter().flat_map(|own| own.to_be_bytes()).collect::<Vec<u8>>();
        let list: Vec<u32> = [0, edits.len() as u32].into_iter().chain(edits.iter().flatten().copied()).collect();
        let table = [boxed(b"stts", &numbers(&[0, 1, 10, 1024])), boxed(b"stsd", &[&[0; 12][..], b"mp4a"].concat())];
        let media = [
            boxed(b"mdhd", &numbers(&[0, 0, 0, 44_100, 10_240])),
            boxed(b"hdlr", &[&[0; 8][..], b"soun"].concat()),
            boxed(b"minf", &boxed(b"stbl", &table.concat())),
        ];
        let track = [
            boxed(b"tkhd", &numbers(&[0, 0, 0, 7])),
            boxed(b"edts", &boxed(b"elst", &numbers(&list))),
            boxed(b"mdia", &media.concat()),
        ];
        [boxed(b"mvhd", &numbers(&[0, 0, 0, 1000, 0])), boxed(b"trak", &track.concat())].concat()
    }

    fn track(movie: &[u8]) -> Result<Track, Refusal> {
        super::track(movie, chosen(movie).expect("a track"))
    }

    #[test]
    fn an_edit_takes_off_the_ends_and_its_milliseconds_do_not_cost_frames() {
        let found = track(&movie(&[[100, 1024, 0x1_0000]])).expect("read");
        assert_eq!((found.id, &found.codec[..], found.packets, found.ticks), (7, "mp4a", 10, 10_240));
        assert_eq!((found.start, found.length), (1024, Some(4410)));
        // 9,216 frames are 208.98 ms.
        for near in [208, 209, 210] {
            let found = track(&movie(&[[50, u32::MAX, 0x1_0000], [near, 1024, 0x1_0000]])).expect("read");
            assert_eq!(found.length, Some(9216), "{near}");
        }
    }

    #[test]
    fn a_pause_between_packets_is_no_sound() {
        let table = |runs: &[[u32; 2]]| {
            let numbers = [0, runs.len() as u32].into_iter().chain(runs.iter().flatten().copied());
            numbers.flat_map(u32::to_be_bytes).collect::<Vec<u8>>()
        };
        let paused = table(&[[10, 1024], [1, 90_000], [20, 1024], [1, 500]]);
        let Times { packets, ticks, pauses } = times(&paused, true);
        assert_eq!((packets, ticks, pauses), (32, 31 * 1024 + 500, 90_000 - 1024));
        assert_eq!(times(&paused, false).pauses, 0);
        assert_eq!(times(&table(&[[1, 1024], [1, 100]]), true).ticks, 1124, "a short track is one packet and a rest");
        let uneven = table(&[[2, 23], [1, 24], [2, 23], [1, 24]]);
        assert_eq!((times(&uneven, true).ticks, times(&uneven, true).pauses), (140, 0));
    }

    #[test]
    fn the_description_of_aac_is_found_among_descriptors() {
        let description =
            [&[0; 20][..], b"esds\0\0\0\0\x03\x80\x80\x22\0\0\0\x04\x14", &[0; 13], b"\x05\x02\x12\x10\x06"].concat();
        assert_eq!(specific(&description), Some(&b"\x12\x10"[..]));
        assert_eq!(specific(&description[..40]), None);
    }

    #[test]
    fn an_edit_list_that_cuts_something_out_is_not_supported() {
        let said = track(&movie(&[[10, 0, 0x1_0000], [10, 5000, 0x1_0000]])).expect_err("refused").text.clone();
        assert!(said.starts_with("MP4 with an edit list of several parts is not supported; convert"), "{said}");
        assert!(track(&movie(&[[10, 0, 0x2_0000]])).is_err());
    }

    #[test]
    fn the_comment_of_itunes_counts_where_no_edit_list_takes_anything_off() {
        let comment =
            b"nameiTunSMPB\0\0\0\x54data\0\0\0\x01\0\0\0\0 00000000 00000840 000001CA 0000000000001000 00000000";
        let found = track(&[movie(&[]), boxed(b"udta", comment)].concat()).expect("read");
        assert_eq!((found.start, found.length), (0x840, Some(4096)));
    }
}
