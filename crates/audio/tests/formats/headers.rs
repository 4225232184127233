//! Whole files whose headers are odd: read as ffmpeg reads them.

use std::fs;

use super::material::{encoded, ffmpeg, folder, ours, refused, tool, wav, wav_of};

#[test]
fn what_is_written_into_a_pipe_is_read_to_its_end() {
    let folder = folder();
    let (from, frames) = (folder.path().join("sound.wav"), 30_000);
    fs::write(&from, wav(44_100, 2, frames)).expect("written");
    let from = from.to_string_lossy();
    let source = ours(fs::read(&*from).expect("read")).expect("a WAV file");
    for container in ["wav", "w64", "au", "aiff", "caf", "matroska", "flac", "ogg", "adts"] {
        let script = format!("ffmpeg -nostdin -v error -i {from} -f {container} - | cat");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
        if output.stdout.is_empty() {
            continue; // not every container can be written into a pipe
        }
        let track = ours(output.stdout).unwrap_or_else(|fault| panic!("{container}: {fault}"));
        let lossless = !["ogg", "adts", "matroska"].contains(&container);
        assert!(!lossless || track == source, "{container}: {} frames", track.frames());
        assert!(track.frames() >= frames, "{container}");
    }
    let mp3 = folder.path().join("t.mp3");
    tool("lame", &["--quiet", &from, &mp3.to_string_lossy()]);
    let script = format!("lame --quiet --decode {} - | cat", mp3.display());
    let piped = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell").stdout;
    assert_eq!(ours(piped).expect("decoded").frames(), frames);
    let script = format!("ffmpeg -nostdin -v error -i {from} -f wav - | flac -s - -c");
    let piped = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell").stdout;
    assert!(ours(piped.clone()).expect("decoded") == source);
    assert!(refused(piped[..piped.len() / 2].to_vec()).contains("replace it with a whole copy"));
}

#[test]
fn sizes_in_wav_that_nobody_could_write_mean_up_to_the_end() {
    let samples: Vec<u8> = (0..40_000u32).map(|n| ((n * n) >> 3) as u8).collect();
    let whole = wav_of(44_100, 2, &samples);
    let source = ours(whole.clone()).expect("decoded");
    let with = |outer: u32, inner: u32| {
        let mut bytes = whole.clone();
        bytes[4..8].copy_from_slice(&outer.to_le_bytes());
        bytes[40..44].copy_from_slice(&inner.to_le_bytes());
        bytes
    };
    let right = samples.len() as u32;
    for (outer, inner) in [
        (0, 0),
        (0, right),
        (28 + right, right),
        (u32::MAX, right),
        (u32::MAX, u32::MAX),
        (0x7fff_f024, 0x7fff_f000),
        (0x7fff_ffff, 0x7fff_ffdb),
        (0x8000_0024, 0x8000_0000),
        (36 + right, right + 8), // the size of the whole says that nothing is missing
    ] {
        let track = ours(with(outer, inner)).unwrap_or_else(|fault| panic!("{outer:#x} {inner:#x}: {fault}"));
        assert!(track == source, "{outer:#x} {inner:#x}");
    }
    assert!(refused(with(36 + 2 * right, 2 * right)).contains("replace it with a whole copy"));
}

