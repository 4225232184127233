//! MP3s whose length nobody declares, or that declare a wrong one: nothing of them is left out.

use std::fs;

use serde_json::{Value, json};

use super::material::{encoded, ffmpegs, folder, made, ours, ours_of, refused, snr, tool, wav};

/// Noise and then a soft tone: the first frames are long and the others short.
fn loud_then_soft(folder: &std::path::Path) -> std::path::PathBuf {
    let filter = "aevalsrc=if(lt(t\\,2)\\,random(0)-0.5\\,0.05*sin(2*PI*440*t)):s=44100:d=12";
    let path = folder.join("loud-then-soft.wav");
    super::material::ffmpeg(&["-f", "lavfi", "-i", filter, "-c:a", "pcm_s16le", &path.to_string_lossy()]);
    path
}

#[test]
fn a_variable_rate_without_a_tag_is_read_to_its_end() {
    let folder = folder();
    let sound = loud_then_soft(folder.path());
    let sound = sound.to_string_lossy();
    let piped = [
        ("lame", tool("lame", &["--quiet", "-V2", &sound, "-"])),
        ("ffmpeg", super::material::ffmpeg(&["-i", &sound, "-q:a", "2", "-write_xing", "0", "-f", "mp3", "-"])),
    ];
    for (name, bytes) in piped {
        let path = folder.path().join("piped.mp3");
        fs::write(&path, bytes).expect("written");
        let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
        assert!(ours.frames() >= 12 * 44_100, "{name}");
        assert!(snr(&ours.samples, &theirs) > 90.0, "{name}");
    }
}

#[test]
fn two_files_in_a_row_are_read_and_refused_where_lengths_are_strict() {
    let folder = folder();
    let sounds = [wav(44_100, 2, 44_100), wav(44_100, 2, 88_200)];
    let parts =
        sounds.map(|sound| fs::read(encoded(folder.path(), &sound, "part.mp3", &["-b:a", "128k"])).expect("read"));
    let both = parts.concat();
    let path = folder.path().join("both.mp3");
    fs::write(&path, &both).expect("written");
    let (all, theirs) = (ours_of(&path), ffmpegs(&path));
    // ffmpeg leaves out a part of the silent tag frame between the two.
    let missing = (all.samples.len() - theirs.len()) / 2;
    assert!(missing < 1152, "{missing}");
    assert!(all.frames() >= 44_100 + 88_200);
    assert!(snr(&all.samples[..2 * 44_100], &theirs[..2 * 44_100]) > 90.0);
    assert!(snr(&all.samples[2 * (44_100 + 1152)..], &theirs[2 * (44_100 + 1152 - missing)..]) > 90.0);
    let loudness = |with: Value| made("audio.loudness", with, &both, "json");
    assert!(loudness(Value::Null).is_ok());
    let said = loudness(json!({"lengths": "strict"})).expect_err("refused").text;
    assert!(said.starts_with("the file holds 0:03 of sound and declares 0:01 ("), "{said}");
    assert!(said.ends_with("split or repair it, or give the job `lengths: as-found`"), "{said}");
    assert!(made("audio.loudness", json!({"lengths": "strict"}), &parts[0], "json").is_ok());
}

#[test]
fn two_files_of_different_rates_or_channels_in_a_row_are_refused() {
    let folder = folder();
    let made = |rate: u32, channels: u16| {
        fs::read(encoded(folder.path(), &wav(rate, channels, 60_000), "part.mp3", &["-b:a", "96k"])).expect("read")
    };
    let first = made(44_100, 2);
    for other in [made(48_000, 2), made(22_050, 2), made(44_100, 1)] {
        let said = refused([&first[..], &other].concat());
        assert!(said.starts_with("the track changes its sample rate or channels at 0:01; convert"), "{said}");
    }
    let sound = folder.path().join("sound.wav");
    let free = tool("lame", &["--quiet", "--freeformat", "-b", "450", &sound.to_string_lossy(), "-"]);
    assert!(refused(free).starts_with("MP3 of a free bit rate is not supported; convert the file with `lame --decode"));
}

#[test]
fn a_tag_that_says_too_little_loses_nothing() {
    let folder = folder();
    let mut bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 88_200), "t.mp3", &[])).expect("read");
    let whole = ours(bytes.clone()).expect("decoded");
    assert_eq!(whole.frames(), 88_200);
    let at = bytes.windows(4).position(|four| four == b"Info" || four == b"Xing").expect("a tag") + 8;
    let frames = u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    bytes[at..at + 4].copy_from_slice(&(frames / 4).to_be_bytes());
    let all = ours(bytes.clone()).expect("decoded");
    assert!(all.frames() >= 88_200 && all.samples[..whole.samples.len()] == whole.samples);
    // One that says too much is a file of which the rest is missing.
    bytes[at..at + 4].copy_from_slice(&(frames * 4).to_be_bytes());
    assert!(refused(bytes).starts_with("the track ends after 0:02 of 0:08: the file is cut off or damaged"));
}

#[test]
fn tags_and_junk_around_and_between_cost_no_sound() {
    let folder = folder();
    let options = ["-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"];
    let bytes = fs::read(encoded(folder.path(), &wav(44_100, 1, 200_000), "t.mp3", &options)).expect("read");
    let plain = ours(bytes.clone()).expect("decoded");
    let id3 = [&b"ID3\x03\0\0\0\0\x10\0"[..], &[0xff, 0xfb, 0x90, 0x64].repeat(512)].concat();
    let old = [&b"TAG"[..], &[b' '; 125]].concat();
    for around in [
        [&id3[..], &bytes, &old].concat(),
        [&id3[..], &id3, &bytes].concat(),
        [&[0; 3000][..], &bytes, &[0; 3000]].concat(),
        [&bytes[..], b"LYRICSBEGININD0000210LYR00002la000028LYRICS200", &old].concat(),
    ] {
        assert!(ours(around).expect("decoded").samples == plain.samples);
    }
}

#[test]
fn a_hole_of_zeros_is_damage_wherever_it_is() {
    let folder = folder();
    let options = ["-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0"];
    let mut bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 600_000), "t.mp3", &options)).expect("read");
    let length = bytes.len();
    bytes[length / 3..length / 2].fill(0);
    assert!(refused(bytes.clone()).contains("pieces cannot be decoded; replace it with a whole copy"));
    bytes[length / 3..].fill(0);
    assert!(refused(bytes).contains("pieces cannot be decoded; replace it with a whole copy"));
}

#[test]
fn a_cut_within_a_frame_is_seen_without_any_tag() {
    let folder = folder();
    let options = ["-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0"];
    let bytes = fs::read(encoded(folder.path(), &wav(44_100, 1, 100_000), "t.mp3", &options)).expect("read");
    for cut in [bytes.len() - 1, bytes.len() - 100, bytes.len() / 2 + 7] {
        let said = refused(bytes[..cut].to_vec());
        assert!(said.starts_with("the track breaks off after 0:0"), "{cut}: {said}");
    }
}
