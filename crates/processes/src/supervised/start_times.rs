//! When the processes of the machine were started: read once for each within a short while.
//!
//! A search for what a child has started looks at every process, and many children may end one after the other. The list of
//! processes is cheap; a file for each of them is not.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::environ::start_time;

/// How long what was read may be used: by far too short for the numbers of processes to begin again from the start.
const FRESH: Duration = Duration::from_secs(2);

/// The processes that were there when the list was last read, with the times of their starts.
#[derive(Debug, Default)]
struct Known {
    times: HashMap<i32, u64>,
    read: Option<Instant>,
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

/// Those of `processes` that were started at `since` or later, in the ticks of [`start_time`], the oldest first: who ends them
/// in this order ends a script before it sees that its program ended, and goes on.
pub(super) fn started_since(processes: impl Iterator<Item = i32>, since: u64) -> Vec<i32> {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    known.started_since(processes, since, start_time)
}

impl Known {
    fn started_since(
        &mut self,
        processes: impl Iterator<Item = i32>,
        since: u64,
        read: impl Fn(i32) -> u64,
    ) -> Vec<i32> {
        let before = match self.read {
            Some(at) if at.elapsed() < FRESH => std::mem::take(&mut self.times),
            _ => {
                self.read = Some(Instant::now());
                HashMap::new()
            }
        };
        // Who is not in this list is forgotten: its number may be given again.
        self.times = processes
            .map(|process| (process, before.get(&process).copied().unwrap_or_else(|| read(process))))
            .collect();
        self.times.retain(|_, time| *time > 0); // gone before it was read
        let mut found: Vec<(u64, i32)> =
            self.times.iter().filter(|(_, time)| **time >= since).map(|(process, time)| (*time, *process)).collect();
        found.sort_unstable();
        found.into_iter().map(|(_, process)| process).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_process_is_read_once_and_one_that_was_gone_meanwhile_again() {
        let read = RefCell::new(Vec::new());
        let time = |process: i32| {
            read.borrow_mut().push(process);
            process as u64 % 10
        };
        let mut known = Known::default();
        let mut ask = |processes: &[i32], since| {
            let mut found = known.started_since(processes.iter().copied(), since, time);
            found.sort_unstable();
            (found, read.take())
        };
        assert_eq!(ask(&[10, 11, 15], 1), (vec![11, 15], vec![10, 11, 15]));
        assert_eq!(ask(&[11, 15, 16], 5), (vec![15, 16], vec![16]));
        assert_eq!(ask(&[11], 1), (vec![11], vec![]), "an earlier mark finds what a later one passed over");
        assert_eq!(ask(&[11, 15], 1), (vec![11, 15], vec![15]), "its number may be another's by now");
        known.read = Instant::now().checked_sub(2 * FRESH);
        assert_eq!(known.started_since([11].into_iter(), 1, |_| 3), [11]);
        assert_eq!(known.times[&11], 3, "what is old was not read anew");
    }

    #[test]
    fn the_oldest_process_comes_first_whatever_its_number() {
        let ages: HashMap<i32, u64> =
            (0..100).map(|process| (process, u64::from(process as u32 * 37 % 100) + 1)).collect();
        let found = Known::default().started_since(0..100, 1, |process| ages[&process]);
        let times: Vec<u64> = found.iter().map(|process| ages[process]).collect();
        assert_eq!(times, (1..=100).collect::<Vec<u64>>());
    }
}