#[test]
fn sizes_in_other_containers_may_be_open_or_a_little_off() {
    let folder = folder();
    let sound = wav(44_100, 2, 20_000);
    let source = ours(sound.clone()).expect("a WAV file");
    let made = |file: &str, options: &[&str]| fs::read(encoded(folder.path(), &sound, file, options)).expect("read");
    let changed = |bytes: &[u8], at: usize, new: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let place = |bytes: &[u8], mark: &[u8]| bytes.windows(mark.len()).position(|own| own == mark).expect("a mark");
    let aiff = made("t.aiff", &[]);
    for outer in [0u32, 1000, aiff.len() as u32 + 1000, aiff.len() as u32 - 16, u32::MAX] {
        assert!(ours(changed(&aiff, 4, &outer.to_be_bytes())).expect("AIFF") == source, "{outer}");
    }
    let au = made("t.au", &[]);
    assert!(ours(changed(&au, 8, &[0xff; 4])).expect("AU") == source);
    let caf = made("t.caf", &[]);
    let size = place(&caf, b"data") + 4;
    assert!(ours(changed(&caf, size, &[0xff; 8])).expect("CAF") == source);
    let w64 = made("t.w64", &[]);
    let size = place(&w64, b"data\xf3\xac") + 16;
    assert!(ours(changed(&w64, size, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])).expect("W64") == source);
    let rf64 = made("t.wav", &["-rf64", "always"]);
    assert!(ours(changed(&rf64, 0, b"BW64")).expect("BW64") == source);
    for (name, bytes) in [("aiff", aiff), ("au", au), ("caf", caf), ("w64", w64), ("rf64", rf64)] {
        assert!(refused(bytes[..bytes.len() / 2].to_vec()).contains("replace it with a whole copy"), "{name}");
    }
}

#[test]
fn what_stands_around_a_flac_stream_does_not_matter() {
    let folder = folder();
    let sound = wav(44_100, 2, 50_000);
    let bytes = fs::read(encoded(folder.path(), &sound, "t.flac", &[])).expect("read");
    let source = ours(sound).expect("a WAV file");
    let old = [&b"TAG"[..], &[b'x'; 125]].concat();
    let ape = [&b"APETAGEX\xd0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\0"[..], &[0; 8]].concat();
    let id3 = [&b"ID3\x03\0\0\0\0\x02\0"[..], &[0; 256]].concat();
    // A cue sheet that breaks the rules of its own numbers, between the description and the frames.
    let cue = [&b"\x05\0\x01\x8c"[..], &[0xff; 396]].concat();
    let mut small = bytes.clone();
    small[8..10].fill(0);
    for (name, bytes) in [
        ("ID3v1 behind", [&bytes[..], &old].concat()),
        ("APE and ID3v1 behind", [&bytes[..], &ape, &old].concat()),
        ("ID3v2 in front", [&id3[..], &bytes].concat()),
        ("an odd cue sheet", [&bytes[..42], &cue, &bytes[42..]].concat()),
        ("no smallest block", small),
    ] {
        assert!(ours(bytes).unwrap_or_else(|fault| panic!("{name}: {fault}")) == source, "{name}");
    }
    assert!(refused([&bytes[..bytes.len() / 2], &old].concat()).contains("replace it with a whole copy"));
}

