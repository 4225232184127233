//! `audio.fingerprint` against `fpcalc` of Chromaprint.

use std::fs;

use serde_json::{Value, json};

use super::material::{encoded, folder, made, tool, wav};

fn ours(bytes: &[u8], with: Value) -> Value {
    let json = made("audio.fingerprint", with, bytes, "json").unwrap_or_else(|fault| panic!("{fault}"));
    serde_json::from_slice(&json).expect("JSON")
}

fn theirs(path: &std::path::Path, options: &[&str]) -> Value {
    let said = tool("fpcalc", &[&["-json"], options, &[&path.to_string_lossy()]].concat());
    serde_json::from_slice(&said).expect("JSON")
}

#[test]
fn a_fingerprint_is_what_fpcalc_prints_and_at_other_rates_nearly_so() {
    let folder = folder();
    let path = folder.path().join("sound.wav");
    // Longer than what is heard of it.
    fs::write(&path, wav(11_025, 1, 11_025 * 130)).expect("written");
    let bytes = fs::read(&path).expect("read");
    let got = ours(&bytes, json!({}));
    assert_eq!(got["fingerprint"], theirs(&path, &[])["fingerprint"]);
    assert_eq!((&got["duration_s"], &got["algorithm"], got.get("raw")), (&json!(120.0), &json!(1), None));
    assert_eq!(
        ours(&bytes, json!({"raw": true, "duration": 20}))["raw"],
        theirs(&path, &["-raw", "-length", "20"])["fingerprint"]
    );

    for (rate, channels, file, options) in
        [(44_100, 2, "t.flac", &[][..]), (48_000, 2, "t.mp3", &["-b:a", "192k"]), (22_050, 1, "t.ogg", &[])]
    {
        let path = encoded(folder.path(), &wav(rate, channels, rate as usize * 30), file, options);
        let numbers = |told: &Value| -> Vec<u32> {
            let raw = told.as_array().expect("numbers");
            raw.iter().map(|number| number.as_u64().expect("a number") as u32).collect()
        };
        let got = numbers(&ours(&fs::read(&path).expect("read"), json!({"raw": true, "duration": 25}))["raw"]);
        // Where a file ends before what it is to hear, this fpcalc fails.
        let want = numbers(&theirs(&path, &["-raw", "-length", "25"])["fingerprint"]);
        assert!(got.len().abs_diff(want.len()) <= 1, "{file}: {} {}", got.len(), want.len());
        let different: u32 = got.iter().zip(&want).map(|(a, b)| (a ^ b).count_ones()).sum();
        let share = f64::from(different) / (32.0 * want.len() as f64);
        assert!(share <= 0.02, "{file}: {share}");
    }
}

#[test]
fn what_is_too_short_has_none() {
    let fault = made("audio.fingerprint", json!({}), &wav(11_025, 1, 11_025), "json").expect_err("a second");
    assert!(fault.text.contains("too short for a fingerprint"), "{fault}");
}
