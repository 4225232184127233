//! What is lossless, or not compressed at all, is bit for bit what ffmpeg decodes.

use std::fs;

use serde_json::json;

use super::material::{encoded, ffmpegs, folder, made, ours_of, tool, wav};

#[test]
fn each_container_and_way_to_write_samples_is_what_ffmpeg_decodes() {
    let folder = folder();
    let formats: &[(&str, &[&str])] = &[
        ("u8.wav", &["-c:a", "pcm_u8"]),
        ("s16.wav", &[]),
        ("s24.wav", &["-c:a", "pcm_s24le"]),
        ("s32.wav", &["-c:a", "pcm_s32le"]),
        ("f32.wav", &["-c:a", "pcm_f32le"]),
        ("f64.wav", &["-c:a", "pcm_f64le"]),
        ("alaw.wav", &["-c:a", "pcm_alaw"]),
        ("mulaw.wav", &["-c:a", "pcm_mulaw"]),
        ("rf64.wav", &["-rf64", "always", "-c:a", "pcm_s24le"]),
        ("s16.w64", &[]),
        ("f32.w64", &["-c:a", "pcm_f32le"]),
        ("s16.aiff", &[]),
        ("s8.aiff", &["-c:a", "pcm_s8"]),
        ("s24.aiff", &["-c:a", "pcm_s24be"]),
        ("sowt.aiff", &["-c:a", "pcm_s16le"]),
        ("f32.aiff", &["-c:a", "pcm_f32be"]),
        ("f64.aiff", &["-c:a", "pcm_f64be"]),
        ("alaw.aiff", &["-c:a", "pcm_alaw"]),
        ("s16.au", &[]),
        ("s24.au", &["-c:a", "pcm_s24be"]),
        ("f32.au", &["-c:a", "pcm_f32be"]),
        ("mulaw.au", &["-c:a", "pcm_mulaw"]),
        ("s16.caf", &[]),
        ("s24be.caf", &["-c:a", "pcm_s24be"]),
        ("f32.caf", &["-c:a", "pcm_f32le"]),
        ("alac.caf", &["-c:a", "alac"]),
        ("s16.flac", &[]),
        ("s24.flac", &["-sample_fmt", "s32", "-bits_per_raw_sample", "24"]),
        ("flac.oga", &["-c:a", "flac"]),
        ("flac.mka", &["-c:a", "flac"]),
        ("pcm.mka", &["-c:a", "pcm_s16le"]),
        ("pcm24.mka", &["-c:a", "pcm_s24le"]),
        ("f32.mka", &["-c:a", "pcm_f32le"]),
        ("s16be.mka", &["-c:a", "pcm_s16be"]),
        ("s24be.mka", &["-c:a", "pcm_s24be"]),
        ("s32be.mka", &["-c:a", "pcm_s32be"]),
        ("f64.mka", &["-c:a", "pcm_f64le"]),
        ("alac.m4a", &["-c:a", "alac"]),
        ("flac.mp4", &["-c:a", "flac", "-strict", "-2"]),
    ];
    for (rate, channels, frames) in [(44_100, 2, 20_011), (22_050, 1, 9_999), (48_000, 6, 7_001)] {
        let sound = wav(rate, channels, frames);
        for (file, options) in formats {
            let path = encoded(folder.path(), &sound, file, options);
            let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
            assert_eq!((ours.rate, ours.channels), (rate, channels.into()), "{file}");
            // ffmpeg counts the padding of Wave64 as samples, when it writes and when it reads.
            let padding = if file.ends_with("w64") { 7 / (2 * usize::from(channels)) } else { 0 };
            assert!((frames..=frames + padding).contains(&ours.frames()), "{file}: {} frames", ours.frames());
            assert!(ours.samples == theirs, "{file} with {channels} channels differs");
        }
    }
}