#[test]
fn whatever_follows_the_last_frame_of_flac_is_no_sound_and_no_cut() {
    let folder = folder();
    let lyrics = b"LYRICSBEGININF00003abc000014LYRICS200";
    let old = [&b"TAG"[..], &[b'x'; 125]].concat();
    let noise: Vec<u8> = (0..40_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (rate, channels, frames) in [(44_100, 2, 50_000), (8000, 1, 700), (48_000, 8, 8192)] {
        let sound = wav(rate, channels, frames);
        let bytes = fs::read(encoded(folder.path(), &sound, "t.flac", &[])).expect("read");
        let source = ours(sound).expect("a WAV file");
        for (name, behind) in [
            ("a byte", b"A".to_vec()),
            ("a zero", vec![0]),
            ("Lyrics3", lyrics.to_vec()),
            ("Lyrics3 and ID3v1", [&lyrics[..], &old].concat()),
            ("noise", noise.clone()),
            ("what looks like a frame", [&[0xff, 0xf8, 0xc9, 0x18, 5][..], &[0; 90]].concat()),
        ] {
            let track = ours([&bytes[..], &behind].concat()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
            assert!(track == source, "{name} behind {channels} channels");
        }
        for cut in [1, 2, 3, bytes.len() / 3] {
            let said = refused([&bytes[..bytes.len() - cut], lyrics].concat());
            assert!(said.contains("replace it with a whole copy"), "{said}");
        }
    }
    let (one, other) = (wav(44_100, 2, 30_000), wav(44_100, 2, 2000));
    let flac = |sound: &[u8]| fs::read(encoded(folder.path(), sound, "t.flac", &[])).expect("read");
    let said = refused([flac(&one), flac(&other)].concat());
    assert_eq!(said, "the file is several recordings in a row; split it into one file each");
}

#[test]
fn a_flac_file_without_a_frame_holds_no_sound() {
    let folder = folder();
    let flac = fs::read(encoded(folder.path(), &wav(44_100, 1, 0), "t.flac", &[])).expect("read");
    assert_eq!(refused(flac), "the file holds no sound; replace it with a whole copy");
}

#[test]
fn an_mp4_whose_last_box_has_no_size_is_read_to_the_end_of_the_file() {
    let folder = folder();
    for codec in ["aac", "alac", "flac"] {
        let options = ["-c:a", codec, "-strict", "-2", "-movflags", "faststart"];
        let file = if codec == "flac" { "t.mp4" } else { "t.m4a" };
        let bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 30_000), file, &options)).expect("read");
        let at = bytes.windows(4).position(|own| own == b"mdat").expect("a box") - 4;
        let mut open = bytes.clone();
        open[at..at + 4].fill(0);
        let whole = ours(bytes).expect("decoded");
        assert!(ours(open.clone()).unwrap_or_else(|fault| panic!("{codec}: {fault}")) == whole, "{codec}");
        let said = refused(open[..open.len() / 2].to_vec());
        assert!(said.contains("replace it with a whole copy"), "{codec}: {said}");
    }
}

#[test]
fn several_recordings_in_a_row_are_named_where_only_the_first_would_be_read() {
    let folder = folder();
    let sound = wav(44_100, 2, 30_000);
    let want = "the file is several recordings in a row; split it into one file each";
    assert_eq!(refused([&sound[..], &sound].concat()), want);
    let uncompressed = [("t.aiff", "pcm_s16be"), ("t.au", "pcm_s16be"), ("t.caf", "pcm_s16be")];
    for (file, codec) in [("t.flac", "flac"), ("t.mka", "flac")].into_iter().chain(uncompressed) {
        let bytes = fs::read(encoded(folder.path(), &sound, file, &["-c:a", codec])).expect("read");
        assert_eq!(refused([&bytes[..], &bytes].concat()), want, "{file}");
    }
}

#[test]
fn a_matroska_file_or_live_stream_that_is_cut_is_seen_as_cut() {
    let folder = folder();
    let from = encoded(folder.path(), &wav(44_100, 2, 50_000), "t.flac", &[]);
    let bytes = ffmpeg(&["-i", &from.to_string_lossy(), "-c", "copy", "-f", "matroska", "-live", "1", "-"]);
    assert_eq!(ours(bytes.clone()).expect("decoded").frames(), 50_000);
    let file = fs::read(encoded(folder.path(), &wav(44_100, 2, 50_000), "t.mka", &["-c:a", "flac"])).expect("read");
    assert!(refused(file[..file.len() / 2].to_vec()).contains("replace it with a whole copy"));
    assert!(refused(file[..file.len() - 1].to_vec()).contains("replace it with a whole copy"));
    assert!(refused(bytes[..bytes.len() * 2 / 3].to_vec()).contains("replace it with a whole copy"));
    // Also where it ends before it says how its samples are written.
    let file = encoded(folder.path(), &wav(44_100, 2, 5_000), "pcm.mka", &["-c:a", "pcm_s16le"]);
    let bytes = fs::read(file).expect("read");
    let tracks = bytes.windows(4).position(|four| four == [0x16, 0x54, 0xae, 0x6b]).expect("a description of tracks");
    for length in (tracks..tracks + 120).chain([bytes.len() / 2]) {
        let said = refused(bytes[..length].to_vec());
        assert!(!said.contains("not supported"), "cut to {length} bytes: {said}");
    }
}
