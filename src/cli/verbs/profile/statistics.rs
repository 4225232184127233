//! Median and spread of several tries.

use euterpe_engine::profile::Took;
use serde::Serialize;

use super::tries::Try;

/// The numbers of one try, or of many put together. Times in seconds, sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Numbers {
    pub start: Option<f64>,
    pub wait: f64,
    pub fetch: f64,
    pub work: f64,
    pub store: f64,
    pub cpu: f64,
    pub cpu_user: f64,
    pub cpu_system: f64,
    pub process_cpu: f64,
    pub peak_rss_bytes: f64,
    pub bytes_in: f64,
    pub bytes_out: f64,
}

/// The middle of the tries, and between what they lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub median: Numbers,
    pub least: Numbers,
    pub most: Numbers,
}

impl Summary {
    /// Of one or more tries.
    pub fn of(tries: &[Try]) -> Self {
        let number = |pick: fn(&Try) -> f64| {
            let mut all: Vec<f64> = tries.iter().map(pick).collect();
            all.sort_by(f64::total_cmp);
            [median(&all), all.first().copied().unwrap_or(0.0), all.last().copied().unwrap_or(0.0)]
        };
        let has_start = tries.iter().any(|one| one.took.start.is_some());
        let start = number(|one| one.took.start.unwrap_or(0.0));
        let [wait, fetch] = [number(|one| one.took.wait), number(|one| one.took.fetch)];
        let [work, store] = [number(|one| one.took.work), number(|one| one.took.store)];
        let [cpu, process_cpu] = [number(|one| one.took.cpu.total()), number(|one| one.took.process_cpu.total())];
        let [user, system] = [number(|one| one.took.cpu.user), number(|one| one.took.cpu.system)];
        let peak = number(|one| one.peak as f64);
        let [bytes_in, bytes_out] =
            [number(|one| bytes(one, |took| took.bytes_in)), number(|one| bytes(one, |took| took.bytes_out))];
        let numbers = |at: usize| Numbers {
            start: has_start.then_some(start[at]),
            wait: wait[at],
            fetch: fetch[at],
            work: work[at],
            store: store[at],
            cpu: cpu[at],
            cpu_user: user[at],
            cpu_system: system[at],
            process_cpu: process_cpu[at],
            peak_rss_bytes: peak[at],
            bytes_in: bytes_in[at],
            bytes_out: bytes_out[at],
        };
        Self { median: numbers(0), least: numbers(1), most: numbers(2) }
    }
}

fn bytes(one: &Try, pick: fn(&Took) -> u64) -> f64 {
    pick(&one.took) as f64
}

/// The middle of sorted numbers, or between the two in the middle.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(number), 1) => *number,
        (Some(number), _) => f64::midpoint(sorted[middle - 1], *number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(
            [median(&[]), median(&[3.0]), median(&[1.0, 2.0, 9.0]), median(&[1.0, 2.0, 4.0, 9.0])],
            [0.0, 3.0, 2.0, 3.0]
        );
    }
}
