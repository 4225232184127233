//! What a test expects, held against what was found.

use std::fs;
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;
use euterpe_actors::transform::SampleCodec;
use serde_json::Value;

use super::found::Found;
use euterpe_graph_file::cases::{Checks, Sound};

/// How much numbers may differ in JSON that is looked at for some of its members.
const NEAR: f64 = 1e-6;
/// By how many seconds a track may be longer or shorter than expected.
const WITHIN: f64 = 0.01;

/// What does not hold, each as the end of a sentence that begins with the target.
///
/// # Errors
/// Where what was found, or a file that it is compared with, cannot be read.
pub(super) fn wrong(
    expected: &Checks,
    found: &Found,
    folder: &Path,
    codec: Option<&dyn SampleCodec>,
) -> anyhow::Result<Vec<String>> {
    if let Some(reason) = &expected.dead {
        return Ok(match found {
            Found::Dead(is, ..) if is == reason => Vec::new(),
            Found::Dead(is, text, _) => vec![format!("is a dead letter for `{is}` ({text}), not for `{reason}`")],
            other => vec![format!("{}, and not a dead letter for `{reason}`", other.said())],
        });
    }
    if expected.skipped {
        return Ok(match found {
            Found::Skipped(_) => Vec::new(),
            other => vec![format!("{}, and was not declined", other.said())],
        });
    }
    if expected.absent {
        return Ok(match found {
            Found::Nothing(_) => Vec::new(),
            other => vec![format!("{}, and is expected not to be there", other.said())],
        });
    }
    let Found::There(content) = found else { return Ok(vec![found.said()]) };
    let bytes = content.read().context("could not read what was made")?;
    let mut wrong = Vec::new();
    if let Some(value) = &expected.json {
        json(&bytes, &mut wrong, |is| (is != value).then(|| format!("is {is}, not {value}")));
    }
    if let Some(part) = &expected.json_has {
        json(&bytes, &mut wrong, |is| lacks(is, part, "").map(|lack| format!("{lack}; it is {is}")));
    }
    let text = String::from_utf8_lossy(&bytes);
    if let Some(expected) = expected.text.as_ref().filter(|expected| **expected != text) {
        wrong.push(format!("is {:?}, not {expected:?}", shortened(&text)));
    }
    if let Some(part) = expected.contains.as_ref().filter(|part| !text.contains(part.as_str())) {
        wrong.push(format!("is {:?}, without {part:?}", shortened(&text)));
    }
    if let Some(file) = &expected.file {
        let file = folder.join(file);
        let other = fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
        wrong.extend(differs(&bytes, &other).map(|how| format!("differs from {}: {how}", file.display())));
    }
    if let Some(sound) = &expected.audio {
        wrong.extend(sounds(content, sound, codec));
    }
    Ok(wrong)
}

impl Found {
    fn said(&self) -> String {
        match self {
            Self::There(_) => "is there".to_owned(),
            Self::Nothing(notes) if notes.is_empty() => "is not there".to_owned(),
            Self::Nothing(notes) => format!("is not there; {}", notes.join("; ")),
            Self::Skipped(text) => format!("was declined: {text}"),
            Self::Dead(reason, text, printed) if printed.is_empty() => {
                format!("is a dead letter for `{reason}`: {text}")
            }
            Self::Dead(reason, text, printed) => format!("is a dead letter for `{reason}`: {text}\n{printed}"),
        }
    }
}

fn json(bytes: &Bytes, wrong: &mut Vec<String>, check: impl FnOnce(&Value) -> Option<String>) {
    match serde_json::from_slice(bytes) {
        Ok(value) => wrong.extend(check(&value)),
        Err(error) => wrong.push(format!("is no JSON: {error}")),
    }
}

/// What `is` does not have of `part`, at the place of `path`.
fn lacks(is: &Value, part: &Value, path: &str) -> Option<String> {
    let at = |path: &str| if path.is_empty() { String::new() } else { format!(" at {path}") };
    match (is, part) {
        (Value::Object(is), Value::Object(part)) => part.iter().find_map(|(name, part)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match is.get(name) {
                Some(is) => lacks(is, part, &path),
                None => Some(format!("has nothing{}", at(&path))),
            }
        }),
        (Value::Number(a), Value::Number(b)) => {
            let near = a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() <= NEAR);
            (!near).then(|| format!("has {a}{} instead of {b}", at(path)))
        }
        _ => (is != part).then(|| format!("has {is}{} instead of {part}", at(path))),
    }
}

