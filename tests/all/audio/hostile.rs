//! Files that are cut, damaged, no audio at all or that lie about themselves: refused in words, within bounded memory.

use std::fs;

use euterpe_actors::outcome::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    material::{ffmpeg, sweep},
    run,
};

fn measured(file: &str, bytes: Vec<u8>) -> Result<Value, Fault> {
    let json = run::bytes("audio.loudness", Value::Null, file, bytes, "json")?;
    Ok(serde_json::from_slice(&json).expect("json"))
}

fn refused(file: &str, bytes: Vec<u8>) -> String {
    let fault = measured(file, bytes).expect_err(file);
    assert_eq!(fault.kind, FaultKind::BadInput, "{file}: {fault}");
    fault.text
}

/// A sound of four seconds in a format that ffmpeg writes.
fn encoded(file: &str, options: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, to) = (folder.path().join("sweep.wav"), folder.path().join(file));
    fs::write(&from, sweep(44_100, 2, 4.0)).expect("written");
    let (from, to) = (from.to_string_lossy().into_owned(), to.to_string_lossy().into_owned());
    ffmpeg(&[&["-v", "error", "-i", &from], options, &[&to]].concat());
    fs::read(to).expect("read")
}

#[test]
fn every_format_that_is_read_is_read_whole_and_a_cut_is_noticed() {
    // The second: how far the encoder's own padding may change the length, in seconds.
    let formats: [(&str, &[&str], f64); 12] = [
        ("t.wav", &[], 0.0),
        ("t.flac", &[], 0.0),
        ("t.aiff", &[], 0.0),
        ("t.caf", &[], 0.0),
        ("alac.m4a", &["-c:a", "alac"], 0.0),
        ("t.ogg", &["-c:a", "libvorbis"], 0.0),
        ("t.oga", &["-c:a", "flac"], 0.0),
        ("t.mp3", &["-c:a", "libmp3lame"], 0.0),
        ("t.m4a", &["-c:a", "aac"], 0.1),
        ("fast.m4a", &["-c:a", "aac", "-movflags", "+faststart"], 0.1),
        ("t.mka", &["-c:a", "flac"], 0.0),
        ("adpcm.wav", &["-c:a", "adpcm_ms"], 0.1),
    ];
    for (file, options, padding) in formats {
        let whole = encoded(file, options);
        let found = measured(file, whole.clone()).unwrap_or_else(|fault| panic!("{file}: {fault}"));
        let seconds = found["duration_s"].as_f64().expect("a duration");
        assert!((seconds - 4.0).abs() <= padding + 1e-9, "{file} has {seconds} s");
        let said = refused(file, whole[..whole.len() / 2].to_vec());
        assert!(said.contains("replace it with a whole copy"), "{file}: {said}");
    }
}

#[test]
fn a_track_cut_in_half_is_told_with_both_its_lengths() {
    for (file, options) in [("t.flac", &[][..]), ("t.wav", &[]), ("t.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"])] {
        let whole = encoded(file, options);
        let said = refused(file, whole[..whole.len() / 2].to_vec());
        assert!(
            said.contains(" of 0:04: the file is cut off or damaged; replace it with a whole copy"),
            "{file}: {said}"
        );
    }
    let whole = encoded("t.ogg", &["-c:a", "libvorbis"]);
    let said = refused("t.ogg", whole[..whole.len() / 2].to_vec());
    assert!(said.starts_with("the track breaks off after 0:0"), "{said}");
}

#[test]
fn what_is_no_audio_is_called_by_its_name() {
    let noise: Vec<u8> = (0..5000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (bytes, said) in [
        (Vec::new(), "the file is empty; replace it with a whole copy"),
        (b"dear diary, today I sang\n".repeat(300), "this is not audio: the file is text"),
        (b"<!doctype html><title>404</title>".to_vec(), "this is not audio: the file is text"),
        ([b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 300]].concat(), "this is not audio: the file is a picture"),
        (vec![0; 4000], "this is not audio: the file holds only zeros"),
        (noise, "this is not audio: no format that is read (flac, wav, mp3, ogg vorbis, m4a, aiff, caf, mkv)"),
    ] {
        for file in ["t.ogg", "t.wav", "t.mp3", "t"] {
            assert_eq!(refused(file, bytes.clone()), said, "{file}");
        }
    }
}

/// A WAV header of our own making before two seconds of silence.
fn wav(channels: u16, rate: u32, bits: u16, claimed: u32) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(claimed.wrapping_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.wrapping_mul(frame.into()).to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(claimed.to_le_bytes());
    bytes.extend(vec![0; 200_000]);
    bytes
}

/// The most memory that this process ever had, in MiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a high-water mark");
    line.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).expect("a number") / 1024
}

#[test]
fn headers_that_lie_are_refused_and_cost_no_memory() {
    let before = peak_memory();
    for (channels, rate, bits, claimed) in [
        (2, 44_100, 16, u32::MAX - 100), // promises 4 GiB
        (2, 0, 16, 200_000),
        (0, 44_100, 16, 200_000),
        (65_535, 44_100, 16, 200_000),
        (65, 44_100, 16, 200_000),
        (2, u32::MAX, 16, 200_000),
        (2, 1_000_000, 16, 200_000),
        (2, 44_100, 0, 200_000),
        (2, 44_100, 65_535, 200_000),
        (1, 1, 16, 200_000), // more than a day
    ] {
        let said = refused("t.wav", wav(channels, rate, bits, claimed));
        println!("{channels} channels, {rate} Hz, {bits} bits, {claimed} bytes: {said}");
    }
    // Each byte of a good file's first half kilobyte changed, in the formats with the most to lie about.
    for (file, options) in
        [("t.flac", &[][..]), ("t.ogg", &["-c:a", "libvorbis"]), ("t.caf", &[]), ("t.mka", &["-c:a", "flac"])]
    {
        let whole = encoded(file, options);
        for at in 0..whole.len().min(512) {
            for wrong in [0xff, 0x00, 0x7f] {
                let mut bytes = whole[..whole.len().min(60_000)].to_vec();
                bytes[at] = wrong;
                // Any verdict will do, as long as it is a verdict about the input or a panic that was caught.
                if let Err(fault) = measured(file, bytes) {
                    let about_input =
                        matches!(fault.kind, FaultKind::BadInput | FaultKind::Panicked | FaultKind::Failed);
                    assert!(about_input && !fault.text.is_empty(), "{file} with byte {at} = {wrong}: {fault:?}");
                }
            }
        }
    }
    let grown = peak_memory() - before;
    assert!(grown < 256, "the lies cost {grown} MiB");
}

#[test]
fn a_longer_track_than_allowed_is_refused_with_the_option_that_allows_it() {
    let bytes = sweep(8_000, 1, 61.0);
    let fault = run::bytes("audio.loudness", json!({"max_minutes": 1}), "t.wav", bytes, "json").expect_err("too long");
    assert_eq!(fault.text, "the track is longer than 1:00; give the job a larger `max_minutes` if that is right");
}

#[test]
fn samples_that_are_no_numbers_are_refused_and_loud_ones_are_not() {
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 4.1, -1e9] {
        let mut bytes = sweep(44_100, 1, 0.5);
        let at = bytes.len() - 4000;
        bytes[at..at + 4].copy_from_slice(&odd.to_le_bytes());
        if odd.is_finite() {
            measured("t.wav", bytes).unwrap_or_else(|fault| panic!("{odd}: {fault}"));
            continue;
        }
        let said = refused("t.wav", bytes);
        assert!(said.contains("a sample is no number; replace it with a whole copy"), "{odd}: {said}");
    }
}
