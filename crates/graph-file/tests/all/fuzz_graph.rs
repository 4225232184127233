//! Random damage to graph files: whatever comes, an answer within a second and never a panic.
//!
//! `EUTERPE_FUZZ_SECONDS` says for how long (default 2). A failure prints the seed that repeats it
//! (`EUTERPE_FUZZ_SEED`).

use std::time::{Duration, Instant};

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::graph_file::check;

const PIECES: [&str; 44] = [
    "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "&a ", "*a", "!!str ", "|", ">", "\"", "'", "#", " #", "?",
    "---", "${", "${X:-", "}", "{id}", "{a}", "{ext}", "{a},{b}", "null", "~", "-1", "1e999", "0x", ".nan", "10m",
    "4GB", "use", "in", "out", "\u{feff}", "\u{0}", "\t", "é", "\u{202e}", "../",
];

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A piece of the file is cut, doubled, moved or replaced.
fn damage(text: &mut String, rng: &mut SmallRng) {
    let place = |text: &str, rng: &mut SmallRng| {
        let mut at = rng.random_range(0..=text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (a, b) = (place(text, rng), place(text, rng));
    let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 60));
    let end = (start..=end).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(start);
    match rng.random_range(0..5) {
        0 => text.replace_range(start..end, ""),
        1 => {
            let copy = text[start..end].to_owned();
            let to = place(text, rng);
            text.insert_str(to, &copy);
        }
        2 => {
            let piece = PIECES.choose(rng).copied().unwrap_or("{");
            text.insert_str(start, piece);
        }
        3 => {
            let piece = PIECES.choose(rng).copied().unwrap_or("{");
            let next = (start + 1..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
            text.replace_range(start..next, piece);
        }
        _ => {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (a, b) = (rng.random_range(0..lines.len().max(1)), rng.random_range(0..lines.len().max(1)));
            if a < lines.len() && b < lines.len() {
                lines.swap(a, b);
            }
            *text = lines.concat();
        }
    }
}

#[test]
fn no_damage_to_a_graph_file_makes_the_reader_panic_or_take_long() {
    let good =
        [include_str!("../../../../config/quickstart.yaml"), include_str!("../../../../config/catalogue.yaml"), PAIRS];
    let seconds = variable("EUTERPE_FUZZ_SECONDS", 2);
    let mut seed = variable("EUTERPE_FUZZ_SEED", 1);
    let only_one = std::env::var_os("EUTERPE_FUZZ_SEED").is_some();
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut files, mut taken) = (0u64, 0u64);
    while Instant::now() < end {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut text = good.choose(&mut rng).copied().unwrap_or(PAIRS).to_owned();
        for _ in 0..rng.random_range(1..8) {
            damage(&mut text, &mut rng);
        }
        let start = Instant::now();
        let answer = std::panic::catch_unwind(|| check(&text));
        let Ok(answer) = answer else { panic!("EUTERPE_FUZZ_SEED={seed} panics on:\n{text}") };
        assert!(start.elapsed() < Duration::from_secs(1), "EUTERPE_FUZZ_SEED={seed} takes long on:\n{text}");
        files += 1;
        match answer {
            Ok(_) => taken += 1,
            Err(problems) => {
                assert!(!problems.problems.is_empty(), "EUTERPE_FUZZ_SEED={seed}: refused without a problem:\n{text}");
                let lines = text.lines().count() as u32 + 2;
                for problem in &problems.problems {
                    assert!(problem.position.line <= lines, "EUTERPE_FUZZ_SEED={seed}: {problem:?} in:\n{text}");
                }
                assert!(!problems.to_string().contains('\u{202e}'), "EUTERPE_FUZZ_SEED={seed} reorders the terminal");
            }
        }
        if only_one {
            break;
        }
        seed += 1;
    }
    println!("{files} damaged graph files, {taken} of them still good");
    assert!(only_one || files > 100, "only {files} files in {seconds} s");
}

const PAIRS: &str = r#"
version: 1
graph: pairs
stores: {music: ./music, derived: {url: ./derived, fsync: false}}
defaults: {timeout: 10m, retries: 4, backoff: 1s}
jobs:
  pcm:
    use: audio.transcode
    with: {rate: 22050, channels: 1}
    in: {audio: "music:{id}.{ext}"}
    out: "derived:pcm/{id}.flac"
    pool: {workers: 4, memory: 512MiB, recycle_after: 100}
  automix:
    use: command
    with: {argv: [mix, "{input.a}", "{output.mix}", "{output.log}"], env: {A: "${HOME}", B: "${NONE:-b}"}}
    entity: "{a},{b}"
    in: {a: {from: pcm, id: "{a}"}, b: {from: pcm, id: "{b}"}}
    outputs: {mix: "derived:mixes/{id}.ogg", log: "derived:logs/{a}+{b}.txt"}
  log: {use: command, with: {argv: [x, "{output}"]}, entity: "{a},{b}", in: {log: automix.log}, out: "derived:x/{id}"}
"#;

#[test]
fn the_file_of_pairs_that_damage_starts_from_is_good() {
    check(PAIRS).unwrap_or_else(|problems| panic!("{problems}"));
}
