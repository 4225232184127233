//! The examples: cross-fades of made-up and of real tracks, tags by numpy, peaks by a worker in Perl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::audio::material::{album, debian_files, ffmpeg, tool};
use crate::cli::Bench;
use crate::venv::python_with;

/// An example's graph file and its transforms in a folder of their own, run by a Python that has numpy.
fn example(name: &str, change: impl Fn(String) -> String) -> Bench {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let bench = Bench::new("");
    for folder in ["transforms", "workers"] {
        for file in fs::read_dir(config.join(folder)).expect("listed").flatten().filter(|file| file.path().is_file()) {
            let text = fs::read_to_string(file.path()).expect("text");
            bench.write(&format!("{folder}/{}", file.file_name().to_string_lossy()), &text);
        }
    }
    let venv = python_with("python-numpy", &["numpy"]);
    let venv = venv.parent().and_then(Path::parent).expect("a folder").display().to_string();
    let graph = fs::read_to_string(config.join(name)).expect("an example");
    let graph = graph.replace("{requirements: transforms/requirements.txt}", &format!("{{venv: {venv}}}"));
    bench.write("g.yaml", &change(graph));
    bench
}

/// The samples of a file by ffmpeg, as f32 of two channels at 44.1 kHz, interleaved.
fn samples(path: &Path) -> Vec<f32> {
    let raw = tempfile::NamedTempFile::new().expect("a file");
    let (from, to) = (path.display().to_string(), raw.path().display().to_string());
    ffmpeg(&["-v", "error", "-y", "-i", &from, "-f", "f32le", "-ac", "2", "-ar", "44100", &to]);
    let bytes = fs::read(raw.path()).expect("samples");
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

/// The greatest step from a sample to the next of its channel.
fn jump(samples: &[f32]) -> f32 {
    samples.windows(3).map(|three| (three[2] - three[0]).abs()).fold(0.0, f32::max)
}

fn only(bench: &Bench, below: &str) -> PathBuf {
    let files = bench.files(below);
    let [one] = files.iter().filter(|file| !file.starts_with('.')).collect::<Vec<_>>()[..] else {
        panic!("{below} holds {files:?}")
    };
    bench.path(below).join(one)
}

/// Mixes a pair, and holds the mix against the two tracks as the graph's `pcm` has them.
fn mixes_well(bench: &Bench, a: &str, b: &str) {
    let summary = bench.call(&format!("run g.yaml {a},{b} --json")).ends(0).last();
    assert_eq!(summary["jobs"]["automix"]["done"], 1, "{summary:#}");
    assert_eq!(summary["jobs"]["pcm"]["done"], 2, "the parents are made bottom-up: {summary:#}");
    let track = |id: &str| samples(&bench.path(&format!("automix/derived/pcm/{id}.flac")));
    let (a, b, mix) = (track(a), track(b), samples(&only(bench, "automix/derived/mixes")));
    let fade = 8 * 44_100 * 2;
    let off = mix.len().abs_diff(a.len() + b.len() - fade) as f64 / 2.0 / 44_100.0;
    assert!(off <= 0.010, "the mix is {off} s longer or shorter than it should be");
    let seam = &mix[a.len() - fade..a.len()];
    let own = jump(&a).max(jump(&b));
    assert!(jump(seam) <= own, "a step of {} in the seam, the tracks' own are {own}", jump(seam));
    let edges = [a.len() - fade, a.len()].map(|at| jump(&mix[at - 20..at + 20]));
    assert!(edges.iter().all(|edge| *edge <= own), "{edges:?}");
}

#[test]
fn two_made_up_tracks_are_mixed_word_for_word_as_the_example_says() {
    let bench = example("automix.yaml", |graph| graph);
    mixes_well(&bench, "t-1", "t-2");
    let again = bench.call("run g.yaml t-1,t-2").ends(0);
    assert!(again.out.contains("nothing to do"), "{again:?}");
    let first = fs::read(only(&bench, "automix/derived/mixes")).expect("a mix");
    bench.call("run g.yaml t-1,t-2 --force=automix").ends(0);
    assert_eq!(fs::read(only(&bench, "automix/derived/mixes")).expect("a mix"), first, "a mix is repeatable");
}

#[test]
fn real_music_of_different_rates_and_channels_is_mixed() {
    let from_music = |graph: String| {
        let without = graph.find("  track:").zip(graph.find("  pcm:")).expect("the jobs");
        let graph = graph[..without.0].to_owned() + &graph[without.1..];
        graph.replace("audio: track}", "audio: \"tracks:{id}.{ext}\"}")
    };
    let drascula = album().into_iter().next().expect("a track of 44.1 kHz, stereo");
    let btanks = debian_files("btanks-data", "ogg");
    let described = |path: &PathBuf| {
        let query = ["-v", "error", "-show_entries", "stream=sample_rate,channels:format=duration", "-of", "csv=p=0"];
        let output = tool("ffprobe", &[&query[..], &[&path.display().to_string()]].concat(), "ffmpeg");
        String::from_utf8_lossy(&output.stdout).replace('\n', ",")
    };
    // One of each kind, longer than the fade.
    let long_enough =
        |said: &String| said.split(',').nth(2).and_then(|s| s.parse::<f64>().ok()).is_some_and(|s| s > 9.0);
    let all: Vec<(PathBuf, String)> = btanks.into_iter().map(|path| (path.clone(), described(&path))).collect();
    let kind =
        |start: &str| all.iter().find(|(_, said)| said.starts_with(start) && long_enough(said)).map(|(path, _)| path);
    let others: Vec<&PathBuf> = ["22050,1", "22050,2"].into_iter().filter_map(kind).collect();
    assert_eq!(others.len(), 2, "mono and stereo: {all:#?}");
    for (number, other) in others.into_iter().enumerate() {
        let bench = example("automix.yaml", from_music);
        fs::create_dir_all(bench.path("automix/tracks")).expect("made");
        fs::copy(&drascula, bench.path("automix/tracks/a.ogg")).expect("copied");
        fs::copy(other, bench.path("automix/tracks/b.ogg")).expect("copied");
        let (first, second) = if number == 0 { ("a", "b") } else { ("b", "a") };
        mixes_well(&bench, first, second);
    }
}

#[test]
fn the_automixer_has_at_most_fifteen_lines() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/transforms/automix.py");
    let text = fs::read_to_string(path).expect("the automixer");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(lines.count() <= 15);
}

