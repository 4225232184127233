//! What is lossy has the very frames that ffmpeg decodes, and differs from them by rounding alone.

use std::fs;

use super::material::{encoded, ffmpegs, folder, ours, ours_of, snr, tool, wav};

/// 90 dB: less than the last bit of 16.
const NEAR: f64 = 90.0;

#[test]
fn mp3_and_mp2_of_each_rate_have_the_frames_of_ffmpeg() {
    let folder = folder();
    let cases: &[(&str, u32, u16, &[&str])] = &[
        ("t.mp3", 44_100, 2, &["-c:a", "libmp3lame", "-b:a", "128k"]),
        ("t.mp3", 48_000, 2, &["-c:a", "libmp3lame", "-q:a", "4"]),
        ("t.mp3", 32_000, 1, &["-c:a", "libmp3lame", "-b:a", "320k"]),
        ("t.mp3", 22_050, 2, &["-c:a", "libmp3lame", "-q:a", "2"]),
        ("t.mp3", 16_000, 1, &["-c:a", "libmp3lame", "-b:a", "24k"]),
        ("t.mp3", 8_000, 1, &["-c:a", "libmp3lame", "-b:a", "8k"]),
        ("t.mp3", 44_100, 2, &["-c:a", "libmp3lame", "-b:a", "64k", "-joint_stereo", "0"]),
        ("t.mp3", 44_100, 2, &["-c:a", "libmp3lame", "-write_xing", "0"]),
        (
            "t.mp3",
            44_100,
            2,
            &["-c:a", "libmp3lame", "-id3v2_version", "3", "-write_id3v1", "1", "-metadata", "title=x"],
        ),
        ("t.mp2", 44_100, 2, &["-c:a", "mp2", "-b:a", "192k"]),
        ("t.mp2", 48_000, 1, &["-c:a", "mp2", "-b:a", "64k"]),
        ("mp3.wav", 44_100, 2, &["-c:a", "libmp3lame"]),
        ("mp3.mka", 44_100, 2, &["-c:a", "libmp3lame"]),
    ];
    for (file, rate, channels, options) in cases {
        let path = encoded(folder.path(), &wav(*rate, *channels, *rate as usize + 17), file, options);
        let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
        assert_eq!((ours.rate, ours.channels), (*rate, usize::from(*channels)), "{file} {options:?}");
        if *file == "mp3.mka" {
            // ffmpeg 5 leaves out 50 frames fewer than the file asks for.
            let short = theirs.len() - ours.samples.len();
            assert!(short < 200 && snr(&ours.samples, &theirs[short..]) > NEAR, "{file}: {short}");
            continue;
        }
        assert_eq!(ours.samples.len(), theirs.len(), "{file} at {rate} Hz {options:?}");
        let found = snr(&ours.samples, &theirs);
        // ffmpeg counts in integers where it decodes layer II.
        let near = if file.ends_with("mp2") { 80.0 } else { NEAR };
        assert!(found > near, "{file} at {rate} Hz {options:?}: {found:.1} dB");
    }
}

#[test]
fn vorbis_of_one_to_eight_channels_is_what_ffmpeg_decodes() {
    let folder = folder();
    for channels in 1..=8u16 {
        for quality in ["-1", "3", "9"] {
            let sound = wav(44_100, channels, 30_007);
            let path = encoded(folder.path(), &sound, "t.ogg", &["-c:a", "libvorbis", "-q:a", quality]);
            let (ours, mut theirs) = (ours_of(&path), ffmpegs(&path));
            assert_eq!((ours.channels, ours.frames()), (channels.into(), 30_007));
            theirs.truncate(ours.samples.len()); // ffmpeg 5 does not heed the end where all is on one page
            let found = snr(&ours.samples, &theirs);
            assert!(found > NEAR, "{channels} channels at quality {quality}: {found:.1} dB");
        }
    }
}

#[test]
fn vorbis_is_what_libvorbis_own_decoder_says() {
    let folder = folder();
    fs::write(folder.path().join("sound.wav"), wav(44_100, 2, 50_021)).expect("written");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    for options in [&["-q", "-1"][..], &["-q", "4"], &["-q", "10"], &["--managed", "-b", "96"], &["--resample", "8000"]]
    {
        tool("oggenc", &[&["-Q", "-o", &at("t.ogg"), &at("sound.wav")], options].concat());
        tool("oggdec", &["-Q", "-b", "16", "-o", &at("back.wav"), &at("t.ogg")]);
        let back = ours(fs::read(at("back.wav")).expect("read")).expect("a WAV file");
        let ours = ours_of(&folder.path().join("t.ogg"));
        assert_eq!((ours.rate, ours.frames()), (back.rate, back.frames()), "{options:?}");
        let worst = ours.samples.iter().zip(&back.samples).map(|(a, b)| (a.clamp(-1.0, 1.0) - b).abs());
        // The other one is rounded to 16 bits.
        assert!(worst.fold(0.0, f32::max) <= 1.01 / 32_768.0, "{options:?}");
    }
}

#[test]
fn vorbis_in_matroska_and_webm_is_what_ffmpeg_decodes() {
    let folder = folder();
    for (file, channels) in [("t.mka", 2), ("t.mka", 6), ("t.webm", 1), ("t.webm", 2)] {
        let path = encoded(folder.path(), &wav(48_000, channels, 50_021), file, &["-c:a", "libvorbis"]);
        let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
        let found = snr(&ours.samples, &theirs);
        assert!(found > NEAR, "{file} with {channels} channels: {found:.1} dB");
    }
}

#[test]
fn aac_is_what_ffmpeg_decodes() {
    let folder = folder();
    for (file, channels) in [("t.aac", 1), ("t.aac", 2), ("t.m4a", 1), ("t.m4a", 2), ("t.mka", 2)] {
        // Without noise substitution, whose noise each decoder makes of its own.
        let options = ["-c:a", "aac", "-b:a", "128k", "-aac_pns", "0"];
        let path = encoded(folder.path(), &wav(44_100, channels, 50_021), file, &options);
        let (ours, mut theirs) = (ours_of(&path), ffmpegs(&path));
        theirs.truncate(ours.samples.len()); // ffmpeg 5 does not heed the end of an edit list
        let found = snr(&ours.samples, &theirs);
        assert!(found > NEAR, "{file} with {channels} channels: {found:.1} dB");
    }
}
