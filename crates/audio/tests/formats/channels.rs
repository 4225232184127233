//! Where channels stand: as the file says, and nowhere where it says nothing.

use std::fs;

use serde_json::{Value, json};

use super::material::{encoded, folder, made, wav};

/// The mask in a WAV file with a long format chunk.
fn mask(wav: &[u8]) -> u32 {
    assert_eq!(wav[16..20], 40u32.to_le_bytes(), "a format chunk with a mask");
    u32::from_le_bytes([wav[40], wav[41], wav[42], wav[43]])
}

#[test]
fn the_mask_of_the_source_is_written_and_none_is_invented() {
    let folder = folder();
    let plain = |channels| wav(48_000, channels, 5000);
    let of = |file: &str, channels: u16, options: &[&str]| {
        fs::read(encoded(folder.path(), &plain(channels), file, options)).expect("read")
    };
    let cases = [
        ("four channels that stand nowhere", plain(4), 0),
        ("six channels that stand nowhere", plain(6), 0),
        ("a quadro WAV", of("t.wav", 4, &["-af", "aformat=channel_layouts=quad"]), 0x33),
        ("4.0 in WAV", of("t.wav", 4, &["-af", "aformat=channel_layouts=4.0"]), 0x107),
        ("5.1 in WAV", of("t.wav", 6, &["-af", "aformat=channel_layouts=5.1"]), 0x3f),
        ("5.1 with sides in WAV", of("t.wav", 6, &["-af", "aformat=channel_layouts=5.1(side)"]), 0x60f),
        ("FLAC of four channels", of("t.flac", 4, &["-af", "aformat=channel_layouts=quad"]), 0x33),
        ("FLAC of five channels", of("t.flac", 5, &["-af", "aformat=channel_layouts=5.0"]), 0x37),
        ("4.0 in FLAC", of("t.flac", 4, &["-af", "aformat=channel_layouts=4.0"]), 0x107),
        (
            "Vorbis of four channels",
            of("t.ogg", 4, &["-c:a", "libvorbis", "-af", "aformat=channel_layouts=quad"]),
            0x33,
        ),
        ("Vorbis of six channels", of("t.ogg", 6, &["-c:a", "libvorbis", "-af", "aformat=channel_layouts=5.1"]), 0x3f),
    ];
    for (name, bytes, want) in cases {
        let wav = made("audio.transcode", Value::Null, &bytes, "wav").expect(name);
        assert_eq!(mask(&wav), want, "{name} as WAV");
        // The way over FLAC loses nothing of it.
        let flac = made("audio.transcode", Value::Null, &bytes, "flac").expect(name);
        let again = made("audio.transcode", Value::Null, &flac, "wav").expect(name);
        assert_eq!(mask(&again), want, "{name} as FLAC and then WAV");
    }
    let mono = made("audio.transcode", json!({"channels": 1, "bits": 24}), &plain(6), "wav").expect("mixed");
    assert_eq!(mask(&mono), 4, "one channel stands in the centre");
}

#[test]
fn surround_that_stands_nowhere_is_not_folded_to_stereo_and_is_measured_as_the_meter_takes_it() {
    let five = wav(48_000, 5, 48_000);
    let fault = made("audio.transcode", json!({"channels": 2}), &five, "wav").expect_err("refused");
    assert!(fault.text.contains("does not say where they stand; ask for `channels: 1` or 5"), "{fault}");
    // EBU Tech 3341, case 6: −28, −28, −24, −30, −30 dBFS in left, right, centre and the surrounds are −23 LUFS.
    let mut samples = Vec::new();
    for n in 0..48_000 * 20 {
        let sine = (std::f64::consts::TAU * 1000.0 * f64::from(n) / 48_000.0).sin();
        for level in [-28.0, -28.0, -24.0, -30.0, -30.0] {
            samples.extend(((10f64.powf(level / 20.0) * sine * 32_768.0).round() as i16).to_le_bytes());
        }
    }
    let file = super::material::wav_of(48_000, 5, &samples);
    let json = made("audio.loudness", Value::Null, &file, "json").expect("measured");
    let measured: Value = serde_json::from_slice(&json).expect("json");
    let loudness = measured["integrated_lufs"].as_f64().expect("a number");
    assert!((loudness + 23.0).abs() <= 0.1, "{loudness}");
}
