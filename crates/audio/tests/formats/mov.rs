//! Samples as they are in MOV, in whatever order of bytes: bit for bit what ffmpeg decodes.

use std::fs;

use super::material::{encoded, ffmpegs, folder, ours, ours_of, refused, wav};

#[test]
fn each_way_to_write_samples_in_mov_is_what_ffmpeg_decodes() {
    let folder = folder();
    let codecs = [
        "pcm_s8",
        "pcm_u8",
        "pcm_s16be",
        "pcm_s16le",
        "pcm_s24be",
        "pcm_s24le",
        "pcm_s32be",
        "pcm_s32le",
        "pcm_f32be",
        "pcm_f32le",
        "pcm_f64be",
        "pcm_f64le",
        "pcm_alaw",
        "pcm_mulaw",
    ];
    // From 65,536 Hz on the description is of version 2.
    for (rate, channels, frames) in [(44_100, 2, 50_021), (22_050, 1, 9_999), (48_000, 6, 7_001), (96_000, 2, 9_001)] {
        let sound = wav(rate, channels, frames);
        for codec in codecs {
            let path = encoded(folder.path(), &sound, "t.mov", &["-c:a", codec]);
            let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
            assert_eq!((ours.rate, ours.channels, ours.frames()), (rate, channels.into(), frames), "{codec}");
            assert!(ours.samples == theirs, "{codec} at {rate} Hz with {channels} channels differs");
        }
    }
}

#[test]
fn the_sound_of_a_film_in_mov_is_put_together_from_its_chunks() {
    let folder = folder();
    let picture = ["-f", "lavfi", "-i", "color=red:s=64x48:d=1.3", "-c:v", "mjpeg", "-c:a", "pcm_s24be", "-map", "0"];
    let path = encoded(folder.path(), &wav(48_000, 2, 60_000), "film.mov", &[&picture[..], &["-map", "1"]].concat());
    let (ours, theirs) = (ours_of(&path), ffmpegs(&path));
    assert_eq!(ours.frames(), 60_000);
    assert!(ours.samples == theirs);
}

#[test]
fn the_edit_list_counts_and_a_cut_is_told() {
    let folder = folder();
    let options = ["-c:a", "pcm_s24be", "-movflags", "faststart"];
    let bytes = fs::read(encoded(folder.path(), &wav(48_000, 2, 48_000), "t.mov", &options)).expect("read");
    let whole = ours(bytes.clone()).expect("decoded");
    // 250 ms, from frame 1,000 on.
    let mut edited = bytes.clone();
    let at = edited.windows(4).position(|own| own == b"elst").expect("an edit list") + 12;
    edited[at..at + 4].copy_from_slice(&250u32.to_be_bytes());
    edited[at + 4..at + 8].copy_from_slice(&1000u32.to_be_bytes());
    let part = ours(edited).expect("decoded");
    assert_eq!(part.frames(), 12_000);
    assert!(part.samples == whole.samples[2000..26_000]);
    for cut in [1, 1000, bytes.len() / 2] {
        assert!(refused(bytes[..bytes.len() - cut].to_vec()).contains("replace it with a whole copy"), "{cut}");
    }
}
