//! What a person sees while a run goes on: a line for each job, a total with a time left.

use std::{
    collections::VecDeque,
    io::IsTerminal,
    time::{Duration, Instant},
};

use euterpe_engine::{Running, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;
use crate::telemetry;

/// How often bars are drawn.
const DRAW: Duration = Duration::from_millis(200);
/// How often a line is printed where there is no terminal, and with `--json`.
const SPEAK: Duration = Duration::from_secs(10);
/// Over how long a rate is measured.
const WINDOW: Duration = Duration::from_secs(20);

/// Shows a run.
pub struct Progress<'r> {
    running: &'r Running,
    out: Output,
    history: VecDeque<(Instant, Vec<u64>)>,
    bars: Vec<ProgressBar>,
    total: Option<ProgressBar>,
    spoke: Instant,
}

impl<'r> Progress<'r> {
    /// Shows a run: bars on a terminal, else a line now and then.
    pub fn new(running: &'r Running, out: Output) -> Self {
        let (history, bars) = (VecDeque::new(), Vec::new());
        let mut progress = Self { running, out, history, bars, total: None, spoke: Instant::now() };
        if std::io::stderr().is_terminal() && !out.json {
            progress.open_bars();
        }
        progress
    }

    fn open_bars(&mut self) {
        let multi = telemetry::bars();
        multi.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let plain = std::env::var_os("NO_COLOR").is_some();
        let widest = self.running.plan().jobs.iter().map(|job| job.name.as_str().len()).max().unwrap_or(0).max(5);
        let bar = if plain { "{bar:20}" } else { "{bar:20.cyan/blue}" };
        let style = |template: String| {
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            style.progress_chars("━╸ ")
        };
        for job in &self.running.plan().jobs {
            let line = style(format!("{{prefix:>{widest}}} {bar} {{msg}}"));
            self.bars.push(multi.add(ProgressBar::new(0).with_style(line).with_prefix(job.name.to_string())));
        }
        let line = style(format!("{{prefix:>{widest}}} {bar} {{msg}}"));
        self.total = Some(multi.add(ProgressBar::new(0).with_style(line).with_prefix("total")));
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
        if self.total.is_some() {
            self.draw_bars(&tally, &rates);
        } else if self.spoke.elapsed() >= SPEAK {
            self.spoke = Instant::now();
            self.speak(&tally, &rates);
        }
    }

    fn draw_bars(&self, tally: &Tally, rates: &[f64]) {
        let width = tally.jobs.iter().map(|job| digits(job.required)).max().unwrap_or(1).max(4);
        for ((job, bar), rate) in tally.jobs.iter().zip(&self.bars).zip(rates) {
            bar.set_length(job.required.max(1));
            bar.set_position(job.ended);
            let left = job.required - job.ended;
            let skipped = if job.skipped > 0 { format!("  skipped {}", job.skipped) } else { String::new() };
            bar.set_message(format!(
                "done {:>width$}  exists {:>width$}  dead {:>3}  left {left:>width$}  {rate:>6.1}/s{skipped}",
                job.done, job.exists, job.dead
            ));
        }
        let (ended, required) = sums(tally);
        if let Some(total) = &self.total {
            total.set_length(required.max(1));
            total.set_position(ended);
            let left = match left(rates.iter().sum(), required - ended) {
                Some(left) => format!("about {} left", short(left)),
                None => "time left not known yet".into(),
            };
            let share = if required == 0 { 0.0 } else { 100.0 * ended as f64 / required as f64 };
            total.set_message(format!("{share:.0} % of {} entities, {left}", tally.entities));
        }
    }

    fn speak(&self, tally: &Tally, rates: &[f64]) {
        let (ended, required) = sums(tally);
        let rate: f64 = rates.iter().sum();
        if self.out.json {
            let plan = self.running.plan();
            let jobs: serde_json::Map<_, _> = plan
                .jobs
                .iter()
                .zip(&tally.jobs)
                .map(|(job, t)| (job.name.to_string(), super::summary::counts(t)))
                .collect();
            let line = serde_json::json!({"event": "progress", "run": self.running.run(), "entities": tally.entities, "jobs": jobs});
            if let Err(error) = self.out.fact(&line) {
                tracing::error!(%error, "could not write progress");
            }
            return;
        }
        let left = left(rate, required - ended).map_or(String::new(), |left| format!(", about {} left", short(left)));
        let dead: u64 = tally.letters() + tally.bad_names;
        telemetry::say(&format!("{ended} of {required} ended, {dead} dead letters, {rate:.1}/s{left}"));
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

impl Drop for Progress<'_> {
    /// Removes the bars.
    fn drop(&mut self) {
        for bar in self.bars.drain(..).chain(self.total.take()) {
            bar.finish_and_clear();
        }
    }
}

fn sums(tally: &Tally) -> (u64, u64) {
    tally.jobs.iter().fold((0, 0), |(ended, required), job| (ended + job.ended, required + job.required))
}

fn left(rate: f64, left: u64) -> Option<Duration> {
    (rate > 0.01).then(|| Duration::from_secs_f64((left as f64 / rate).min(1e9)))
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// A duration as a person would say it: `4 s`, `3 min`, `2 h 5 min`.
pub fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
