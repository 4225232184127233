//! What we encode as FLAC, ffmpeg decodes to the very same samples.

use serde_json::json;

use super::{
    material::{ffmpeg, put, sweep},
    run,
};

#[test]
fn ffmpeg_decodes_our_flac_to_the_samples_of_our_wav() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for bits in [16, 24] {
        for (rate, channels, seconds) in
            [(44_100, 2, 5.0), (8_000, 1, 0.001), (48_000, 6, 1.0), (22_050, 1, 4096.0 / 22_050.0), (37_123, 2, 0.7)]
        {
            let sound = sweep(rate, channels, seconds);
            let mut sums = Vec::new();
            for suffix in ["wav", "flac"] {
                let made = run::bytes("audio.transcode", json!({"bits": bits}), "t.wav", sound.clone(), suffix);
                let path = put(folder.path(), &format!("made.{suffix}"), &made.expect("made"));
                let format = format!("s{bits}le");
                // `-err_detect` makes ffmpeg check the frames' checksums.
                let path = path.to_string_lossy();
                let decoded = ffmpeg(&["-v", "error", "-err_detect", "explode", "-i", &path, "-f", &format, "-"]);
                assert!(decoded.stderr.is_empty(), "{}", String::from_utf8_lossy(&decoded.stderr));
                sums.push(decoded.stdout);
            }
            let frames = (seconds * f64::from(rate)) as usize;
            assert_eq!(sums[0].len(), frames * usize::from(channels) * bits / 8);
            assert!(sums[0] == sums[1], "{bits} bits, {channels} channels at {rate} Hz differ");
        }
    }
}
