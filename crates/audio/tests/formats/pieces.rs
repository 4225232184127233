//! Pieces that are missing in the midst of a file: told, or silence in their place; also where only a part is read.

use std::fs;

use serde_json::json;

use super::material::{Track, encoded, folder, made, ours, ours_of, refused, snr, wav};

/// The frames of a FLAC file behind its headers, and its headers.
fn flac_frames(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut at = 4;
    loop {
        let (is_last, length) =
            (bytes[at] & 0x80 != 0, u32::from_be_bytes([0, bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
        at += 4 + length as usize;
        if is_last {
            break;
        }
    }
    let (head, body) = bytes.split_at(at);
    // The number of the frame is one byte for the first 128.
    let is_frame =
        |at: usize, number: u8| body.get(at..at + 5).is_some_and(|own| own[..2] == [0xff, 0xf8] && own[4] == number);
    let mut places = vec![0];
    while let Some(next) = (places[places.len() - 1] + 6..body.len()).find(|&at| is_frame(at, places.len() as u8)) {
        places.push(next);
    }
    places.push(body.len());
    (head.to_vec(), places.windows(2).map(|two| body[two[0]..two[1]].to_vec()).collect())
}

#[test]
fn frames_of_flac_that_are_lost_doubled_or_damaged_are_told_with_their_second_also_before_a_part() {
    let folder = folder();
    let bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 220_500), "t.flac", &[])).expect("read");
    let (mut head, frames) = flac_frames(&bytes);
    assert!((20..128).contains(&frames.len()), "{}", frames.len());
    let whole = |head: &[u8], frames: &[Vec<u8>]| [head, &frames.concat()].concat();
    assert_eq!(whole(&head, &frames), bytes);
    let mut flipped = frames.clone();
    let middle = flipped[10].len() / 2;
    flipped[10][middle] ^= 16;
    let lost = [&frames[..10], &frames[11..]].concat();
    let doubled = [&frames[..10], &frames[9..]].concat();
    let mut swapped = frames.clone();
    swapped.swap(10, 11);
    // With the checksum of all sound, and as an encoder writes it into a pipe.
    for _ in 0..2 {
        for (what, frames) in [("flipped", &flipped), ("lost", &lost), ("doubled", &doubled), ("swapped", &swapped)] {
            let file = whole(&head, frames);
            let said = refused(file.clone());
            assert!(said.starts_with("the file is damaged at 0:01: "), "{what}: {said}");
            for part in [json!({"start": 2, "duration": 0.5}), json!({"start": 0.9, "duration": 0.2})] {
                let said = made("audio.loudness", part, &file, "json").expect_err("it was read").text;
                assert!(said.starts_with("the file is damaged at 0:01: "), "{what}: {said}");
            }
            made("audio.loudness", json!({"duration": 0.5}), &file, "json")
                .expect("what is behind the part is not read");
        }
        head[8 + 18..8 + 34].fill(0);
        ours(whole(&head, &frames)).expect("it needs no checksum");
    }
}

/// What was zeroed in the midst, shorter than one in a hundred of the file.
fn zeroed(bytes: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle..middle + length].fill(0);
    bytes
}

/// How near the last second of a track is to that of another one, in dB.
fn snr_of_end(ours: &Track, theirs: &Track) -> f64 {
    let last = |track: &Track| track.samples[track.samples.len() - track.rate as usize * track.channels..].to_vec();
    snr(&last(ours), &last(theirs))
}

#[test]
fn silence_stands_where_frames_are_missing_so_that_the_rest_stays_in_its_place() {
    let folder = folder();
    for (file, options) in
        [("t.mp3", &["-write_xing", "0", "-b:a", "128k"][..]), ("t.mp2", &[]), ("t.aac", &["-b:a", "128k"])]
    {
        let path = encoded(folder.path(), &wav(44_100, 2, 44_100 * 30), file, options);
        let whole: Track = ours_of(&path);
        let damaged =
            ours(zeroed(&fs::read(&path).expect("read"), 3000)).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        assert_eq!(damaged.frames(), whole.frames(), "{file}");
        assert!(snr_of_end(&damaged, &whole) > 60.0, "{file}: {}", snr_of_end(&damaged, &whole));
    }
}

#[test]
fn too_much_that_is_missing_is_told_in_a_part_as_well() {
    let folder = folder();
    for (file, options) in [("t.mp3", &["-b:a", "128k"][..]), ("t.mp2", &[]), ("t.aac", &["-b:a", "128k"])] {
        let path = encoded(folder.path(), &wav(44_100, 2, 44_100 * 10), file, options);
        let damaged = zeroed(&fs::read(&path).expect("read"), 6000);
        let said = made("audio.loudness", json!({"start": 4.5, "duration": 1.5}), &damaged, "json")
            .expect_err("it was read")
            .text;
        assert!(said.contains("of its ") && said.contains("pieces cannot be decoded"), "{file}: {said}");
        made("audio.loudness", json!({"start": 1, "duration": 1.5}), &damaged, "json").expect("it is good up to there");
    }
}

#[test]
fn what_ends_within_something_is_cut_off_whoever_reads_it() {
    let folder = folder();
    for (file, options) in [("t.mka", &["-c:a", "pcm_u8"][..]), ("t.wma", &[])] {
        let bytes = fs::read(encoded(folder.path(), &wav(44_100, 1, 44_100 * 10), file, options)).expect("read");
        for share in [30, 60, 99] {
            let said = refused(bytes[..bytes.len() * share / 100].to_vec());
            assert!(said.contains("cut off"), "{file} at {share} %: {said}");
        }
    }
    // A packet of WMA is gone: nothing within the others tells so.
    let bytes = fs::read(encoded(folder.path(), &wav(44_100, 1, 44_100 * 30), "gone.wma", &[])).expect("read");
    let middle = bytes.len() / 2;
    let said = refused([&bytes[..middle], &bytes[middle + 3200..]].concat());
    assert!(said.contains("cut off") || said.contains("damaged"), "{said}");
}
