//! The memory of a tree of processes over time, looked at from outside on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::tree::{Memory, tree};

/// How often it is looked at, in the beginning.
const EVERY: Duration = Duration::from_millis(5);
/// How many looks are kept; where there are more, every second one goes, and it is looked at half as often.
const MOST: usize = 8192;

/// The memory of a tree at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// After the beginning.
    pub at: Duration,
    /// Resident, in bytes; pages that several processes share count for each of them.
    pub resident: u64,
}

/// What was seen of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sampled {
    /// In their order.
    pub samples: Vec<Sample>,
    /// The most that one process had, in bytes: what it took after the last look is missing.
    pub largest_process: u64,
    /// How many processes there were at once, at most.
    pub most_processes: usize,
}

/// Looks at a tree until it is told to stop.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Sampled>,
}

impl Sampler {
    /// Begins to look at all that the process `root` starts, and at the process itself if `with_root`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(root: u32, with_root: bool) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let look = move || {
            let (began, mut every, mut seen) = (Instant::now(), EVERY, Sampled::default());
            while !told.load(Ordering::Relaxed) {
                seen.look(began.elapsed(), &tree(root, with_root));
                if seen.samples.len() >= MOST {
                    let mut number = 0usize;
                    seen.samples.retain(|_| {
                        number += 1;
                        number % 2 == 1
                    });
                    every *= 2;
                }
                std::thread::park_timeout(every);
            }
            seen
        };
        let thread = std::thread::Builder::new().name("sampler".into()).spawn(look)?;
        Ok(Self { stop, thread })
    }

    /// Ends, and tells what was seen.
    pub fn stop(self) -> Sampled {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_default()
    }
}

impl Sampled {
    fn look(&mut self, at: Duration, processes: &[u32]) {
        let memory: Vec<Memory> = processes.iter().map(|process| Memory::of(*process)).collect();
        let resident = memory.iter().map(|memory| memory.resident).sum();
        let largest = memory.iter().map(|memory| memory.peak).max().unwrap_or(0);
        self.samples.push(Sample { at, resident });
        self.largest_process = self.largest_process.max(largest);
        self.most_processes = self.most_processes.max(processes.len());
    }
}
