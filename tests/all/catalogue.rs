//! The main job on real input: the example catalogue over real music in mixed formats and nested folders.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::audio::material::{album, ffmpeg, python_with_librosa, tool};

/// A folder of music, the example graph beside it, and the program.
struct Studio {
    folder: tempfile::TempDir,
}

impl Studio {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let graph = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/catalogue.yaml");
        fs::copy(graph, folder.path().join("catalogue.yaml")).expect("the example");
        fs::create_dir_all(folder.path().join("music/first/second")).expect("folders");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn euterpe(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_euterpe"))
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (status.code().expect("no signal"), text(stdout), text(stderr))
    }

    /// Runs the catalogue; its exit code and its summary.
    fn run(&self) -> (i32, Value) {
        let (code, stdout, stderr) = self.euterpe(&["--json", "run", "catalogue.yaml"]);
        let last = stdout.lines().last().unwrap_or_else(|| panic!("no summary: {stderr}"));
        (code, serde_json::from_str(last).expect("a summary"))
    }
}

fn sum(summary: &Value, outcome: &str) -> u64 {
    let jobs = summary["jobs"].as_object().expect("jobs");
    jobs.values().map(|job| job[outcome].as_u64().expect("a count")).sum()
}

#[test]
fn the_example_catalogue_makes_everything_of_real_music_once_and_names_what_is_broken() {
    let studio = Studio::new();
    let tracks = album();
    let mut ids = Vec::new();
    for (n, track) in tracks.iter().enumerate() {
        let stem = track.file_stem().expect("a name").to_str().expect("text");
        let id = [stem.to_owned(), format!("first/{stem}"), format!("first/second/{stem} é")][n % 3].clone();
        fs::copy(track, studio.path(&format!("music/{id}.ogg"))).expect("a copy");
        ids.push(id);
    }
    let whole = studio.path(&format!("music/{}.ogg", ids[0]));
    for (format, name) in [("mp3", "first/loud.MP3"), ("flac", "exact.flac"), ("wav", "first/second/plain.wav")] {
        let to = studio.path(&format!("music/{name}"));
        let cut =
            ["-v", "error", "-t", "20", "-i", whole.to_str().expect("text"), "-f", format, to.to_str().expect("text")];
        ffmpeg(&cut);
        ids.push(name.rsplit_once('.').expect("an extension").0.to_owned());
    }
    fs::write(studio.path("music/first/cover.jpg"), "not music").expect("written");
    let bytes = fs::read(&whole).expect("a track");
    let broken: [(&str, &[u8], &str); 3] = [
        ("first/half", &bytes[..bytes.len() / 2], "the file is cut off or damaged"),
        ("letter", b"Dear sir or madam,\n", "this is not audio: the file is text"),
        ("nothing", b"", "the file is empty"),
    ];
    for (id, content, _) in broken {
        fs::write(studio.path(&format!("music/{id}.ogg")), content).expect("written");
    }

    let (code, summary) = studio.run();
    assert_eq!(code, 4, "{summary}");
    let (good, bad) = (ids.len() as u64, broken.len() as u64);
    assert_eq!(summary["entities"].as_u64(), Some(good + bad));
    let jobs = summary["jobs"].as_object().expect("jobs");
    for (name, job) in jobs {
        let counts = ["done", "dead", "open"].map(|outcome| job[outcome].as_u64().expect("a count"));
        assert_eq!(counts, [good, bad, 0], "{name}: {job}");
    }
    for id in &ids {
        let key = percent(id);
        for (kind, suffix) in
            [("pcm", "flac"), ("mel", "npy"), ("loudness", "json"), ("spectrogram", "png"), ("cards", "json")]
        {
            let path = studio.path(&format!("derived/{kind}/{key}.{suffix}"));
            assert!(fs::metadata(&path).is_ok_and(|found| found.len() > 0), "{} is missing", path.display());
        }
    }
    let (_, letters, _) = studio.euterpe(&["dead", "ls", "catalogue.yaml", "--all"]);
    for (id, _, text) in broken {
        assert!(letters.contains(id) && letters.contains(text), "no `{text}` for `{id}` in:\n{letters}");
    }
    each_array_opens_in_numpy(&studio.path("derived/mel"), ids.len());

    let (code, again) = studio.run();
    assert_eq!((code, sum(&again, "done")), (4, 0), "{again}");

    for (id, ..) in broken {
        fs::copy(&whole, studio.path(&format!("music/{id}.ogg"))).expect("repaired");
    }
    let (code, stdout, stderr) = studio.euterpe(&["dead", "retry", "catalogue.yaml"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    for (id, ..) in broken {
        assert!(studio.path(&format!("derived/cards/{id}.json")).is_file(), "what waited on `{id}` was not made");
    }
    let (code, stdout, _) = studio.euterpe(&["run", "catalogue.yaml"]);
    assert_eq!(code, 0);
    assert!(stdout.starts_with(&format!("nothing to do: all outputs of {} entities", good + bad)), "{stdout}");
}

/// Keys keep letters and digits, `.`, `_`, `-` and `/`; other characters of ASCII are percent-encoded.
fn percent(id: &str) -> String {
    let safe = |c: &char| !c.is_ascii() || c.is_ascii_alphanumeric() || "._-/".contains(*c);
    id.chars().map(|c| if safe(&c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) }).collect()
}

fn each_array_opens_in_numpy(folder: &Path, count: usize) {
    let script = "
import pathlib, sys, numpy
files = sorted(pathlib.Path(sys.argv[1]).rglob('*.npy'))
for file in files:
    mel = numpy.load(file)
    assert mel.dtype == numpy.float32 and mel.ndim == 2 and mel.shape[0] == 128 and mel.shape[1] > 1, (file, mel.dtype, mel.shape)
    assert numpy.isfinite(mel).all() and (mel >= 0).all() and mel.max() > 0, file
print(len(files))";
    let python = python_with_librosa();
    let opened = tool(&python.to_string_lossy(), &["-c", script, &folder.to_string_lossy()], "python3");
    let said = String::from_utf8_lossy(&opened.stdout);
    assert_eq!(said.trim(), count.to_string(), "{}", String::from_utf8_lossy(&opened.stderr));
}
