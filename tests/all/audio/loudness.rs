//! The loudness agrees with ffmpeg's meter.

use std::path::Path;

use serde_json::Value;

use super::{
    material::{album, ffmpeg, put, sweep},
    run,
};

/// What the meters may differ by, in LU.
const TOLERANCE: f64 = 0.1;

struct Meter {
    integrated: f64,
    range: f64,
    true_peak: f64,
}

/// The summary at the end of what ffmpeg's `ebur128` filter prints.
fn ffmpegs(path: &Path) -> Meter {
    let output =
        ffmpeg(&["-i", &path.to_string_lossy(), "-af", "ebur128=peak=true:framelog=verbose", "-f", "null", "-"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = said.rsplit("Summary:").next().unwrap_or_default();
    let number = |label: &str| {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap_or_else(|| panic!("{said}"));
        line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{label}: {line}"))
    };
    Meter { integrated: number("I:"), range: number("LRA:"), true_peak: number("Peak:") }
}

fn ours(path: &Path) -> Meter {
    let json = run::file("audio.loudness", Value::Null, path, "json").expect("measured");
    let measured: Value = serde_json::from_slice(&json).expect("json");
    let number = |member: &str| measured[member].as_f64().unwrap_or_else(|| panic!("{member}: {measured}"));
    Meter { integrated: number("integrated_lufs"), range: number("range_lu"), true_peak: number("true_peak_dbtp") }
}

#[test]
fn real_music_is_as_loud_as_ffmpeg_says() {
    let tracks = album();
    let chosen: Vec<_> = tracks.iter().step_by((tracks.len() / 12).max(1)).take(12).collect();
    assert!(chosen.len() >= 10, "at least ten tracks are needed, there are {}", tracks.len());
    for path in chosen {
        let (ours, theirs) = (ours(path), ffmpegs(path));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!(
            "{name}: {:.2} LUFS, ffmpeg {:.1}; range {:.2}, ffmpeg {:.1}",
            ours.integrated, theirs.integrated, ours.range, theirs.range
        );
        // ffmpeg prints one decimal, and takes its short-term loudness for the range at other moments.
        assert!((ours.integrated - theirs.integrated).abs() <= TOLERANCE, "{name}");
        assert!((ours.range - theirs.range).abs() <= 0.5, "{name}: range {} and {}", ours.range, theirs.range);
        assert!(
            (ours.true_peak - theirs.true_peak).abs() <= 0.3,
            "{name}: peak {} and {}",
            ours.true_peak,
            theirs.true_peak
        );
    }
}

#[test]
fn mono_stereo_and_surround_are_as_loud_as_ffmpeg_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (channels, rate) in [(1, 44_100), (2, 48_000)] {
        let path = put(folder.path(), "sweep.wav", &sweep(rate, channels, 12.0));
        assert!((ours(&path).integrated - ffmpegs(&path).integrated).abs() <= TOLERANCE, "{channels} channels");
    }
    let surround = folder.path().join("surround.wav");
    let made = "sine=500:d=8[a];sine=700:d=8,volume=0.5[b];sine=900:d=8,volume=2[c];sine=60:d=8,volume=4[d];sine=1200:d=8[e];\
                sine=1500:d=8[f];[a][b][c][d][e][f]join=inputs=6:channel_layout=5.1";
    ffmpeg(&["-v", "error", "-filter_complex", made, &surround.to_string_lossy()]);
    let (ours, theirs) = (ours(&surround), ffmpegs(&surround));
    assert!((ours.integrated - theirs.integrated).abs() <= TOLERANCE, "{} and {}", ours.integrated, theirs.integrated);
}
