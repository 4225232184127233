//! What a person sees while a run goes on: a line for each job, a total with a time left.

use std::{
    collections::VecDeque,
    io::IsTerminal,
    time::{Duration, Instant},
};

use console::Term;
use euterpe_engine::{Held, Running, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;
use super::bars::{Room, View, in_hand, left, lines, sums};
use super::words::short;
use crate::telemetry;

/// How often bars are drawn.
const DRAW: Duration = Duration::from_millis(200);
/// How often a line is printed where there is no terminal, and with `--json`.
const SPEAK: Duration = Duration::from_secs(10);
/// How many of the works in hand a line of JSON names.
const IN_HAND: usize = 5;
/// Over how long a rate is measured.
const WINDOW: Duration = Duration::from_secs(20);

/// Shows a run.
pub struct Progress<'r> {
    running: &'r Running,
    out: Output,
    history: VecDeque<(Instant, Vec<u64>)>,
    /// A bar for each line, where there is a terminal.
    bars: Option<Vec<ProgressBar>>,
    spoke: Instant,
}

impl<'r> Progress<'r> {
    /// Shows a run: bars on a terminal, else a line now and then.
    pub fn new(running: &'r Running, out: Output) -> Self {
        let mut progress = Self { running, out, history: VecDeque::new(), bars: None, spoke: Instant::now() };
        if std::io::stderr().is_terminal() && !out.json && !telemetry::says_json() {
            progress.open_bars();
        }
        progress
    }

    fn open_bars(&mut self) {
        telemetry::bars().set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        self.bars = Some(Vec::new());
    }

    /// Shows the run until it is dropped.
    pub async fn show(&mut self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(DRAW).await;
            for trouble in self.running.troubles() {
                let (job, text) = (&trouble.job, &trouble.text);
                if trouble.over {
                    tracing::warn!(%job, "{text}");
                } else {
                    tracing::error!(%job, "{text}");
                }
            }
            self.draw();
        }
    }

    fn draw(&mut self) {
        let tally = self.running.tally();
        let rates = self.rates(&tally);
        let in_hand = self.running.in_hand();
        let names: Vec<&str> = self.running.plan().jobs.iter().map(|job| job.name.as_str()).collect();
        let fraction = |held: &Held| telemetry::fraction_of(held.job.as_str(), held.entity.as_str());
        let view = View { names: &names, tally: &tally, rates: &rates, in_hand: &in_hand, fraction: &fraction };
        if let Some(bars) = &mut self.bars {
            let (rows, columns) = Term::stderr().size();
            show_lines(bars, lines(&view, Room { columns: columns.into(), rows: rows.into() }));
        } else if self.spoke.elapsed() >= SPEAK {
            self.spoke = Instant::now();
            self.speak(&view);
        }
    }

    fn speak(&self, view: &View<'_>) {
        let tally = view.tally;
        if self.out.json {
            let jobs: serde_json::Map<_, _> = view
                .names
                .iter()
                .zip(&tally.jobs)
                .map(|(job, t)| ((*job).to_owned(), super::summary::counts(t)))
                .collect();
            let in_hand: Vec<_> = view.in_hand.iter().take(IN_HAND).map(held).collect();
            let line = serde_json::json!({
                "event": "progress", "run": self.running.run(), "entities": tally.entities, "jobs": jobs, "in_hand": in_hand,
                "stalls": tally.stalls,
            });
            if let Err(error) = self.out.fact(&line) {
                tracing::error!(%error, "could not write progress");
            }
            return;
        }
        let (ended, required) = sums(tally);
        let rate: f64 = view.rates.iter().sum();
        let left = left(rate, required - ended).map_or(String::new(), |left| format!(", about {} left", short(left)));
        let dead: u64 = tally.letters() + tally.bad_names;
        let in_hand = match in_hand(view) {
            nothing if nothing.is_empty() => nothing,
            some => format!("; {some}"),
        };
        let waits: String =
            tally.stalls.iter().map(|(job, text)| format!("; {job} waits for a store: {text}")).collect();
        telemetry::say(&format!("{ended} of {required} ended, {dead} dead letters, {rate:.1}/s{left}{in_hand}{waits}"));
    }

    /// How many of each job ended a second, over the last seconds.
    fn rates(&mut self, tally: &Tally) -> Vec<f64> {
        let now = Instant::now();
        let ended: Vec<u64> = tally.jobs.iter().map(|job| job.ended - job.exists.min(job.ended)).collect();
        while self.history.front().is_some_and(|(at, _)| now - *at > WINDOW) && self.history.len() > 2 {
            self.history.pop_front();
        }
        let rates = match self.history.front() {
            Some((at, before)) if now > *at => {
                let seconds = (now - *at).as_secs_f64();
                ended.iter().zip(before).map(|(now, before)| now.saturating_sub(*before) as f64 / seconds).collect()
            }
            _ => vec![0.0; ended.len()],
        };
        self.history.push_back((now, ended));
        rates
    }
}

/// Shows these lines in the place of those before.
fn show_lines(bars: &mut Vec<ProgressBar>, lines: Vec<String>) {
    let multi = telemetry::bars();
    while bars.len() < lines.len() {
        let line = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        bars.push(multi.add(ProgressBar::new(0).with_style(line)));
    }
    for gone in bars.drain(lines.len()..) {
        gone.finish_and_clear();
        multi.remove(&gone);
    }
    for (bar, line) in bars.iter().zip(lines) {
        bar.set_message(line);
    }
}

/// A work in hand, as JSON.
fn held(held: &Held) -> serde_json::Value {
    serde_json::json!({"job": held.job, "entity": held.entity, "seconds": held.took.as_secs()})
}

impl Drop for Progress<'_> {
    /// Removes the bars.
    fn drop(&mut self) {
        for bar in self.bars.iter_mut().flatten() {
            bar.finish_and_clear();
        }
    }
}
