//! How many outputs there were at which time, over the last hour: for rates, the time that is left, and a line over time.

use std::collections::VecDeque;
use std::time::Duration;

/// How long it is remembered, in milliseconds.
const KEPT: u64 = 3_600_000;
/// How many times are remembered at the most.
const MOST: usize = 720;
/// Over how long a rate is measured, in milliseconds.
const WINDOW: u64 = 60_000;
/// Over how long the time that is left is judged, in milliseconds.
const LONG: u64 = 600_000;

/// Counts of outputs by job, at times.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Debug)]
struct Sample {
    millis: u64,
    done: Vec<u64>,
}

impl History {
    /// Adds what is there now. Another number of jobs is another graph, of which nothing is known yet.
    pub(crate) fn add(&mut self, millis: u64, done: Vec<u64>) {
        if self.samples.back().is_some_and(|last| last.done.len() != done.len() || last.millis >= millis) {
            self.samples.clear();
        }
        self.samples.push_back(Sample { millis, done });
        while self.samples.len() > MOST || self.samples.front().is_some_and(|first| first.millis + KEPT < millis) {
            self.samples.pop_front();
        }
    }

    /// How many outputs of a job came in a second, over the last minute.
    pub(crate) fn rate(&self, job: usize) -> f64 {
        self.rate_over(WINDOW, |sample| sample.done[job])
    }

    /// How long so many outputs will take, at the fastest and the slowest pace of the last minutes; none where nothing came.
    pub(crate) fn left(&self, missing: u64) -> Option<(Duration, Duration)> {
        let paces = [WINDOW / 2, WINDOW, WINDOW * 3, LONG].map(|over| self.rate_over(over, all));
        let paces = || paces.iter().copied().filter(|pace| *pace > 0.0);
        let (slowest, fastest) = (paces().reduce(f64::min)?, paces().reduce(f64::max)?);
        let takes = |pace: f64| Duration::from_secs_f64((missing as f64 / pace).min(1e9));
        Some((takes(fastest), takes(slowest)))
    }

    /// Outputs that came in a second, from the first to the last of so many even spans of the last hour. Spans of which nothing is
    /// known are left out.
    pub(crate) fn line(&self, spans: u64) -> Vec<(f64, f64)> {
        let Some(now) = self.samples.back().map(|last| last.millis) else { return Vec::new() };
        let begin = now.saturating_sub(KEPT);
        let span = KEPT / spans.max(1);
        let at = |millis: u64| {
            let behind = self.samples.partition_point(|sample| sample.millis <= millis);
            behind.checked_sub(1).and_then(|at| self.samples.get(at)).map(all)
        };
        let rate = |number: u64| {
            let (from, to) = (begin + number * span, begin + (number + 1) * span);
            let (before, after) = (at(from)?, at(to)?);
            let share = (number + 1) as f64 / spans as f64;
            Some((share, after.saturating_sub(before) as f64 / (span as f64 / 1000.0)))
        };
        (0..spans).filter_map(rate).collect()
    }

    fn rate_over(&self, over: u64, of: impl Fn(&Sample) -> u64) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let from = last.millis.saturating_sub(over);
        let first = self.samples.iter().find(|sample| sample.millis >= from).unwrap_or(last);
        let millis = last.millis - first.millis;
        match millis {
            0 => 0.0,
            _ => of(last).saturating_sub(of(first)) as f64 / (millis as f64 / 1000.0),
        }
    }
}

fn all(sample: &Sample) -> u64 {
    sample.done.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_minute_and_what_is_left_is_a_range() {
        let mut history = History::default();
        assert_eq!((history.rate(0), history.left(5)), (0.0, None));
        for second in 0..600 {
            history.add(10_000_000 + second * 1000, vec![second.min(540) * 10, second.saturating_sub(540) * 20]);
        }
        assert!(history.rate(0) < 0.2, "{}", history.rate(0));
        assert!((history.rate(1) - 20.0).abs() < 0.5, "{}", history.rate(1));
        let (soon, late) = history.left(1000).expect("something came");
        assert!((45..=55).contains(&soon.as_secs()) && (80..=100).contains(&late.as_secs()), "{soon:?} {late:?}");
        let line = history.line(60);
        assert_eq!(line.len(), 9, "of nine whole minutes both ends are known");
        assert!((line[8].1 - 20.0).abs() < 0.5 && (line[0].1 - 10.0).abs() < 0.5, "{line:?}");
    }

    #[test]
    fn another_graph_begins_anew_and_what_is_old_is_forgotten() {
        let mut history = History::default();
        history.add(5, vec![1]);
        history.add(6, vec![1, 2]);
        assert_eq!(history.samples.len(), 1);
        for hour in 1..5 {
            history.add(hour * KEPT * 2, vec![1, 2]);
        }
        assert_eq!(history.samples.len(), 1);
        (0..2000).for_each(|millis| history.add(KEPT * 100 + millis, vec![0, 0]));
        assert_eq!(history.samples.len(), MOST);
    }
}