fn differs(a: &[u8], b: &[u8]) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!("{} bytes, not {}", a.len(), b.len()));
    }
    a.iter().zip(b).position(|(a, b)| a != b).map(|at| format!("first at byte {at}"))
}

fn sounds(
    content: &euterpe_actors::storage::Content,
    expected: &Sound,
    codec: Option<&dyn SampleCodec>,
) -> Vec<String> {
    let Some(codec) = codec else {
        return vec!["cannot be measured: this program was built without the feature `audio`".to_owned()];
    };
    let is = match codec.measure(content) {
        Ok(is) => is,
        Err(fault) => return vec![format!("is no sound: {fault}")],
    };
    let mut wrong = Vec::new();
    let within = expected.within.unwrap_or(WITHIN);
    if let Some(seconds) = expected.seconds.filter(|seconds| (seconds - is.seconds()).abs() > within) {
        wrong.push(format!("lasts {:.3} s, not {seconds} s", is.seconds()));
    }
    if let Some(rate) = expected.rate.filter(|rate| *rate != is.rate) {
        wrong.push(format!("has {} Hz, not {rate} Hz", is.rate));
    }
    if let Some(channels) = expected.channels.filter(|channels| *channels != is.channels) {
        wrong.push(format!("has {} channels, not {channels}", is.channels));
    }
    wrong
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use euterpe_actors::storage::Content;
    use serde_json::json;

    fn said(checks: Value, found: &Found) -> Vec<String> {
        let checks: Checks = serde_json::from_value(checks).expect("checks");
        wrong(&checks, found, Path::new(""), Some(&*euterpe_audio::codec())).expect("looked at")
    }

    fn there(text: &'static str) -> Found {
        Found::There(Content::Bytes(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn what_holds_says_nothing_and_what_does_not_says_what_is() {
        let found = there(r#"{"mood": "calm", "at": {"lufs": -20.0000001}}"#);
        assert!(said(json!({"json_has": {"at": {"lufs": -20}}, "contains": "calm"}), &found).is_empty());
        assert!(said(json!({}), &found).is_empty());
        let lacks = said(json!({"json_has": {"at": {"lufs": -21}}}), &found);
        assert!(lacks[0].starts_with("has -20.0000001 at at.lufs instead of -21;"), "{lacks:?}");
        assert!(said(json!({"json_has": {"key": 1}}), &found)[0].starts_with("has nothing at key"));
        assert_eq!(said(json!({"json": {"a": 2}}), &there(r#"{"a":1}"#)), [r#"is {"a":1}, not {"a":2}"#]);
        assert_eq!(said(json!({"text": "b"}), &there("a")), [r#"is "a", not "b""#]);
        assert!(said(json!({"json": {}}), &there("x"))[0].starts_with("is no JSON"));
        assert!(said(json!({"audio": {"seconds": 1}}), &there("x"))[0].starts_with("is no sound"));
    }

    #[test]
    fn an_end_that_is_not_the_expected_one_is_told() {
        let dead = Found::Dead("fatal".to_owned(), "no tempo".to_owned(), "line 3".to_owned());
        assert!(said(json!({"dead": "fatal"}), &dead).is_empty());
        assert_eq!(
            said(json!({"dead": "failed"}), &dead),
            ["is a dead letter for `fatal` (no tempo), not for `failed`"]
        );
        assert_eq!(said(json!({"json": 1}), &dead), ["is a dead letter for `fatal`: no tempo\nline 3"]);
        assert!(said(json!({"absent": true}), &Found::Nothing(vec![])).is_empty());
        assert_eq!(said(json!({"absent": true}), &there("")), ["is there, and is expected not to be there"]);
        assert!(said(json!({"skipped": true}), &Found::Skipped("short".to_owned())).is_empty());
        let nothing = Found::Nothing(vec!["pcm failed".to_owned()]);
        assert_eq!(said(json!({}), &nothing), ["is not there; pcm failed"]);
    }
}
