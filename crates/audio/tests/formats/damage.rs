//! Files that are damaged in their midst: refused as damaged, and what little is lost of lossy sound is silence of its length.

use std::{fs, ops::Range, path::Path};

use super::material::{encoded, ffmpeg, folder, ours, refused, wav};

const REPLACE: &str = "replace it with a whole copy";

/// The same bytes with a part of them overwritten.
fn with(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

fn noise(seed: u32, length: usize) -> Vec<u8> {
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(seed + 1), next).map(|state| (state >> 24) as u8).take(length).collect()
}

fn made(folder: &Path, frames: usize, file: &str, options: &[&str]) -> Vec<u8> {
    fs::read(encoded(folder, &wav(44_100, 2, frames), file, options)).expect("read")
}

#[test]
fn a_hole_in_a_matroska_file_is_damage_whatever_the_codec() {
    let folder = folder();
    for (file, codec) in [
        ("t.webm", "libvorbis"),
        ("t.mka", "libvorbis"),
        ("t.mka", "flac"),
        ("t.mka", "aac"),
        ("t.mka", "libmp3lame"),
        ("t.mka", "pcm_s16le"),
        ("t.mka", "alac"),
    ] {
        let bytes = made(folder.path(), 441_000, file, &["-c:a", codec, "-cluster_time_limit", "1000"]);
        assert!(ours(bytes.clone()).is_ok(), "{codec} in {file}");
        for tenth in 1..10 {
            let said = refused(with(&bytes, bytes.len() * tenth / 10, &[0; 512]));
            assert!(said.starts_with("the file is damaged") && said.ends_with(REPLACE), "{codec} in {file}: {said}");
        }
    }
}

#[test]
fn a_hole_in_a_live_stream_is_damage_and_not_its_end() {
    let folder = folder();
    let sound = encoded(folder.path(), &wav(44_100, 2, 441_000), "t.wav", &[]);
    let arguments = ["-i", &sound.to_string_lossy(), "-c:a", "libvorbis", "-f", "webm", "-live", "1", "-"];
    let bytes = ffmpeg(&arguments);
    assert!(ours(bytes.clone()).expect("decoded").frames() >= 441_000);
    for tenth in 1..10 {
        let said = refused(with(&bytes, bytes.len() * tenth / 10, &[0; 512]));
        assert!(said.starts_with("the file is damaged") && said.ends_with(REPLACE), "{said}");
    }
}

#[test]
fn alac_that_is_damaged_is_never_played_as_noise() {
    let folder = folder();
    for file in ["t.m4a", "t.caf"] {
        let bytes = made(folder.path(), 200_000, file, &["-c:a", "alac"]);
        assert!(ours(bytes.clone()).is_ok());
        for part in 2..15 {
            let at = bytes.len() * part / 17;
            for new in [vec![0; 2048], vec![0xff; 600], noise(part as u32, 500)] {
                let said = refused(with(&bytes, at, &new));
                assert!(said.starts_with("the file is damaged at 0:0") && said.ends_with(REPLACE), "{file}: {said}");
            }
        }
    }
}

#[test]
fn each_frame_of_flac_is_checked_where_no_sum_of_all_sound_is() {
    let folder = folder();
    let fragmented = ["-c:a", "flac", "-strict", "-2", "-movflags", "frag_keyframe+empty_moov+default_base_moof"];
    for (file, options) in
        [("t.mp4", &fragmented[..]), ("t.mka", &["-c:a", "flac", "-write_crc32", "0", "-live", "1"][..])]
    {
        let bytes = made(folder.path(), 100_000, file, options);
        assert!(ours(bytes.clone()).is_ok(), "{file}");
        for part in 4..16 {
            let at = bytes.len() * part / 17;
            let said = refused(with(&bytes, at, &[bytes[at] ^ 8]));
            assert!(said.starts_with("the file is damaged") && said.ends_with(REPLACE), "{file}: {said}");
        }
    }
}

#[test]
fn flac_whose_description_names_another_rate_than_its_frames_is_damaged() {
    let folder = folder();
    for (file, options) in [("t.mp4", &["-c:a", "flac", "-strict", "-2"][..]), ("t.mka", &["-c:a", "flac"])] {
        let bytes = made(folder.path(), 20_000, file, options);
        // 44,100 Hz in 20 bits, stereo, 16 bits.
        let at = bytes.windows(4).position(|own| own == [0x0a, 0xc4, 0x42, 0xf0]).expect("a description of the stream");
        let said = refused(with(&bytes, at, &[0x02]));
        assert!(said.starts_with("the file is damaged") && said.ends_with(REPLACE), "{file}: {said}");
    }
}

