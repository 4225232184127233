//! The mel spectrogram agrees with librosa, on the same samples and with the same settings.

use serde_json::{Value, json};

use super::{
    material::{put, python_with_librosa, sweep, tool},
    run,
};

/// How far a cell may be from librosa's, in dB, where it is less than 80 dB below the peak.
const TOLERANCE_DB: f64 = 0.01;

#[test]
fn mel_power_agrees_with_librosa_within_a_hundredth_of_a_decibel() {
    let python = python_with_librosa();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let music = run::bytes("synth.track", json!({"seconds": 8}), "none", Vec::new(), "wav");
    // `synth.track` takes no input; the one that this test hands to every transform does no harm.
    let music = music.expect("a track").to_vec();
    let sounds = [
        ("music.wav", music),
        ("sweep-mono.wav", sweep(22_050, 1, 6.0)),
        ("sweep-stereo.wav", sweep(44_100, 2, 6.0)),
        ("sweep-8k.wav", sweep(8_000, 1, 3.0)),
        ("short.wav", sweep(22_050, 1, 0.02)),
    ];
    let settings = [
        json!({"n_fft": 2048, "hop": 512, "n_mels": 128}),
        json!({"n_fft": 1024, "hop": 160, "n_mels": 40, "fmin": 50, "fmax": 3800}),
        json!({"n_fft": 4096, "hop": 1000, "n_mels": 229, "power": 1.0}),
        json!({"n_fft": 600, "hop": 200, "n_mels": 20}),
    ];
    let mut cases = Vec::new();
    for (name, bytes) in &sounds {
        let sound = put(folder.path(), name, bytes);
        for (index, with) in settings.iter().enumerate() {
            let npy = run::file("audio.melspectrogram", with.clone(), &sound, "npy").expect("a mel spectrogram");
            let made = put(folder.path(), &format!("{name}-{index}.npy"), &npy);
            cases.push(json!({"sound": sound, "made": made, "with": with}));
        }
    }
    put(folder.path(), "cases.json", Value::from(cases).to_string().as_bytes());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/audio/librosa_compare.py");
    let cases = folder.path().join("cases.json");
    let output = tool(&python.to_string_lossy(), &[script, &cases.to_string_lossy()], "python3");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    let worst: Vec<f64> = said.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert_eq!(worst.len(), sounds.len() * settings.len(), "{said}");
    assert!(worst.iter().all(|worst| *worst <= TOLERANCE_DB), "{said}");
}
