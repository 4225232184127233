//! Of several tracks of sound in a file the one is read that ffmpeg chooses: a default one, then the one of most channels.

use super::material::{ffmpeg, folder, ours_of};

#[test]
fn the_default_track_is_read_and_then_the_one_of_most_channels() {
    let folder = folder();
    let second = "aevalsrc=0.4*sin(2*PI*3000*t)|0.4*sin(2*PI*3000*t):d=2:s=44100";
    for (file, codec) in [("t.m4a", "aac"), ("t.m4a", "alac"), ("t.mka", "libvorbis"), ("t.mka", "flac")] {
        for (first, last, channels) in [("default", "0", 1), ("0", "default", 2), ("default", "default", 2)] {
            let path = folder.path().join(file);
            let from = ["-f", "lavfi", "-i", "sine=f=200:d=1:r=44100", "-f", "lavfi", "-i", second];
            let tracks = ["-map", "0", "-map", "1", "-c:a", codec, "-disposition:a:0", first, "-disposition:a:1", last];
            ffmpeg(&[&from[..], &tracks, &[&path.to_string_lossy()]].concat());
            let track = ours_of(&path);
            assert_eq!(track.channels, channels, "{codec} in {file}, {first} and {last}");
            assert_eq!(track.frames() / 44_100, channels, "{codec} in {file}, {first} and {last}");
        }
    }
}
