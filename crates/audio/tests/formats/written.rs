//! `audio.transcode`: what it writes is read by others, is as long and as loud as was asked, and has the tags of its source.

use std::{fs, path::Path};

use euterpe_actors::{outcome::FaultKind, transform::OpenContext};
use serde_json::{Value, json};

use super::material::{Track, encoded, ffmpegs, folder, made, ours, snr, tool, wav};

/// Suffix, what is asked for, the rate of the output for a source of 44.1 kHz, dB to the source at least.
const LOSSY: [(&str, Option<u32>, u32, f64); 4] = [
    ("mp3", Some(256), 44_100, 20.0),
    ("m4a", Some(256), 44_100, 20.0),
    ("ogg", None, 44_100, 15.0),
    ("opus", None, 48_000, 10.0),
];

fn transcoded(with: Value, bytes: &[u8], suffix: &str) -> Vec<u8> {
    made("audio.transcode", with, bytes, suffix).unwrap_or_else(|fault| panic!("{suffix}: {fault}")).to_vec()
}

fn written(folder: &Path, bytes: &[u8], name: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("written");
    path
}

#[test]
fn what_loses_something_is_as_long_as_its_source_for_others_too() {
    let folder = folder();
    let source = wav(44_100, 2, 200_123);
    let sound = ours(source.clone()).expect("decodes");
    for (suffix, bit_rate, rate, least) in LOSSY {
        let with = bit_rate.map_or(json!({}), |bit_rate| json!({"bit_rate": bit_rate}));
        let bytes = transcoded(with.clone(), &source, suffix);
        assert!(bytes == transcoded(with, &source, suffix), "{suffix}: the same bytes each time");
        let track = ours(bytes.clone()).unwrap_or_else(|fault| panic!("{suffix}: {fault}"));
        let frames = (200_123.0 * f64::from(rate) / 44_100.0).round() as usize;
        assert_eq!((track.rate, track.channels, track.frames()), (rate, 2, frames), "{suffix}");
        let theirs = ffmpegs(&written(folder.path(), &bytes, &format!("t.{suffix}")));
        // The mp4 that this ffmpeg reads ends with its last packet, whatever the edit list says of the end.
        assert!(
            theirs.len() == 2 * frames || suffix == "m4a" && theirs.len() >= 2 * frames,
            "{suffix}: {}",
            theirs.len()
        );
        let wanted = match rate {
            44_100 => sound.samples.clone(),
            _ => ours(transcoded(json!({"rate": rate, "bits": "f32"}), &source, "wav")).expect("decodes").samples,
        };
        let got = snr(&track.samples, &wanted);
        assert!(got > least, "{suffix}: {got} dB");
    }
    let low = transcoded(json!({"bit_rate": 64}), &source, "mp3").len();
    let high = transcoded(json!({"bit_rate": 256}), &source, "mp3").len();
    assert!((3.5..4.5).contains(&(high as f64 / low as f64)), "{low} {high}");
}

