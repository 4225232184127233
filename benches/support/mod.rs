//! Wall and CPU time of a piece of work, and medians.

use std::time::Instant;

/// What something cost, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: f64,
    /// Of the processor, over all threads of this process and its finished children.
    pub cpu: f64,
}

/// Measures `work`.
pub fn measure(work: impl FnOnce()) -> Cost {
    let (start, before) = (Instant::now(), cpu_seconds());
    work();
    Cost { wall: start.elapsed().as_secs_f64(), cpu: cpu_seconds() - before }
}

/// The median of some figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// User and system time of this process and its finished children.
fn cpu_seconds() -> f64 {
    let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a Linux machine");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a command name").1.split_whitespace().collect();
    let ticks: f64 = fields[13..15].iter().map(|field| field.parse::<f64>().expect("a number")).sum();
    own.tv_sec as f64 + own.tv_nsec as f64 * 1e-9 + ticks / rustix::param::clock_ticks_per_second() as f64
}
