//! Wall and CPU time of a piece of work, and medians.

use std::time::Instant;

/// What something cost, in seconds.
#[allow(dead_code)] // not every bench measures processes
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// By the clock on the wall.
    pub wall: f64,
    /// Of the processor, over all threads of this process and its finished children.
    pub cpu: f64,
}

/// Measures `work`.
#[allow(dead_code)] // not every bench does
pub fn measure(work: impl FnOnce()) -> Cost {
    let (start, before) = (Instant::now(), cpu_seconds());
    work();
    Cost { wall: start.elapsed().as_secs_f64(), cpu: cpu_seconds() - before }
}

/// The median of some figures.
#[allow(dead_code)] // not every bench has one
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// User and system time of this process and its finished children.
pub fn cpu_seconds() -> f64 {
    let own = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    own.tv_sec as f64 + own.tv_nsec as f64 * 1e-9 + ticks("self", 13..15)
}

/// User and system time of another process.
#[allow(dead_code)] // not every bench has one
pub fn cpu_of(pid: u32) -> f64 {
    ticks(&pid.to_string(), 11..13)
}

/// The sum of some fields of a process's statistics that are clock ticks, in seconds; counted after the command's name.
fn ticks(process: &str, fields: std::ops::Range<usize>) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a process on a Linux machine");
    let all: Vec<&str> = stat.rsplit_once(')').expect("a command name").1.split_whitespace().collect();
    let ticks: f64 = all[fields].iter().map(|field| field.parse::<f64>().expect("a number")).sum();
    ticks / rustix::param::clock_ticks_per_second() as f64
}
