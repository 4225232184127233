//! What the audio tests stand on beside our own code: real music, ffmpeg, Python with librosa.
//!
//! What is missing fails a test with the remedy, for a test that skips itself proves nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Runs a program to its end.
pub fn tool(program: &str, arguments: &[&str], package: &str) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot run `{program}` ({error}); install it: apt-get install -y {package}"))
}

/// Runs ffmpeg without questions; panics with what it said where it fails.
pub fn ffmpeg(arguments: &[&str]) -> Output {
    let output = tool("ffmpeg", &[&["-nostdin", "-hide_banner"], arguments].concat(), "ffmpeg");
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// The folder of a real album: 31 tracks of ogg vorbis, 46 minutes (Debian's package `drascula-music`).
///
/// `EUTERPE_MUSIC` names such a folder; without it the package is fetched once into the target folder.
pub fn album() -> Vec<PathBuf> {
    let folder = std::env::var_os("EUTERPE_MUSIC").map_or_else(fetched_album, PathBuf::from);
    let listed = fs::read_dir(&folder).unwrap_or_else(|error| panic!("no music in {}: {error}", folder.display()));
    let mut tracks: Vec<PathBuf> = listed
        .map(|entry| entry.expect("a folder that can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ogg"))
        .collect();
    tracks.sort();
    assert!(!tracks.is_empty(), "no .ogg files in {}; point EUTERPE_MUSIC at a folder of them", folder.display());
    tracks
}

/// Every third track of it, for tests whose subject is not the music: all of it goes through the example catalogue in one
/// process.
pub fn third_of_the_album() -> Vec<PathBuf> {
    album().into_iter().step_by(3).collect()
}

fn fetched_album() -> PathBuf {
    let remedy = "set EUTERPE_MUSIC to a folder of ogg files, or run where `apt-get download drascula-music` works";
    fetched("drascula-music", remedy).join("usr/share/scummvm/drascula/audio")
}

/// The files of a Debian package that have an extension, in order.
pub fn debian_files(package: &str, extension: &str) -> Vec<PathBuf> {
    let remedy = format!("run where `apt-get download {package}` works");
    let (mut folders, mut files) = (vec![fetched(package, &remedy)], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).expect("listed").map(|entry| entry.expect("an entry").path()) {
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|own| own == extension) => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}

/// A Debian package, unpacked once in the target folder.
fn fetched(package: &str, remedy: &str) -> PathBuf {
    let home = cache().join(package);
    if home.is_dir() {
        return home;
    }
    // Unpacked beside it and renamed: another test's process may be doing the same.
    let fresh = tempfile::tempdir_in(cache()).expect("a folder in the target folder");
    let script = format!("apt-get -qq download {package} && dpkg -x {package}_*.deb unpacked");
    let fetched = Command::new("sh").arg("-c").arg(script).current_dir(&fresh).output();
    let fetched = fetched.unwrap_or_else(|error| panic!("no music to test with ({error}); {remedy}"));
    assert!(fetched.status.success(), "no music to test with; {remedy}: {}", String::from_utf8_lossy(&fetched.stderr));
    if let Err(error) = fs::rename(fresh.path().join("unpacked"), &home) {
        assert!(home.is_dir(), "could not keep the music: {error}");
    }
    home
}

/// A Python with librosa in a virtual environment of its own.
pub fn python_with_librosa() -> PathBuf {
    crate::venv::python_with("librosa", &["librosa", "soundfile"])
}

/// Writes a test's file.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file in a temporary folder");
    path
}

/// Noise and a sweep from the bottom to the top of what a rate holds, from loud to 60 dB below, as WAV of 32-bit floats.
pub fn sweep(rate: u32, channels: u16, seconds: f64) -> Vec<u8> {
    let spec =
        hound::WavSpec { channels, sample_rate: rate, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a writer");
    let frames = (seconds * f64::from(rate)) as usize;
    let mut state = 1u32;
    for n in 0..frames {
        let (time, share) = (n as f64 / f64::from(rate), n as f64 / frames as f64);
        let top = f64::from(rate) / 2.0;
        let phase = std::f64::consts::TAU * top * time * share / 2.0;
        for channel in 0..channels {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state) / f64::from(u32::MAX) - 0.5;
            let loud = 10f64.powf(-3.0 * share) * if channel == 0 { 0.7 } else { 0.3 };
            writer.write_sample((loud * (phase.sin() + 0.05 * noise)) as f32).expect("written");
        }
    }
    writer.finalize().expect("finished");
    bytes.into_inner()
}
