//! Every track of a real album goes through every audio transform; one that is damaged is refused in words.

use std::fs;

use euterpe_actors::outcome::FaultKind;
use serde_json::{Value, json};

use super::{material::album, run};

#[test]
fn real_music_goes_through_every_audio_transform() {
    let tracks = album();
    let mut seconds = 0.0;
    for path in &tracks {
        let name = path.display();
        let pcm = run::file("audio.transcode", json!({"rate": 22_050, "channels": 1}), path, "flac");
        let pcm = pcm.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        let loudness = run::file("audio.loudness", Value::Null, path, "json").expect("measured");
        let loudness: Value = serde_json::from_slice(&loudness).expect("json");
        let duration = loudness["duration_s"].as_f64().expect("a duration");
        seconds += duration;
        let mel =
            run::bytes("audio.melspectrogram", Value::Null, "pcm.flac", pcm.clone(), "npy").expect("a mel spectrogram");
        let frames = (mel.len() - 128) / 4 / 128;
        assert!(
            frames.abs_diff((duration * 22_050.0 / 512.0) as usize) <= 1,
            "{name}: {frames} frames for {duration} s"
        );
        let picture = run::bytes("audio.spectrogram", Value::Null, "pcm.flac", pcm, "png").expect("a picture");
        assert!(
            picture.starts_with(b"\x89PNG") && picture.len() > 20_000,
            "{name}: a picture of {} bytes",
            picture.len()
        );
    }
    println!("{} tracks, {:.1} minutes", tracks.len(), seconds / 60.0);
}

#[test]
fn real_music_that_is_cut_off_is_refused_wherever_the_cut_is() {
    let tracks = album();
    let shortest = tracks.iter().min_by_key(|path| fs::metadata(path).map_or(u64::MAX, |found| found.len()));
    let whole = fs::read(shortest.expect("a track")).expect("read");
    for share in [2, 10, 25, 50, 75, 90, 99] {
        let cut = whole[..whole.len() * share / 100].to_vec();
        let fault = run::bytes("audio.loudness", Value::Null, "t.ogg", cut, "json").expect_err("cut off");
        assert_eq!(fault.kind, FaultKind::BadInput, "{fault}");
        assert!(fault.text.contains("replace it with a whole copy"), "{fault}");
    }
    let one_byte_less = whole[..whole.len() - 1].to_vec();
    assert!(run::bytes("audio.loudness", Value::Null, "t.ogg", one_byte_less, "json").is_err());
}
