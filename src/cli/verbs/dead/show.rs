//! `dead show`: dead letters in full.

use std::fmt::Write;

use euterpe_actors::message::Base;
use euterpe_actors::transform::Registry;
use euterpe_engine::{Letter, Opening};
use serde_json::json;

use super::Which;
use crate::cli::Exit;
use crate::cli::args::wait_for;
use crate::cli::page::Output;
use crate::cli::page::words::{count, indented, plain, time};

/// Shows dead letters, one below the other.
///
/// # Errors
/// A run, job or reason that is not there; what keeps the stores from being read.
pub(super) fn run(which: &Which, registry: &Registry, out: Output) -> anyhow::Result<Exit> {
    let session = match which.place.open_as_in(which.run.as_deref(), registry, out, Opening::default())? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let letters = wait_for(which.letters(&session))?;
    if out.json {
        for found in &letters {
            out.fact(&json!({"key": found.key, "made_good": found.made_good, "letter": found.letter}))?;
        }
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    for found in &letters {
        letter(found, &mut text)?;
        text.push('\n');
    }
    if letters.is_empty() {
        text = format!("no such dead letters (in {})", session.workspace().state.place());
    }
    out.text(text.trim_end())?;
    Ok(Exit::Ok)
}

fn letter(found: &Letter, text: &mut String) -> std::fmt::Result {
    let letter = &found.letter;
    writeln!(text, "{}({})  {}", letter.job, plain(&letter.entity, false), letter.reason)?;
    write!(text, "{}", indented(&plain(&letter.text, true), 2))?;
    let tries = count(u64::from(letter.tries), "try", "tries");
    writeln!(text, "  when    {} on node {}, after {tries}", time(letter.millis), letter.node)?;
    writeln!(text, "  run     {}", letter.owner())?;
    if let Some(message) = &letter.message {
        let way = match &message.base {
            Base::Stop => "asked for by itself".to_owned(),
            Base::Down(wave) => {
                let origins: Vec<&str> = wave.origins.iter().map(|job| job.as_str()).collect();
                format!("came down from {}", origins.join(", "))
            }
        };
        writeln!(text, "  way     {way}")?;
        if !message.frames.is_empty() {
            let waiters: Vec<String> = message.frames.iter().rev().map(|frame| frame.to.to_string()).collect();
            writeln!(text, "  waits   {}", waiters.join(", then "))?;
        }
    }
    if found.made_good {
        writeln!(text, "  since   made good: its output is there by now")?;
    }
    if !letter.stderr.is_empty() {
        writeln!(text, "  it printed")?;
        write!(text, "{}", indented(&plain(&letter.stderr, true), 4))?;
    }
    if letter.times > 1 {
        writeln!(text, "  came    {} times", letter.times)?;
    }
    if let Some(kind) = &letter.content_type {
        writeln!(text, "  type    {}", plain(kind, false))?;
    }
    if let Some(body) = &letter.body {
        writeln!(text, "  body    {}", plain(body, false))?;
    }
    writeln!(text, "  record  {}", found.key)
}
