//! Opus against libopus as ffmpeg and opusdec have it: as many frames, and within 90 dB.

use std::{fs, path::Path};

use super::{
    material::{Track, encoded, ffmpeg, folder, ours, ours_of, refused, snr, tool, wav},
    ogg::{pages, sealed},
};

/// What libopus decodes by way of ffmpeg, at 48,000 Hz, without rounding to 16 bits.
fn libopus(path: &Path) -> Vec<f32> {
    let bytes =
        ffmpeg(&["-c:a", "libopus", "-request_sample_fmt", "flt", "-i", &path.to_string_lossy(), "-f", "f32le", "-"]);
    bytes.chunks_exact(4).map(|own| f32::from_le_bytes([own[0], own[1], own[2], own[3]])).collect()
}

fn is_right(track: &Track, path: &Path, what: &str) {
    assert_eq!(track.rate, 48_000, "{what}");
    let got = snr(&track.samples, &libopus(path));
    assert!(got >= 90.0, "{what}: {got:.1} dB");
}

#[test]
fn opus_of_any_kind_is_what_libopus_makes_of_it() {
    let folder = folder();
    for (channels, options) in [
        (1, "-b:a 6k -application voip"),
        (2, "-b:a 16k -application voip -frame_duration 60"),
        (2, "-b:a 32k -application voip"),
        (1, "-b:a 40k"),
        (2, "-b:a 64k -frame_duration 2.5 -application lowdelay"),
        (2, "-b:a 160k"),
        (2, "-b:a 510k -vbr off"),
        (3, "-b:a 128k -mapping_family 1 -af channelmap=0|1|2:3.0"),
        (6, "-b:a 256k -mapping_family 1"),
        (8, "-b:a 320k -mapping_family 1"),
        (4, "-b:a 128k -mapping_family 255"),
    ] {
        let arguments: Vec<&str> = ["-c:a", "libopus"].into_iter().chain(options.split(' ')).collect();
        // Neither whole packets nor a whole rate.
        let path = encoded(folder.path(), &wav(44_100, channels, 50_001), "t.opus", &arguments);
        let track = ours_of(&path);
        assert_eq!((track.channels, track.frames().abs_diff(54_423) <= 1), (channels.into(), true), "{options}");
        is_right(&track, &path, options);
    }
}

#[test]
fn opus_in_matroska_webm_and_mp4_begins_and_ends_where_the_container_says() {
    let folder = folder();
    for file in ["t.mka", "t.webm", "t.mp4"] {
        for channels in [2, 6] {
            let path = encoded(folder.path(), &wav(48_000, channels, 50_001), file, &["-c:a", "libopus"]);
            let track = ours_of(&path);
            assert_eq!((track.channels, track.frames()), (channels.into(), 50_001), "{file}");
            let theirs = libopus(&path);
            // Ffmpeg 5.1 plays the padding in MP4.
            let ends = track.samples.len().min(theirs.len());
            assert!(snr(&track.samples, &theirs[..ends]) >= 90.0, "{file}");
            let bytes = fs::read(&path).expect("read");
            let said = refused(bytes[..bytes.len() * 3 / 4].to_vec());
            assert!(said.contains("replace it with a whole copy"), "{file}: {said}");
        }
    }
}

#[test]
fn gain_chains_streams_that_begin_late_and_comments_of_any_length_are_heeded() {
    let folder = folder();
    let (from, path) = (folder.path().join("sound.wav"), folder.path().join("t.opus"));
    fs::write(&from, wav(48_000, 2, 100_000)).expect("written");
    let cover = "x".repeat(100_000);
    let arguments =
        ["--quiet", "--comment", &format!("NOTE={cover}"), &from.to_string_lossy(), &path.to_string_lossy()];
    tool("opusenc", &arguments);
    let whole = ours_of(&path);
    assert_eq!(whole.frames(), 100_000);
    is_right(&whole, &path, "with long comments");
    let bytes = fs::read(&path).expect("read");
    let mut all = pages(&bytes);
    let second = ours([&bytes[..], &bytes].concat()).expect("a chain");
    assert!(second.samples == [&whole.samples[..], &whole.samples].concat());
    // Without the first second of sound: the rest is what it was, but for what the decoder has to find its way.
    let position = |page: &Vec<u8>| u64::from_le_bytes(page[6..14].try_into().expect("eight"));
    let begins = all.iter().position(|page| (1..u64::MAX).contains(&position(page)));
    let begins = begins.expect("a page with sound");
    let mut sequence = 0u32;
    let late: Vec<Vec<u8>> = all
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != begins)
        .map(|(_, page)| {
            let mut page = page.clone();
            page[18..22].copy_from_slice(&sequence.to_le_bytes());
            sequence += 1;
            sealed(page)
        })
        .collect();
    let late_path = folder.path().join("late.opus");
    fs::write(&late_path, late.concat()).expect("written");
    assert_eq!(ours_of(&late_path).samples.len(), libopus(&late_path).len());
    // Six decibels less, and the end of the last page 100 frames earlier.
    let gain = -1536i16;
    all[0][27 + 1 + 16..27 + 1 + 18].copy_from_slice(&gain.to_le_bytes());
    let last = all.len() - 1;
    let end = u64::from_le_bytes(all[last][6..14].try_into().expect("eight"));
    all[last][6..14].copy_from_slice(&(end - 100).to_le_bytes());
    let changed: Vec<Vec<u8>> = all.into_iter().map(sealed).collect();
    let quiet_path = folder.path().join("quiet.opus");
    fs::write(&quiet_path, changed.concat()).expect("written");
    let quiet = ours_of(&quiet_path);
    assert_eq!(quiet.frames(), 99_900);
    is_right(&quiet, &quiet_path, "with gain");
    let loudest = |samples: &[f32]| samples.iter().fold(0f32, |loudest, sample| loudest.max(sample.abs()));
    let ratio = 20.0 * (loudest(&quiet.samples) / loudest(&whole.samples)).log10();
    assert!((ratio + 6.0).abs() < 0.01, "{ratio} dB");
}