#[test]
fn one_to_eight_channels_keep_their_order() {
    let folder = folder();
    for channels in 1..=8 {
        let sound = wav(44_100, channels, 5000);
        for (file, options) in [("t.wav", &[][..]), ("t.flac", &[]), ("t.caf", &[]), ("t.mka", &["-c:a", "flac"])] {
            let path = encoded(folder.path(), &sound, file, options);
            assert!(ours_of(&path).samples == ffmpegs(&path), "{file} with {channels} channels differs");
        }
    }
}

#[test]
fn alac_of_one_to_eight_channels_keeps_their_order() {
    let folder = folder();
    let layouts = ["mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1(back)", "7.1(wide)"];
    for (channels, layout) in (1..).zip(layouts) {
        let map: Vec<String> = (0..channels).map(|channel| channel.to_string()).collect();
        let map = format!("channelmap=map={}:channel_layout={layout}", map.join("|"));
        let sound = wav(44_100, channels, 9000);
        for file in ["t.m4a", "t.caf", "t.mka"] {
            let path = encoded(folder.path(), &sound, file, &["-af", &map, "-c:a", "alac"]);
            let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
            assert_eq!(ours.channels, usize::from(channels));
            assert!(ours.samples == theirs, "{file} with {channels} channels differs");
            // What was encoded has the same places: ALAC itself has another order.
            assert!(
                ours.samples == ours_of(&folder.path().join("sound.wav")).samples,
                "{file} with {channels} channels"
            );
        }
    }
}

#[test]
fn a_flac_file_has_the_rates_of_music_in_high_resolution() {
    let folder = folder();
    for rate in [88_200, 176_400, 192_000, 352_800, 384_000] {
        let sound = wav(rate, 2, 20_011);
        let flac = made("audio.transcode", json!({"bits": 24}), &sound, "flac").expect("written");
        let path = folder.path().join("t.flac");
        fs::write(&path, &flac).expect("written");
        tool("flac", &["-s", "-t", &path.to_string_lossy()]);
        let shown = ["-v", "error", "-show_entries", "stream=sample_rate", "-of", "csv=p=0", &path.to_string_lossy()];
        let shown = String::from_utf8(tool("ffprobe", &shown)).expect("text");
        assert_eq!(shown.trim(), rate.to_string());
        let ours = ours_of(&path);
        assert_eq!((ours.rate, ours.frames()), (rate, 20_011));
        assert!(ours.samples == ffmpegs(&path), "{rate} Hz");
        assert!(ours.samples == super::material::ours(sound).expect("decoded").samples, "{rate} Hz");
    }
}

#[test]
fn adpcm_in_wav_and_wave64_is_what_ffmpeg_decodes() {
    let folder = folder();
    for codec in ["adpcm_ms", "adpcm_ima_wav"] {
        for (file, channels) in [("t.wav", 1), ("t.wav", 2), ("t.w64", 1), ("t.w64", 2)] {
            // Above 48 kHz ffmpeg writes the extensible form of the header.
            for rate in [44_100, 96_000] {
                let path = encoded(folder.path(), &wav(rate, channels, 20_011), file, &["-c:a", codec]);
                let differs = format!("{codec} in {file} at {rate} Hz with {channels} channels differs");
                assert!(ours_of(&path).samples == ffmpegs(&path), "{differs}");
            }
        }
    }
}

#[test]
fn floats_of_any_loudness_are_samples_as_long_as_they_are_numbers() {
    let folder = folder();
    let sound = wav(44_100, 2, 5000);
    for file in ["t.wav", "t.aiff", "t.w64"] {
        let codec = if file == "t.aiff" { "pcm_f32be" } else { "pcm_f32le" };
        let path = encoded(folder.path(), &sound, file, &["-af", "aformat=flt,volume=30dB", "-c:a", codec]);
        let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
        assert!(theirs.iter().any(|sample| sample.abs() > 8.0), "loud enough");
        assert!(ours.samples == theirs, "{file}");
    }
}
