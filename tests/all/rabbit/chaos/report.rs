//! What was done and seen, as a page for people.

use std::{fmt::Write, time::Instant};

use super::world::World;

pub struct Report {
    began: Instant,
    text: String,
}

impl Report {
    pub fn new(seed: u64, entities: usize, slow: u64, broker: &str) -> Self {
        let machine = machine();
        let text = format!(
            "RabbitMQ {broker}, euterpe {}, {machine}.\n\n\
             Seed {seed}: {entities} entities through a diamond of five jobs, {slow} ms each, on three nodes.\n\n\
             | second | what happened |\n|---|---|\n",
            env!("CARGO_PKG_VERSION"),
        );
        Self { began: Instant::now(), text }
    }

    /// Something that was done or seen.
    pub fn event(&mut self, what: &str) {
        let line = format!("| {} | {what} |", self.began.elapsed().as_secs());
        println!("{line}");
        self.text += &format!("{line}\n");
    }

    /// The counts at the end, and the page where it is wanted.
    pub fn finish(mut self, works: usize, twice: i64, world: &World) {
        let (struck, broke, seconds) = (world.struck, world.interrupted(), self.began.elapsed().as_secs());
        let percent = twice as f64 * 100.0 / works as f64;
        write!(
            self.text,
            "\n{works} works were asked for, all were made, each whole and with the right content; lost 0, dead 0, \
             unasked 0.\n{twice} were done twice ({percent:.2} %); nodes were struck {struck} times, connections broke \
             {broke} times.\nIt took {seconds} s.\n"
        )
        .expect("a text");
        println!("{}", self.text);
        if let Ok(path) = std::env::var("EUTERPE_CHAOS_REPORT") {
            std::fs::write(path, self.text).expect("written");
        }
    }
}

/// The machine, as far as it matters.
fn machine() -> String {
    let (system, cores) = (rustix::system::uname(), std::thread::available_parallelism().map_or(0, usize::from));
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0);
    let release = system.release().to_string_lossy().split('-').next().unwrap_or_default().to_owned();
    format!("{cores} cores and {} GiB, Linux {release}, all on one machine", kib >> 20)
}
