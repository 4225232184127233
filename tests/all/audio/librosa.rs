//! The features agree with librosa, on the same samples and with the same settings.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use super::{
    material::{put, python_with_librosa, sweep},
    run,
};

/// How far a cell may be from librosa's, in dB, where it is less than 80 dB below the peak.
const TOLERANCE_DB: f64 = 0.01;

/// Music and sweeps: mono and stereo, at several rates, long and very short.
fn sounds() -> [(&'static str, Vec<u8>); 5] {
    // `synth.track` takes no input; the one that this test hands to every transform does no harm.
    let music = run::bytes("synth.track", json!({"seconds": 8}), "none", Vec::new(), "wav").expect("a track");
    [
        ("music.wav", music.to_vec()),
        ("sweep-mono.wav", sweep(22_050, 1, 6.0)),
        ("sweep-stereo.wav", sweep(44_100, 2, 6.0)),
        ("sweep-8k.wav", sweep(8_000, 1, 3.0)),
        ("short.wav", sweep(22_050, 1, 0.02)),
    ]
}

/// What a script says of these cases, one number at the beginning of each line.
fn compared(folder: &Path, script: &str, cases: Vec<Value>) -> Vec<f64> {
    let (count, script) = (cases.len(), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/audio").join(script));
    let cases = put(folder, "cases.json", Value::from(cases).to_string().as_bytes());
    let output = Command::new(python_with_librosa())
        .args([&script, &cases])
        // Processes that compile at once into one cache crash in what another has half written.
        .env("NUMBA_CACHE_DIR", folder.join("numba"))
        .output()
        .expect("the Python of the environment");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    let worst: Vec<f64> = said.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert_eq!(worst.len(), count, "{said}");
    worst
}

#[test]
fn spectra_cepstra_pitch_rhythm_and_descriptors_agree_with_librosa() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = [
        ("stft", json!({"n_fft": 2048, "hop": 512})),
        ("stft", json!({"n_fft": 600, "hop": 200, "value": "complex"})),
        ("stft", json!({"n_fft": 1024, "hop": 1000, "value": "decibels"})),
        ("mfcc", json!({"n_fft": 2048, "hop": 512})),
        (
            "mfcc",
            json!({"n_fft": 1024, "hop": 160, "n_mels": 40, "n_mfcc": 13, "fmin": 50, "fmax": 3800, "top_db": 60}),
        ),
        ("stft", json!({"n_fft": 256, "hop": 100, "center": false})),
        ("stft", json!({"n_fft": 400, "hop": 160, "pad_mode": "reflect"})),
        ("stft", json!({"n_fft": 2048, "hop": 512, "value": "decibels", "ref": "max", "top_db": 60})),
        ("mfcc", json!({"n_fft": 512, "hop": 128, "n_mels": 30, "htk": true, "mel_norm": "none", "pad_mode": "edge"})),
        ("chroma", json!({"n_fft": 2048, "hop": 512})),
        ("chroma", json!({"n_fft": 4096, "hop": 1000, "n_chroma": 36, "tuning": 0.25, "norm": "l2"})),
        ("onset", json!({"n_fft": 2048, "hop": 512})),
        ("cqt", json!({"hop": 512, "n_bins": 60, "fmin": 55})),
        (
            "cqt",
            json!({"hop": 324, "n_bins": 72, "fmin": 40, "bins_per_octave": 24, "filter_scale": 0.5, "tuning": 0.2}),
        ),
        ("descriptors", json!({"n_fft": 2048, "hop": 512, "contrast_bands": 5})),
        ("descriptors", json!({"n_fft": 1024, "hop": 300, "contrast_bands": 3})),
    ];
    let mut cases = Vec::new();
    for (name, bytes) in &sounds() {
        let sound = put(folder.path(), name, bytes);
        for (index, (kind, with)) in settings.iter().enumerate() {
            let npy = run::file(&format!("audio.{kind}"), with.clone(), &sound, "npy").expect("made");
            let made = put(folder.path(), &format!("{name}-{index}.npy"), &npy);
            cases.push(json!({"kind": kind, "sound": sound, "made": made, "with": with}));
        }
        for kind in ["onset", "tempo"] {
            let told = run::file(&format!("audio.{kind}"), json!({}), &sound, "json").expect("made");
            let made = put(folder.path(), &format!("{name}-{kind}.json"), &told);
            cases.push(json!({"kind": format!("{kind}_told"), "sound": sound, "made": made}));
        }
        let parts = run::files("audio.hpss", json!({"bits": "f32"}), &sound, &["wav", "wav"]).expect("made");
        for (part, bytes) in ["harmonic", "percussive"].iter().zip(parts) {
            let made = put(folder.path(), &format!("{name}-{part}.wav"), &bytes);
            cases.push(json!({"kind": "hpss", "part": part, "sound": sound, "made": made}));
        }
    }
    let worst = compared(folder.path(), "librosa_features.py", cases);
    assert!(worst.iter().all(|worst| *worst <= 1.0), "{worst:?}");
}

#[test]
fn mel_power_agrees_with_librosa_within_a_hundredth_of_a_decibel() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sounds = sounds();
    let settings = [
        json!({"n_fft": 2048, "hop": 512, "n_mels": 128}),
        json!({"n_fft": 1024, "hop": 160, "n_mels": 40, "fmin": 50, "fmax": 3800}),
        json!({"n_fft": 4096, "hop": 1000, "n_mels": 229, "power": 1.0}),
        json!({"n_fft": 600, "hop": 200, "n_mels": 20}),
        json!({"n_fft": 256, "hop": 100, "n_mels": 20, "htk": true, "norm": "none", "center": false}),
        json!({"n_fft": 512, "hop": 128, "n_mels": 20, "pad_mode": "reflect"}),
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
    let worst = compared(folder.path(), "librosa_compare.py", cases);
    assert!(worst.iter().all(|worst| *worst <= TOLERANCE_DB), "{worst:?}");
}
