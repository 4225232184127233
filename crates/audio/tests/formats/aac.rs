//! AAC: band replication is never played at half the rate, and what an encoder put around the sound is left out.

use std::fs;

use serde_json::Value;

use super::material::{encoded, folder, made, ours, ours_of, refused, refused_natively, snr, wav};

/// Puts a fill element with band replication behind the sound of each ADTS frame, as HE-AAC has it.
fn with_replication(stream: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut rest = stream;
    while rest.len() > 7 {
        let length = usize::from(rest[3] & 3) << 11 | usize::from(rest[4]) << 3 | usize::from(rest[5] >> 5);
        let (frame, later) = rest.split_at(length);
        rest = later;
        let mut bits: Vec<u8> =
            frame[7..].iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        while bits.last() == Some(&0) {
            bits.pop();
        }
        bits.truncate(bits.len() - 3); // the mark of the end
        bits.extend([1, 1, 0, 0, 1, 1, 0]); // a fill element of six bytes
        bits.extend([1, 1, 0, 1]); // with band replication
        bits.extend((0..44).map(|n| (n * 7 % 3 == 0) as u8));
        bits.extend([1, 1, 1]);
        let packet: Vec<u8> =
            bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (n, bit)| sum | bit << (7 - n))).collect();
        let length = packet.len() + 7;
        let mut head = frame[..7].to_vec();
        head[3] = head[3] & !3 | (length >> 11) as u8;
        head[4] = (length >> 3) as u8;
        head[5] = head[5] & 0x1f | (length << 5) as u8;
        made.extend(head);
        made.extend(packet);
    }
    made
}

#[test]
fn replication_that_nothing_announces_is_found_in_the_packets() {
    let folder = folder();
    for channels in [1, 2] {
        let path = encoded(folder.path(), &wav(22_050, channels, 60_000), "t.aac", &["-c:a", "aac", "-b:a", "32k"]);
        let plain = fs::read(&path).expect("read");
        assert_eq!(ours(plain.clone()).expect("decoded").rate, 22_050);
        let said = refused_natively(&with_replication(&plain));
        let want = "HE-AAC (spectral band replication) is not supported; convert the file with `ffmpeg -i FILE FILE.flac` first";
        assert_eq!(said, want);
        // Where some of it was handed out already, nobody begins anew.
        let later =
            made("audio.silence", Value::Null, &[&plain[..], &plain, &with_replication(&plain)].concat(), "json");
        let later = later.expect_err("it was read").text;
        let is_late = "HE-AAC (spectral band replication), as the track is from 0:0";
        assert!(later.starts_with(is_late), "{later}");
        // In MP4 and Matroska, behind a description that does not name it either.
        let he = folder.path().join("he.aac");
        fs::write(&he, with_replication(&plain)).expect("written");
        for file in ["he.m4a", "he.mka"] {
            let to = folder.path().join(file);
            super::material::ffmpeg(&["-i", &he.to_string_lossy(), "-c", "copy", &to.to_string_lossy()]);
            assert_eq!(refused_natively(&fs::read(to).expect("read")), want, "{file}");
        }
    }
}

#[test]
fn plain_aac_of_many_sounds_is_never_taken_for_he_aac() {
    let folder = folder();
    for rate in ["8000", "22050", "44100"] {
        for bits in ["16k", "96k"] {
            for silence in ["volume=1", "volume=0", "volume=0.001"] {
                let sound = wav(22_050, 2, 30_000);
                let options = ["-c:a", "aac", "-b:a", bits, "-ar", rate, "-af", silence];
                let path = encoded(folder.path(), &sound, "t.aac", &options);
                assert_eq!(ours_of(&path).rate.to_string(), rate, "{bits} {silence}");
            }
        }
    }
}

#[test]
fn an_edit_list_leaves_out_what_the_encoder_put_around() {
    let folder = folder();
    for frames in [50_021, 44_100, 1024, 100] {
        let sound = wav(44_100, 2, frames);
        let source = ours(sound.clone()).expect("a WAV file");
        for (file, options) in [
            ("aac.m4a", &["-c:a", "aac", "-b:a", "256k"][..]),
            ("aac.m4b", &["-c:a", "aac", "-b:a", "256k", "-f", "ipod"]),
            ("fast.mp4", &["-c:a", "aac", "-b:a", "256k", "-movflags", "+faststart"]),
            ("mp3.mp4", &["-c:a", "libmp3lame", "-b:a", "320k"]),
        ] {
            let path = encoded(folder.path(), &sound, file, options);
            let track = ours_of(&path);
            assert_eq!(track.frames(), frames, "{file}");
            // The sound stands where it stood.
            let near = snr(&track.samples, &source.samples);
            assert!(frames < 2000 || near > 15.0, "{file} of {frames} frames: {near:.1} dB");
        }
    }
}

#[test]
fn a_fragmented_file_that_is_cut_is_seen_wherever_it_is_cut() {
    let folder = folder();
    let options = ["-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000"];
    let bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 100_000), "t.mp4", &options)).expect("read");
    assert!(ours(bytes.clone()).expect("decoded").frames() >= 100_000);
    let last = bytes.windows(4).rposition(|own| own == b"mdat").expect("samples");
    for cut in [bytes.len() / 2, bytes.len() / 3, last + 100, last - 4] {
        assert!(refused(bytes[..cut].to_vec()).contains("replace it with a whole copy"), "{cut}");
    }
}

#[test]
fn adts_that_is_cut_or_has_a_tag_in_front() {
    let folder = folder();
    let bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 50_000), "t.aac", &["-c:a", "aac"])).expect("read");
    let whole = ours(bytes.clone()).expect("decoded");
    assert!(refused(bytes[..bytes.len() - 1].to_vec()).starts_with("the track breaks off after 0:01"));
    let tagged = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0xff; 256], &bytes].concat();
    assert!(ours(tagged).expect("decoded") == whole);
}