#[test]
fn a_flac_file_that_ends_within_its_headers_is_damaged() {
    let folder = folder();
    let bytes = made(folder.path(), 20_000, "t.flac", &["-c:a", "flac"]);
    for length in [60, 200, 319] {
        let said = refused(bytes[..length].to_vec());
        assert_eq!(said, format!("the file is damaged: it ends within its headers; {REPLACE}"), "{length}");
    }
}

/// Where the packets of an MP4 file lie that has one track, one after the other.
fn packets(bytes: &[u8]) -> Vec<Range<usize>> {
    let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
    let table = |name: &[u8]| bytes.windows(4).rposition(|own| own == name).expect("a table") + 8;
    let (sizes, mut at) = (table(b"stsz"), number(table(b"stco") + 4));
    let each = (0..number(sizes + 4)).map(|n| number(sizes + 8 + 4 * n));
    each.map(|size| {
        at += size;
        at - size..at
    })
    .collect()
}

#[test]
fn a_packet_of_aac_that_cannot_be_decoded_is_silence_of_its_length() {
    let folder = folder();
    // Without noise substitution, whose noise depends on how many packets were decoded before.
    let bytes = made(folder.path(), 441_000, "t.m4a", &["-c:a", "aac", "-aac_pns", "0"]);
    let (whole, packets) = (ours(bytes.clone()).expect("decoded"), packets(&bytes));
    // Elements that no file of AAC-LC has: a coupling channel, an arrangement of its own.
    for element in [0x40, 0xa0] {
        let bad = |count: usize| {
            packets[200..]
                .iter()
                .step_by(7)
                .take(count)
                .fold(bytes.clone(), |bytes, packet| with(&bytes, packet.start, &vec![element; packet.len()]))
        };
        let track = ours(bad(1)).expect("one packet of hundreds is no loss");
        assert_eq!(track.frames(), whole.frames());
        let (around, late) = ((200 * 1024 - 1024) * 2, 205 * 1024 * 2);
        assert!(track.samples[..around - 2048] == whole.samples[..around - 2048]);
        assert!(track.samples[late..] == whole.samples[late..], "later sound stands elsewhere");
        assert!(track.samples != whole.samples);
        let said = refused(bad(9));
        assert_eq!(
            said,
            format!("the file is damaged: 9 of its {} pieces cannot be decoded; {REPLACE}", packets.len())
        );
    }
}

#[test]
fn a_packet_of_adts_that_cannot_be_decoded_is_damage_and_not_unsupported() {
    let folder = folder();
    let bytes = made(folder.path(), 441_000, "t.aac", &["-c:a", "aac"]);
    let whole = ours(bytes.clone()).expect("decoded");
    let (mut at, mut starts) = (0, Vec::new());
    while at < bytes.len() {
        starts.push(at);
        at += usize::from(bytes[at + 3] & 3) << 11 | usize::from(bytes[at + 4]) << 3 | usize::from(bytes[at + 5] >> 5);
    }
    let one = ours(with(&bytes, starts[200] + 7, &[0x40; 50])).expect("one packet of hundreds is no loss");
    assert!(one.frames() == whole.frames() && one.samples != whole.samples);
    let many = starts[200..].iter().take(20).fold(bytes, |bytes, at| with(&bytes, at + 7, &[0x40; 50]));
    assert!(refused(many).contains("the file is damaged: 20 of its"));
}

#[test]
fn mp3_in_wav_that_is_cut_off_is_seen_wherever_it_is_cut() {
    let folder = folder();
    let bytes = made(folder.path(), 100_000, "t.wav", &["-c:a", "libmp3lame", "-b:a", "64k"]);
    assert!(ours(bytes.clone()).is_ok());
    for cut in bytes.len() / 2..bytes.len() / 2 + 220 {
        assert!(refused(bytes[..cut].to_vec()).starts_with("the track breaks off after 0:01"), "{cut}");
    }
}

#[test]
fn a_size_that_leads_out_of_the_file_is_damage() {
    let folder = folder();
    let bytes = made(folder.path(), 20_000, "t.w64", &[]);
    for size in [u64::MAX, 1 << 63, 1 << 40] {
        let said = refused(with(&bytes, 40 + 16, &size.to_le_bytes())); // of the format chunk
        assert_eq!(said, format!("the file is damaged: it has no data chunk; {REPLACE}"), "{size:#x}");
    }
}

#[test]
fn an_mp4_file_that_is_cut_within_its_index_is_cut() {
    let folder = folder();
    let bytes = made(folder.path(), 100_000, "t.m4a", &["-c:a", "aac"]);
    let index = bytes.windows(4).rposition(|own| own == b"moov").expect("an index");
    for cut in [index + 5, index + 200, bytes.len() - 50, bytes.len() - 1] {
        let said = refused(bytes[..cut].to_vec());
        assert!(said.starts_with("the file ends within its index (`moov`): the file is cut off"), "{cut}: {said}");
    }
}
