//! Ogg: pages that are damaged or missing, chains, several streams at once, odd positions.

use std::fs;

use super::material::{encoded, ffmpeg, ffmpegs, folder, ours, ours_of, refused, snr, wav};

/// The pages of a file.
pub fn pages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut pages) = (bytes, Vec::new());
    while rest.len() > 27 {
        let segments = usize::from(rest[26]);
        let body: usize = rest[27..27 + segments].iter().map(|&length| usize::from(length)).sum();
        let (page, later) = rest.split_at(27 + segments + body);
        pages.push(page.to_vec());
        rest = later;
    }
    pages
}

/// The same page with a right checksum.
pub fn sealed(mut page: Vec<u8>) -> Vec<u8> {
    page[22..26].fill(0);
    let sum = page.iter().fold(0u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
    page
}

fn vorbis(folder: &std::path::Path, rate: u32, channels: u16, frames: usize) -> Vec<u8> {
    let options = ["-c:a", "libvorbis", "-page_duration", "200000"];
    fs::read(encoded(folder, &wav(rate, channels, frames), "t.ogg", &options)).expect("read")
}

#[test]
fn a_damaged_page_and_a_missing_one_are_told_with_their_second() {
    let folder = folder();
    for codec in ["libvorbis", "flac"] {
        let options = ["-c:a", codec, "-page_duration", "200000"];
        let bytes = fs::read(encoded(folder.path(), &wav(44_100, 2, 441_000), "t.oga", &options)).expect("read");
        let pages = pages(&bytes);
        assert!(pages.len() > 12, "{codec}: {} pages", pages.len());
        let middle = pages.len() / 2;
        let mut changed = pages.clone();
        *changed[middle].last_mut().expect("bytes") ^= 0x10;
        let said = refused(changed.concat());
        assert!(said.starts_with("the file is damaged at 0:0"), "{codec}: {said}");
        assert!(said.contains("the checksum of a page of the Ogg file is wrong; replace"), "{codec}: {said}");
        let mut missing = pages.clone();
        missing.remove(middle);
        let said = refused(missing.concat());
        assert!(said.contains("a page of the Ogg file is missing; replace it with a whole copy"), "{codec}: {said}");
        let mut swapped = pages.clone();
        swapped.swap(middle, middle + 1);
        assert!(refused(swapped.concat()).contains("missing"), "{codec}");
        let said = refused([pages[..middle].concat(), b"junk".to_vec(), pages[middle..].concat()].concat());
        assert!(said.contains("belong to no page"), "{codec}: {said}");
    }
}

#[test]
fn a_chain_plays_on_and_one_that_changes_its_shape_is_refused() {
    let folder = folder();
    let (one, two) = (vorbis(folder.path(), 44_100, 2, 30_000), vorbis(folder.path(), 44_100, 2, 50_000));
    let path = folder.path().join("chain.ogg");
    fs::write(&path, [&one[..], &two, &one].concat()).expect("written");
    let chain = ours_of(&path);
    assert_eq!(chain.frames(), 110_000);
    let parts = [&one, &two, &one].map(|part| ours(part.clone()).expect("decoded").samples);
    assert!(chain.samples == parts.concat());
    let said = refused([&one[..], &vorbis(folder.path(), 48_000, 2, 9000)].concat());
    assert!(said.starts_with("the track changes its sample rate or channels at 0:01; convert"), "{said}");
    assert!(refused([&one[..], &vorbis(folder.path(), 44_100, 1, 9000)].concat()).starts_with("the track changes"));
    let flac = fs::read(encoded(folder.path(), &wav(44_100, 2, 9000), "t.oga", &["-c:a", "flac"])).expect("read");
    assert!(refused([&flac[..], &flac].concat()).contains("is not supported"));
    assert!(refused([&one[..], &two[..two.len() - 10]].concat()).starts_with("the track breaks off after 0:0"));
}

#[test]
fn the_sound_of_a_film_is_found_among_its_streams() {
    let folder = folder();
    let sound = folder.path().join("sound.wav");
    fs::write(&sound, wav(44_100, 2, 60_000)).expect("written");
    let film = folder.path().join("film.ogv");
    let picture = "color=red:s=64x48:d=1.3";
    ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        picture,
        "-i",
        &sound.to_string_lossy(),
        "-c:a",
        "libvorbis",
        &film.to_string_lossy(),
    ]);
    assert!(snr(&ours_of(&film).samples, &ffmpegs(&film)) > 90.0);
}

#[test]
fn of_several_streams_the_first_in_the_file_is_read_whatever_their_numbers() {
    let folder = folder();
    let (long, short) = (folder.path().join("long.wav"), folder.path().join("short.wav"));
    fs::write(&long, wav(44_100, 1, 60_000)).expect("written");
    fs::write(&short, wav(44_100, 2, 20_000)).expect("written");
    for codecs in [["flac", "libvorbis"], ["libvorbis", "flac"], ["flac", "flac"], ["libvorbis", "libvorbis"]] {
        let path = folder.path().join("two.oga");
        let from = ["-i", &short.to_string_lossy(), "-i", &long.to_string_lossy(), "-map", "0", "-map", "1"];
        let to = ["-c:a:0", codecs[0], "-c:a:1", codecs[1], &path.to_string_lossy()];
        ffmpeg(&[&from[..], &to].concat());
        let bytes = fs::read(&path).expect("read");
        let first = bytes[14..18].to_vec();
        for numbers in [[3, 7], [7, 3]] {
            let numbered = pages(&bytes).into_iter().map(|mut page| {
                let number: u32 = if page[14..18] == first[..] { numbers[0] } else { numbers[1] };
                page[14..18].copy_from_slice(&number.to_le_bytes());
                sealed(page)
            });
            let track = ours(numbered.collect::<Vec<_>>().concat()).expect("decoded");
            assert_eq!((track.channels, track.frames()), (2, 20_000), "{codecs:?} as {numbers:?}");
        }
    }
}

#[test]
fn positions_that_are_missing_or_begin_late_cost_no_sound() {
    let folder = folder();
    let bytes = vorbis(folder.path(), 44_100, 1, 200_000);
    let whole = ours(bytes.clone()).expect("decoded");
    let all = pages(&bytes);
    let last = all.len() - 1;
    let missing = all.iter().enumerate().map(|(number, page)| {
        let mut page = page.clone();
        if number > 3 && number < last && number % 3 == 0 {
            page[6..14].fill(0xff);
        }
        sealed(page)
    });
    let missing: Vec<Vec<u8>> = missing.collect();
    let late = all.iter().enumerate().map(|(number, page)| {
        let mut page = page.clone();
        let mut position = [0; 8];
        position.copy_from_slice(&page[6..14]);
        let position = i64::from_le_bytes(position);
        if number > 1 && position > 0 {
            page[6..14].copy_from_slice(&(position + 44_100 * 36_000).to_le_bytes());
        }
        sealed(page)
    });
    let late: Vec<Vec<u8>> = late.collect();
    assert!(ours(missing.concat()).expect("decoded") == whole);
    let late = ours(late.concat()).expect("decoded");
    assert!(late.frames().abs_diff(whole.frames()) <= 2048, "{}", late.frames());
}
