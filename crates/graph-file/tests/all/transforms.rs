//! A small registry: its transforms take and make what the program's transforms of these names do, and do nothing.

use std::collections::BTreeMap;

use euterpe_actors::outcome::Fault;
use euterpe_actors::transform::{
    Entry, InputRule, NoOptions, OpenContext, OptionProblem, Registry, Settings, TransformFactory, inline,
};
use schemars::JsonSchema;
use serde::Deserialize;

const TRACKS: &[&str] = &["flac", "mp3", "ogg", "wav"];

/// Options of a transform of tracks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read for its errors only")]
struct Track {
    rate: Option<u32>,
    channels: Option<u16>,
    seconds: Option<u32>,
}

impl Settings for Track {}

/// Options of a program.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Program {
    argv: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

impl Settings for Program {
    fn check(&self, _: &OpenContext) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        if self.argv.is_empty() {
            problems.push(OptionProblem::new("argv", "name the program"));
        }
        for name in self.env.keys().filter(|name| name.contains('=')) {
            problems.push(OptionProblem::new(format!("env.{name}"), "a variable's name has neither `=` nor NUL"));
        }
        problems
    }
}

fn entry<S: Settings>(name: &'static str) -> Entry {
    let open = |_: S, _: &OpenContext| -> Result<TransformFactory, Vec<OptionProblem>> {
        Ok(inline(|_| Err(Fault::failed("does nothing"))))
    };
    Entry::new(name, "does nothing", open)
}

fn of_a_track<S: Settings>(name: &'static str, suffixes: &'static [&'static str]) -> Entry {
    entry::<S>(name).inputs(InputRule::Exactly(&["audio"])).reads(TRACKS).cannot_read(&["opus"]).writes(suffixes)
}

/// The transforms that the graph files of these tests name.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    for entry in [
        of_a_track::<NoOptions>("audio.loudness", &["json"]),
        of_a_track::<NoOptions>("audio.melspectrogram", &["npy"]),
        of_a_track::<NoOptions>("audio.spectrogram", &["png"]),
        of_a_track::<Track>("audio.transcode", &["wav", "flac"]),
        entry::<Program>("command").several_outputs(),
        entry::<NoOptions>("json.merge").inputs(InputRule::OneOrMore).reads(&["json"]).writes(&["json"]),
        entry::<Track>("synth.track").inputs(InputRule::None).writes(&["wav", "flac"]),
        entry::<Program>("worker").reads(TRACKS).several_outputs(),
    ] {
        registry.register(entry);
    }
    registry
}
