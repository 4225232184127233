//! Packets in CAF: the table that says how long they are, and which of their frames are sound.

use std::fs;

use super::material::{encoded, ffmpegs, folder, ours, refused, refused_natively, snr, wav};

fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    [&name[..], &(body.len() as u64).to_be_bytes(), body].concat()
}

/// A number of seven bits in each byte.
fn number(number: usize) -> Vec<u8> {
    if number < 128 { vec![number as u8] } else { vec![0x80 | (number >> 7) as u8, number as u8 & 0x7f] }
}

/// A file of stereo at 44.1 kHz, as Apple's `afconvert` writes it.
fn caf(codec: &[u8; 4], frames: u32, packets: &[&[u8]], [valid, priming]: [usize; 2], cookie: &[u8]) -> Vec<u8> {
    let numbers = |own: &[u32]| own.iter().flat_map(|own| own.to_be_bytes()).collect::<Vec<u8>>();
    let description = [&44_100f64.to_be_bytes()[..], codec, &numbers(&[0, 0, frames, 2, 0])].concat();
    let rest = frames as usize * packets.len() - valid - priming;
    let mut table = [packets.len() as u64, valid as u64].map(u64::to_be_bytes).concat();
    table.extend(numbers(&[priming as u32, rest as u32]));
    packets.iter().for_each(|packet| table.extend(number(packet.len())));
    let cookie = if cookie.is_empty() { Vec::new() } else { chunk(b"kuki", cookie) };
    let data = chunk(b"data", &[&[0; 4], &packets.concat()[..]].concat());
    [&b"caff\0\x01\0\0"[..], &chunk(b"desc", &description), &cookie, &data, &chunk(b"pakt", &table)].concat()
}

/// Takes a stream apart into packets, of which `length` says how long the first one is.
fn packets(mut stream: &[u8], length: impl Fn(&[u8]) -> usize) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    while !stream.is_empty() {
        let (packet, later) = stream.split_at(length(stream));
        packets.push(packet);
        stream = later;
    }
    packets
}

/// What Apple writes before the two bytes that describe AAC-LC of 44.1 kHz and two channels.
const COOKIE: &[u8] = b"\x03\x80\x80\x80\x22\0\0\0\x04\x80\x80\x80\x14\x40\x15\0\x18\0\0\x01\xf4\0\0\x01\xf4\0\x05\x80\x80\x80\x02\x12\x10\x06\x80\x80\x80\x01\x02";

#[test]
fn what_the_encoder_put_around_aac_and_mp3_is_left_out_as_the_table_says() {
    let folder = folder();
    let sound = wav(44_100, 2, 88_200);
    let adts = encoded(folder.path(), &sound, "t.aac", &[]);
    let mp3 = encoded(folder.path(), &sound, "t.mp3", &["-write_xing", "0", "-id3v2_version", "0", "-b:a", "128k"]);
    let (aac, stream) = (fs::read(&adts).expect("read"), fs::read(&mp3).expect("read"));
    let whole =
        packets(&aac, |own| usize::from(own[3] & 3) << 11 | usize::from(own[4]) << 3 | usize::from(own[5] >> 5));
    let aac: Vec<&[u8]> = whole.iter().map(|packet| &packet[7..]).collect();
    let mp3s = packets(&stream, |own| 144_000 * 128 / 44_100 + usize::from(own[2] >> 1 & 1));
    for (name, bytes, reference, priming) in [
        ("AAC", caf(b"aac ", 1024, &aac, [88_200, 1024], COOKIE), &adts, 1024),
        ("MP3", caf(b".mp3", 1152, &mp3s, [88_200, 1105], b""), &mp3, 1105),
    ] {
        let track = ours(bytes.clone()).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!((track.rate, track.channels, track.frames()), (44_100, 2, 88_200), "{name}");
        let theirs = &ffmpegs(reference)[2 * priming..][..2 * 88_200];
        assert!(snr(&track.samples, theirs) > 90.0, "{name}");
        let table = bytes.windows(4).position(|own| own == b"pakt").expect("a table");
        let said = refused([&bytes[..table - 500], &bytes[table..]].concat());
        assert!(said.contains("replace it with a whole copy"), "{name}: {said}");
    }
    let said = refused_natively(&caf(b"aac ", 1024, &aac, [88_200, 1024], b"\x12\x10"));
    assert!(said.starts_with("CAF with AAC that is not described as Apple does is not supported; convert"), "{said}");
}

#[test]
fn a_table_with_room_behind_its_last_entry_is_whole() {
    let folder = folder();
    let sound = wav(44_100, 2, 30_000);
    let bytes = fs::read(encoded(folder.path(), &sound, "t.caf", &["-c:a", "alac"])).expect("read");
    let source = ours(sound).expect("a WAV file");
    assert!(ours(bytes.clone()).expect("decoded") == source);
    let at = bytes.windows(4).position(|own| own == b"pakt").expect("a table");
    let size = bytes[at + 4..at + 12].iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    let end = at + 12 + size;
    let with = |size: usize, entries: &[u8]| {
        [&bytes[..at + 4], &(size as u64).to_be_bytes(), &bytes[at + 12..at + 36], entries, &bytes[end..]].concat()
    };
    let entries = &bytes[at + 36..end];
    // As libsndfile leaves it.
    assert!(ours(with(size + 40, &[entries, &[0; 40]].concat())).expect("decoded") == source);
    let said = refused(with(size - 1, &entries[..entries.len() - 1]));
    assert!(said.starts_with("the file is damaged: its packet table (`pakt`) breaks off; replace"), "{said}");
}
