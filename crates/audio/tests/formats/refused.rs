//! What no reader of ours knows is read through ffmpeg, or not supported with the command that converts it; it is never called
//! damaged.

use std::fs;

use super::material::{encoded, ffmpeg, ffmpegs, folder, ours, ours_of, refused, refused_natively, tool, wav, wav_of};

#[test]
fn whole_files_of_other_codecs_are_read_through_ffmpeg_or_not_supported_and_never_damaged() {
    let folder = folder();
    let cases: &[(&str, &[&str], &str)] = &[
        ("opus.caf", &["-c:a", "libopus"], "Opus"),
        ("t.spx", &["-c:a", "libspeex", "-ar", "16000"], "Speex"),
        ("t.wma", &[], "WMA (ASF)"),
        ("t.wv", &[], "WavPack"),
        ("t.tta", &[], "TTA"),
        ("t.mp2", &["-c:a", "mp2", "-ac", "1", "-b:a", "384k"], "MPEG layer II of a bit rate"),
        ("t.mp2", &["-c:a", "mp2", "-ac", "2", "-b:a", "32k"], "MPEG layer II of a bit rate"),
        ("mp2.wav", &["-c:a", "mp2", "-ac", "1", "-b:a", "384k"], "MPEG layer II of a bit rate"),
        ("mp2.mka", &["-c:a", "mp2", "-ac", "1", "-b:a", "384k"], "MPEG layer II of a bit rate"),
        ("t.ac3", &[], "AC-3"),
        ("t.eac3", &[], "E-AC-3"),
        ("ac3.mka", &["-c:a", "ac3"], "AC-3"),
        ("ac3.mp4", &["-c:a", "ac3"], "AC-3"),
        ("alac.mov", &["-c:a", "alac"], "ALAC in QuickTime (.mov)"),
        ("eac3.mp4", &["-c:a", "eac3"], "E-AC-3"),
        ("ac3.wav", &["-c:a", "ac3"], "WAV with AC-3"),
        ("dts.mka", &["-c:a", "dca", "-strict", "-2"], "DTS"),
        ("t.avi", &["-c:a", "libmp3lame"], "AVI"),
        ("t.ts", &["-c:a", "aac"], "MPEG-TS"),
        ("t.voc", &[], "Creative Voice (VOC)"),
        ("t.latm", &["-c:a", "aac", "-f", "latm"], "AAC in LOAS"),
        ("ima4.aiff", &["-c:a", "adpcm_ima_qt"], "AIFF-C with `ima4`"),
        ("wma.wav", &["-c:a", "wmav2"], "WAV with Windows Media Audio"),
        ("g722.wav", &["-c:a", "g722", "-ar", "16000", "-ac", "1"], "WAV with the codec"),
        ("t.mka", &["-c:a", "wavpack"], "WavPack"),
        ("ima4.caf", &["-c:a", "adpcm_ima_qt"], "CAF with QuickTime ADPCM (`ima4`)"),
        ("ima4.mov", &["-c:a", "adpcm_ima_qt"], "QuickTime ADPCM"),
        ("ms.mov", &["-c:a", "adpcm_ms"], "MP4 with the codec `ms\\u{0}\\u{2}`"),
        ("mp2.mp4", &["-c:a", "mp2"], "MPEG audio of layer I or II under the name of layer III"),
        ("u8.mka", &["-c:a", "pcm_u8"], "Matroska with samples of 8 bits"),
        (
            "fragments.mov",
            &["-c:a", "pcm_s16le", "-movflags", "frag_keyframe+empty_moov"],
            "MP4 with uncompressed sound in fragments",
        ),
        ("t.dts", &["-c:a", "dca", "-strict", "-2"], "DTS"),
        ("t.gsm", &["-ar", "8000", "-ac", "1", "-c:a", "libgsm"], "GSM 6.10"),
        ("t.flv", &["-c:a", "libmp3lame"], "Flash video"),
    ];
    for (file, options, name) in cases {
        let path = encoded(folder.path(), &wav(48_000, 2, 30_000), file, options);
        let said = refused_natively(&fs::read(&path).expect("read"));
        assert!(said.starts_with(name), "{file}: {said}");
        assert!(
            said.ends_with("is not supported; convert the file with `ffmpeg -i FILE FILE.flac` first"),
            "{file}: {said}"
        );
        let track = ours_of(&path);
        assert!(track.channels <= 2 && track.samples == ffmpegs(&path), "{file}: {} frames", track.frames());
    }
    let surround = wav(48_000, 6, 30_000);
    for file in ["t.m4a", "t.aac", "aac.mka"] {
        let path = encoded(folder.path(), &surround, file, &["-c:a", "aac"]);
        let said = refused_natively(&fs::read(&path).expect("read"));
        assert!(said.starts_with("AAC of 6 channels is not supported; convert"), "{file}: {said}");
        let track = ours_of(&path);
        assert!((track.rate, track.channels) == (48_000, 6) && track.samples == ffmpegs(&path), "{file}");
    }
}

#[test]
fn gsm_in_wav_has_its_name() {
    let folder = folder();
    let (from, to) = (folder.path().join("sound.wav"), folder.path().join("gsm.wav"));
    // With an odd number of blocks there is a byte behind the last one.
    for frames in [16_000, 24_000] {
        fs::write(&from, wav(8_000, 1, frames)).expect("written");
        tool("sox", &[&from.to_string_lossy(), "-e", "gsm-full-rate", &to.to_string_lossy()]);
        let bytes = fs::read(&to).expect("read");
        assert!(refused_natively(&bytes).starts_with("WAV with GSM 6.10"));
        let track = ours_of(&to);
        assert!((track.rate, track.channels) == (8_000, 1) && track.samples == ffmpegs(&to));
        let cut = refused(bytes[..bytes.len() - 500].to_vec());
        assert!(cut.contains("cut off") || cut.contains("ends after"), "{cut}");
    }
}

#[test]
fn compressed_sound_in_the_place_of_samples_has_its_name() {
    let folder = folder();
    let sound = encoded(folder.path(), &wav(48_000, 2, 48_000), "t.wav", &[]);
    for (codec, name) in [("ac3", "AC-3"), ("eac3", "E-AC-3"), ("dca", "DTS"), ("mp2", "MPEG audio")] {
        let arguments = ["-i", &sound.to_string_lossy(), "-c:a", codec, "-strict", "-2", "-f", "spdif", "-"];
        let words = ffmpeg(&arguments);
        // In WAV, and in what somebody made of that WAV.
        let captured = wav_of(48_000, 2, &[&[0; 40_000][..], &words].concat());
        let flac = folder.path().join("captured.flac");
        fs::write(folder.path().join("captured.wav"), &captured).expect("written");
        tool(
            "flac",
            &["-s", "-f", "-o", &flac.to_string_lossy(), &folder.path().join("captured.wav").to_string_lossy()],
        );
        for bytes in [captured, fs::read(flac).expect("read")] {
            assert_eq!(
                refused(bytes),
                format!(
                    "{name} in the place of samples is not supported; convert the file with \
                     `ffmpeg -i FILE -f wav - | ffmpeg -i - FILE.flac` first"
                )
            );
        }
    }
    // Full scale in both directions, over and over, is sound.
    let loud = [0x7ffe_u16, 0x8001].map(u16::to_le_bytes).concat().repeat(50_000);
    assert_eq!(ours(wav_of(44_100, 2, &loud)).expect("decoded").frames(), 50_000);
}
