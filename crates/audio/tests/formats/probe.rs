//! `audio.probe`: what files are, as the programs that wrote them were told.

use std::fs;

use serde_json::{Value, json};

use super::material::{encoded, folder, made, wav};

#[test]
fn a_probe_tells_container_codec_length_tags_and_who_decodes() {
    let folder = folder();
    let tags = ["-metadata", "title=A Song", "-metadata", "artist=Somebody", "-metadata", "track=3"];
    for (file, channels, options, container, codec, tagged) in [
        ("t.flac", 2, &[][..], "flac", "flac", true),
        ("t.wav", 6, &["-channel_layout", "5.1"], "wav", "pcm_s16le", true),
        ("t.mp3", 2, &["-c:a", "libmp3lame"], "mp3", "mp3", true),
        ("t.ogg", 2, &["-c:a", "libvorbis"], "ogg", "vorbis", true),
        ("t.opus", 6, &["-c:a", "libopus", "-mapping_family", "1"], "ogg", "opus", true),
        ("t.m4a", 2, &["-c:a", "aac"], "mp4", "aac", true),
        ("t.mka", 1, &["-c:a", "libopus"], "matroska", "opus", false),
        ("t.aac", 1, &["-c:a", "aac"], "aac", "aac", false),
        ("t.wma", 2, &[], "asf", "wmav2", true),
        ("t.wv", 1, &[], "wv", "wavpack", true),
    ] {
        let options = [options, &tags].concat();
        let bytes = fs::read(encoded(folder.path(), &wav(48_000, channels, 96_000), file, &options)).expect("read");
        let json = made("audio.probe", Value::Null, &bytes, "json").unwrap_or_else(|fault| panic!("{file}: {fault}"));
        let told: Value = serde_json::from_slice(&json).expect("JSON");
        let by = told["decoder"].as_str().expect("a decoder");
        let is_foreign = ["wmav2", "wavpack"].contains(&codec);
        assert!(by == "native" || is_foreign && by.starts_with("ffmpeg "), "{file}: {by}");
        assert_eq!((&told["container"], &told["codec"]), (&json!(container), &json!(codec)), "{file}");
        assert_eq!((&told["rate_hz"], &told["channels"]), (&json!(48_000), &json!(channels)), "{file}");
        let seconds = told["duration_s"].as_f64().expect("a number");
        assert!((seconds - 2.0).abs() < 0.06, "{file}: {seconds}");
        let layout = match channels {
            1 => json!(["FC"]),
            2 => json!(["FL", "FR"]),
            _ => json!(["FL", "FR", "FC", "LFE", "BL", "BR"]),
        };
        assert_eq!(told["layout"], layout, "{file}");
        assert_eq!(told["bytes"], json!(bytes.len()));
        let rate = told["bit_rate"].as_f64().expect("a number");
        assert!((rate - bytes.len() as f64 * 8.0 / seconds).abs() < 100.0, "{file}: {rate}");
        if tagged {
            let value = |name: &str| &told["tags"][name][0];
            assert_eq!((value("title"), value("artist")), (&json!("A Song"), &json!("Somebody")), "{file}: {told}");
        }
    }
}
