//! Tags and pauses that cost no sound, whatever format they are put around.

use std::fs;

use super::material::{encoded, folder, ours, ours_of, refused, tool, wav};

/// An ID3v2 tag of 3,000 bytes, and an ID3v1 tag.
fn id3() -> (Vec<u8>, Vec<u8>) {
    ([&b"ID3\x03\0\0\0\0\x17\x38"[..], &[0; 3000]].concat(), [&b"TAG"[..], &[b'x'; 125]].concat())
}

/// An APE tag with a picture of 300,000 bytes, with a header or without one.
fn ape(header: bool) -> Vec<u8> {
    let picture: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let item = [&300_010u32.to_le_bytes()[..], &[2, 0, 0, 0], b"Cover Art (Front)\0cover.jpg\0", &picture].concat();
    let mark = |flags: u32| {
        let size = item.len() as u32 + 32;
        [&b"APETAGEX\xd0\x07\0\0"[..], &size.to_le_bytes(), &[1, 0, 0, 0], &flags.to_le_bytes(), &[0; 8]].concat()
    };
    match header {
        true => [mark(0xa000_0000), item.clone(), mark(0x8000_0000)].concat(),
        false => [item.clone(), mark(0)].concat(),
    }
}

#[test]
fn tags_around_a_file_are_no_sound_and_no_damage() {
    let folder = folder();
    let sound = wav(44_100, 2, 100_000);
    let made = |file: &str| fs::read(encoded(folder.path(), &sound, file, &[])).expect("read");
    let (front, behind) = id3();
    for file in ["t.wav", "t.aiff", "t.caf", "t.au", "t.w64", "t.aac", "t.mp3"] {
        let bytes = made(file);
        let whole = ours(bytes.clone()).expect("decoded");
        let tagged = ours([&front[..], &bytes].concat()).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        assert!(tagged == whole, "{file} behind a tag");
    }
    for file in
        ["t.wav", "t.aiff", "t.caf", "t.au", "t.w64", "t.aac", "t.mp3", "t.flac", "t.ogg", "t.m4a", "t.mov", "t.mka"]
    {
        let bytes = made(file);
        let whole = ours(bytes.clone()).expect("decoded");
        let tagged = ours([&front[..], &front, &bytes].concat()).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        assert!(tagged == whole, "{file} behind two tags");
    }
    for file in ["t.aac", "t.mp3", "t.m4a"] {
        let bytes = made(file);
        let whole = ours(bytes.clone()).expect("decoded");
        for tag in [behind.clone(), ape(true), ape(false), [ape(false), behind.clone()].concat()] {
            let tagged = ours([&bytes[..], &tag].concat()).unwrap_or_else(|fault| panic!("{file}: {fault}"));
            assert!(tagged == whole, "{file} before a tag of {} bytes", tag.len());
        }
    }
    // A cut before the tag is a cut.
    let bytes = made("t.aac");
    let cut = [&bytes[..bytes.len() - 1], &ape(true)].concat();
    assert!(refused(cut).contains("replace it with a whole copy"));
}

#[test]
fn zeros_that_fill_the_last_block_are_no_sound_and_no_damage_and_many_are() {
    let folder = folder();
    for (file, options) in [("t.aac", vec![]), ("t.mka", vec!["-c:a", "aac"]), ("t.mka", vec!["-c:a", "flac"])] {
        let bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 100_000), file, &options)).expect("read");
        let whole = ours(bytes.clone()).expect("decoded");
        for zeros in [1, 2, 500, 4096, 64 << 10] {
            let padded = ours([&bytes[..], &vec![0; zeros]].concat());
            let padded = padded.unwrap_or_else(|fault| panic!("{file} {options:?} with {zeros} zeros: {fault}"));
            assert!(padded == whole, "{file} {options:?} with {zeros} zeros");
        }
        // The rest of a file that was given its full size before it arrived; a Matroska file says itself where it ends.
        let many = [&bytes[..], &vec![0; 600_000]].concat();
        match file {
            "t.aac" => assert!(refused(many).contains("replace it with a whole copy")),
            _ => assert!(ours(many).expect("decoded") == whole, "{file} {options:?}"),
        }
    }
}

#[test]
fn rates_beyond_16_bits_are_read_in_mp4_whatever_the_codec() {
    let folder = folder();
    for rate in [88_200, 96_000] {
        for (file, options) in [
            ("aac.m4a", &["-c:a", "aac"][..]),
            ("alac.m4a", &["-c:a", "alac"]),
            ("flac.mp4", &["-c:a", "flac", "-strict", "-2"]),
            ("aac.mka", &["-c:a", "aac"]),
        ] {
            let track = ours_of(&encoded(folder.path(), &wav(rate, 2, 50_000), file, options));
            assert_eq!(track.rate, rate, "{file}");
            assert!(track.frames() == 50_000 || file == "aac.mka", "{file}: {} frames", track.frames());
        }
    }
}

#[test]
fn a_pause_of_the_recorder_is_no_cut() {
    let folder = folder();
    let pause = ["-af", "asetpts='PTS+gt(N,50000)*2/TB'", "-c:a"];
    for codec in ["aac", "alac"] {
        let path = encoded(folder.path(), &wav(44_100, 2, 150_000), "t.m4a", &[&pause[..], &[codec]].concat());
        let frames = ours_of(&path).frames();
        assert!((150_000..151_024).contains(&frames), "{codec}: {frames}");
        let shown = ["-v", "error", "-show_entries", "stream=duration", "-of", "csv=p=0", &path.to_string_lossy()];
        let shown = String::from_utf8(tool("ffprobe", &shown)).expect("text");
        assert!(shown.trim().parse::<f64>().is_ok_and(|seconds| seconds > 5.0), "a pause in {shown}");
    }
}
