//! The picture of a try's memory over time.

use std::path::Path;

use euterpe_engine::Mistake;

use super::tries::Try;

/// Draws the memory of a try.
///
/// # Errors
/// A file that cannot be written.
#[cfg(feature = "audio")]
pub fn draw(file: &Path, title: &str, one: &Try) -> anyhow::Result<()> {
    use anyhow::Context;
    use euterpe_engine::Chart;

    use crate::cli::page::words::size;

    let points =
        one.samples.iter().map(|sample| (sample.at.as_secs_f64(), sample.resident as f64 / f64::from(1 << 20)));
    let chart = Chart {
        title: title.to_owned(),
        facts: format!("at most {}", size(one.together.unwrap_or(one.peak))),
        unit: "MiB",
        points: points.collect(),
        marked: Some(one.work),
    };
    let png = chart.png().context("could not draw the memory")?;
    std::fs::write(file, png).with_context(|| format!("could not write `{}`", file.display()))
}

/// Nothing is drawn by this program.
#[cfg(not(feature = "audio"))]
pub fn draw(_: &Path, _: &str, _: &Try) -> anyhow::Result<()> {
    Ok(())
}

/// Says that nothing can be drawn, where somebody asks for it and this program has no pictures.
///
/// # Errors
/// Then.
pub fn refuse_without_audio(file: Option<&Path>) -> Result<(), Mistake> {
    match file {
        Some(_) if cfg!(not(feature = "audio")) => Err(Mistake(
            "this program was built without the feature `audio`, which draws pictures; leave --memory-png out, or build it \
             with `cargo install --features audio`"
                .into(),
        )),
        _ => Ok(()),
    }
}