#[test]
fn a_model_is_set_up_once_for_each_worker_and_gives_tags() {
    let bench = example("tags.yaml", |graph| graph);
    bench.call("run g.yaml t-1 t-2 t-3 t-4").ends(0);
    for id in ["t-1", "t-2", "t-3", "t-4"] {
        let card: Value = serde_json::from_str(&bench.read(&format!("tags/derived/cards/{id}.json"))).expect("JSON");
        let tempo = card["tags"]["tempo_bpm"].as_f64().unwrap_or_else(|| panic!("{card:#}"));
        assert!((40.0..250.0).contains(&tempo), "{card:#}");
        assert!(card["loudness"]["integrated_lufs"].is_number(), "{card:#}");
    }
}

#[test]
fn a_worker_in_perl_gives_peaks() {
    assert!(Command::new("perl").arg("-v").output().is_ok(), "install perl");
    let bench = example("peaks.yaml", |graph| graph);
    bench.call("run g.yaml t-1 t-2 t-3").ends(0);
    for id in ["t-1", "t-2", "t-3"] {
        let peaks: Value = serde_json::from_str(&bench.read(&format!("peaks/derived/peaks/{id}.json"))).expect("JSON");
        let own = samples(&bench.path(&format!("peaks/tracks/{id}.wav")));
        let highest = own.iter().fold(0.0f32, |highest, sample| highest.max(sample.abs()));
        let said = peaks["peaks"].as_array().unwrap_or_else(|| panic!("{peaks:#}"));
        let flat = said.iter().flat_map(|peak| peak.as_array().cloned().unwrap_or_else(|| vec![peak.clone()]));
        let said_highest = flat.filter_map(|peak| peak.as_f64()).fold(0.0, f64::max);
        assert!((said_highest - f64::from(highest)).abs() < 0.001, "{said_highest} is not {highest}");
        assert_eq!(said.len(), 40, "ten seconds, four in each: {peaks}");
    }
}