#[test]
fn tags_and_the_cover_are_carried_over_and_the_sound_stays_the_same() {
    let folder = folder();
    let cover = folder.path().join("cover.png");
    tool(
        "ffmpeg",
        &["-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", &cover.to_string_lossy()],
    );
    let tags = [
        "-metadata",
        "title=Чайка ☀",
        "-metadata",
        "artist=Somebody",
        "-metadata",
        "track=3",
        "-metadata",
        "custom=kept",
    ];
    let plain = encoded(folder.path(), &wav(44_100, 2, 50_000), "plain.flac", &tags);
    let tagged = folder.path().join("tagged.flac");
    let (plain, cover) = (plain.to_string_lossy(), cover.to_string_lossy());
    let maps = ["-map", "0", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic"];
    let inputs = ["-v", "error", "-i", &plain, "-i", &cover];
    tool("ffmpeg", &[&inputs[..], &maps, &[&tagged.to_string_lossy()]].concat());
    let source = fs::read(&tagged).expect("read");
    for suffix in ["flac", "mp3", "m4a", "ogg", "opus", "wav"] {
        let kept = transcoded(json!({"tags": "keep"}), &source, suffix);
        let bare = transcoded(json!({"tags": "none"}), &source, suffix);
        let usual = transcoded(json!({}), &source, suffix);
        assert!(
            usual == if suffix == "wav" { bare.clone() } else { kept.clone() },
            "{suffix}: the same bytes each time"
        );
        let (with, without) = (ours(kept.clone()).expect("decodes"), ours(bare.clone()).expect("decodes"));
        assert_eq!(with, without, "{suffix}");
        let told = |bytes: &[u8]| -> Value {
            let path = written(folder.path(), bytes, &format!("t.{suffix}"));
            let said = tool(
                "ffprobe",
                &["-v", "error", "-of", "json", "-show_format", "-show_streams", &path.to_string_lossy()],
            );
            serde_json::from_slice(&said).expect("JSON")
        };
        let (kept, bare) = (told(&kept), told(&bare));
        let tag = |told: &Value, name: &str| {
            let places = [&told["format"]["tags"], &told["streams"][0]["tags"]];
            let mut all = places.into_iter().filter_map(|tags| tags.as_object()).flatten();
            all.find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(
            (tag(&kept, "title").as_deref(), tag(&kept, "artist").as_deref()),
            (Some("Чайка ☀"), Some("Somebody")),
            "{suffix}: {kept}"
        );
        assert!(tag(&kept, "track").is_some_and(|track| track.starts_with('3')), "{suffix}: {kept}");
        assert_eq!(tag(&bare, "title"), None, "{suffix}: {bare}");
        let pictures = |told: &Value| {
            let streams = told["streams"].as_array().expect("streams").clone();
            streams.iter().filter(|stream| stream["disposition"]["attached_pic"] == 1).count()
        };
        if suffix != "wav" {
            assert_eq!((pictures(&kept), pictures(&bare)), (1, 0), "{suffix}: {kept}");
        }
        // A field that only some know is kept where the kind of tags stays.
        if ["flac", "ogg", "opus"].contains(&suffix) {
            assert_eq!(tag(&kept, "custom").as_deref(), Some("kept"), "{suffix}: {kept}");
        }
    }
}

/// What ffprobe tells of a file: tags of the file and of its first stream, by small names.
fn tags_of(path: &Path) -> std::collections::BTreeMap<String, String> {
    let said =
        tool("ffprobe", &["-v", "error", "-of", "json", "-show_format", "-show_streams", &path.to_string_lossy()]);
    let told: Value = serde_json::from_slice(&said).expect("JSON");
    let places = [told["format"]["tags"].clone(), told["streams"][0]["tags"].clone()];
    let all = places.iter().filter_map(Value::as_object).flatten();
    all.map(|(key, value)| (key.to_lowercase(), value.as_str().unwrap_or_default().to_owned())).collect()
}

#[test]
fn tags_of_several_kinds_in_a_file_fill_each_other_and_a_year_is_a_date() {
    let folder = folder();
    let (sound, old) = (folder.path().join("s.wav"), folder.path().join("old.mp3"));
    fs::write(&sound, wav(44_100, 2, 30_000)).expect("written");
    let (sound, name) = (sound.to_string_lossy(), old.to_string_lossy().into_owned());
    tool("lame", &["--quiet", "--id3v1-only", "--tt", "Title", "--ta", "Artist", "--ty", "1999", &sound, &name]);
    for suffix in ["opus", "m4a", "flac", "mp3"] {
        let made = transcoded(json!({}), &fs::read(&old).expect("read"), suffix);
        let tags = tags_of(&written(folder.path(), &made, &format!("t.{suffix}")));
        let tag = |name: &str| tags.get(name).map(String::as_str);
        assert_eq!(
            (tag("title"), tag("artist"), tag("date")),
            (Some("Title"), Some("Artist"), Some("1999")),
            "{suffix}: {tags:?}"
        );
    }
    // An ID3v2 tag with a title alone in front of it.
    let id3 = [&b"ID3\x04\0\0\0\0\0\x10TIT2\0\0\0\x06\0\0\x03"[..], b"Newer"].concat();
    let both = [id3, fs::read(&old).expect("read")].concat();
    let tags = tags_of(&written(folder.path(), &transcoded(json!({}), &both, "flac"), "both.flac"));
    assert_eq!((tags["title"].as_str(), tags["artist"].as_str()), ("Newer", "Artist"), "{tags:?}");
    // Words and beats have other names elsewhere.
    let flac = folder.path().join("words.flac");
    tool("flac", &["-s", "-f", "-o", &flac.to_string_lossy(), "-T", "LYRICS=la la", "-T", "BPM=120", &sound]);
    let tags =
        tags_of(&written(folder.path(), &transcoded(json!({}), &fs::read(&flac).expect("read"), "mp3"), "words.mp3"));
    assert_eq!(tags.get("tbpm").map(String::as_str), Some("120"), "{tags:?}");
    assert!(tags.iter().any(|(name, value)| name.starts_with("lyrics") && value == "la la"), "{tags:?}");
}

#[test]
fn a_picture_that_mp4_cannot_hold_is_left_out_and_one_of_the_wrong_name_gets_its_own() {
    let folder = folder();
    let (sound, flac) = (folder.path().join("s.wav"), folder.path().join("s.flac"));
    fs::write(&sound, wav(44_100, 2, 30_000)).expect("written");
    let png = folder.path().join("c.png");
    tool(
        "ffmpeg",
        &["-v", "error", "-f", "lavfi", "-i", "color=red:s=16x16", "-frames:v", "1", &png.to_string_lossy()],
    );
    let odd = folder.path().join("c.webp");
    fs::write(&odd, b"RIFF\x10\0\0\0WEBPVP8 four").expect("written");
    for (kind, picture, kept) in
        [("image/webp", &odd, 0), ("image/", &png, 1), ("JPG", &png, 1), ("image/tiff", &odd, 0)]
    {
        let picture = format!("--picture=3|{kind}||16x16x24|{}", picture.display());
        tool("flac", &["-s", "-f", "-o", &flac.to_string_lossy(), "-T", "TITLE=A", &picture, &sound.to_string_lossy()]);
        let made = written(folder.path(), &transcoded(json!({}), &fs::read(&flac).expect("read"), "m4a"), "t.m4a");
        assert_eq!(tags_of(&made)["title"], "A", "{kind}");
        let said = tool(
            "ffprobe",
            &["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", &made.to_string_lossy()],
        );
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(said.lines().filter(|line| *line == "png").count(), kept, "{kind}: {said}");
    }
}

/// A WAV file of one channel of floats.
fn floats(rate: u32, samples: &[u8]) -> Vec<u8> {
    let length = samples.len() as u32;
    let format = [&[3, 0, 1, 0][..], &rate.to_le_bytes(), &(4 * rate).to_le_bytes(), &[4, 0, 32, 0]].concat();
    let head =
        [&b"RIFF"[..], &(36 + length).to_le_bytes(), b"WAVEfmt \x10\0\0\0", &format, b"data", &length.to_le_bytes()];
    [&head.concat()[..], samples].concat()
}

fn loudness(bytes: &[u8]) -> (f64, f64) {
    let json = made("audio.loudness", Value::Null, bytes, "json").expect("measured");
    let told: Value = serde_json::from_slice(&json).expect("JSON");
    (told["integrated_lufs"].as_f64().expect("a number"), told["true_peak_dbtp"].as_f64().expect("a number"))
}

#[test]
fn a_track_gets_the_loudness_that_was_asked_for_unless_its_peaks_forbid_it() {
    let source = wav(44_100, 2, 200_000);
    let (lufs, peak) = loudness(&transcoded(json!({"bits": 24, "rate": 48_000}), &source, "wav"));
    let made = |with: Value, suffix| {
        loudness(&transcoded(json!({"normalise": with, "bits": 24, "rate": 48_000}), &source, suffix))
    };
    // What MP3 leaves out of the noise is a little softer.
    for (suffix, off) in [("wav", 0.011), ("flac", 0.011), ("mp3", 0.5)] {
        let (got, _) = made(json!({"lufs": -30}), suffix);
        assert!((got + 30.0).abs() <= off, "{suffix}: {got}");
    }
    let (got, got_peak) = made(json!({"lufs": -3, "true_peak": -2}), "flac");
    assert!((got_peak + 2.0).abs() < 0.05 && (got - lufs - (got_peak - peak)).abs() < 0.1, "{got} {got_peak}");
    // Silence has no loudness.
    let silence =
        transcoded(json!({"normalise": {"lufs": -16}}), &super::material::wav_of(8000, 1, &[0; 32_000]), "wav");
    assert!(ours(silence).expect("decodes").samples.iter().all(|sample| *sample == 0.0));
}

#[test]
fn dither_keeps_what_is_softer_than_a_step() {
    // A sine of a third of a step of 16 bits.
    let sine = |n: usize| (std::f64::consts::TAU * 997.0 * n as f64 / 48_000.0).sin();
    let samples = (0..96_000).flat_map(|n| ((sine(n) * 0.3 / 32_768.0) as f32).to_le_bytes());
    let quiet = floats(48_000, &samples.collect::<Vec<u8>>());
    let level = |track: &Track| {
        let sum: f64 = track.samples.iter().enumerate().map(|(n, x)| f64::from(*x) * sine(n)).sum();
        2.0 * sum / track.samples.len() as f64 * 32_768.0
    };
    let with = |dither: bool| ours(transcoded(json!({"dither": dither}), &quiet, "flac")).expect("decodes");
    assert!(with(false).samples.iter().all(|sample| *sample == 0.0));
    let got = level(&with(true));
    assert!((got - 0.3).abs() < 0.02, "{got} of a step");
}

#[test]
fn options_that_such_a_file_cannot_have_are_named() {
    let problems = |with: Value, suffix: &str| {
        let job = OpenContext {
            outputs: vec![euterpe_actors::transform::OutputShape { name: String::new(), suffix: suffix.into() }],
            ..OpenContext::default()
        };
        let mut registry = euterpe_actors::transform::Registry::default();
        euterpe_audio::register(&mut registry);
        let opened = registry.find("audio.transcode").expect("there").open(&with, &job);
        let problems = opened.err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect::<Vec<String>>().join("; ")
    };
    let said = problems(json!({"rate": 44_100, "channels": 6, "dither": true, "bit_rate": 999}), "opus");
    assert_eq!(
        said,
        "channels: expected 1 to 2 channels, got 6; dither: only integers are dithered: WAV or FLAC, with 16 or 24 `bits`; bit_rate: \
         expected 6 to 510 kbit/s, got 999; rate: a .opus file holds 8000, 12000, 16000, 24000, 48000 Hz, got 44100"
    );
    let said = problems(json!({"bit_rate": 128, "normalise": {"lufs": 3, "true_peak": -90}}), "flac");
    assert!(said.contains("bit_rate: a .flac file keeps each sample and has no bit rate"), "{said}");
    assert!(said.contains("normalise.lufs: expected -70 to 0, got 3"), "{said}");
    assert!(said.contains("normalise.true_peak: expected -70 to 0, got -90"), "{said}");
    // One channel of Opus has at most half of what two may have.
    assert!(!transcoded(json!({"bit_rate": 510, "channels": 1}), &wav(48_000, 2, 48_000), "opus").is_empty());
    let fault = made("audio.transcode", json!({"rate": 8000, "bit_rate": 128}), &wav(48_000, 2, 4800), "ogg")
        .expect_err("too much");
    assert!(fault.text.contains("cannot be written at 128 kbit/s with 2 channels at 8000 Hz"), "{fault}");
    // Six channels that nobody was asked to mix.
    let fault = made("audio.transcode", json!({}), &wav(48_000, 6, 4800), "mp3").expect_err("six channels");
    assert!(fault.text.contains("give the job `channels: 2`"), "{fault}");
    assert_eq!(fault.kind, FaultKind::Fatal, "{fault}");
}
