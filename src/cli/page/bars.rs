//! A run as lines that fit a terminal: a bar for each job, as many as there is room for, a total, and what is in hand.

use std::time::Duration;

use euterpe_engine::{Held, JobTally, Tally};

use super::words::{cut, short};

/// The widest name that is shown whole.
const WIDEST_NAME: usize = 20;
/// The longest bar, and the shortest that is worth its place.
const BAR: std::ops::RangeInclusive<usize> = 5..=20;
/// What is in hand for a shorter time is not worth a word.
const LONG: Duration = Duration::from_secs(2);

/// How far a run is, as it is shown.
pub struct View<'v> {
    /// The names of the jobs, in the order of the tally.
    pub names: &'v [&'v str],
    /// What became of them.
    pub tally: &'v Tally,
    /// How many of each end in a second.
    pub rates: &'v [f64],
    /// What is in hand, the longest first.
    pub in_hand: &'v [Held],
    /// How far a transform says it is with an entity.
    pub fraction: &'v dyn Fn(&Held) -> Option<f64>,
}

/// The room of a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Characters in a line.
    pub columns: usize,
    /// Lines.
    pub rows: usize,
}

/// The lines of a run.
pub fn lines(view: &View<'_>, room: Room) -> Vec<String> {
    let digits = view.tally.jobs.iter().map(|job| digits(job.required)).max().unwrap_or(1).max(4);
    let columns = room.columns.saturating_sub(1); // a full line would wrap on some terminals
    // The total, what is in hand, the jobs that have no line; and a line stays free for what is said meanwhile.
    let shown = shown(view, room.rows.saturating_sub(4).max(1));
    let texts: Vec<String> = shown.iter().map(|at| counts(&view.tally.jobs[*at], view.rates[*at], digits)).collect();
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let widest = view.names.iter().map(|name| name.chars().count()).max().unwrap_or(0).clamp(5, WIDEST_NAME);
    let widest = widest.min(columns.saturating_sub(longest + 1)).max(5);
    let left = columns.saturating_sub(widest + 2 + longest).min(*BAR.end());
    let line = |name: &str, ended: u64, required: u64, text: &str| {
        let bar = if left < *BAR.start() { String::new() } else { format!("{} ", bar(ended, required, left)) };
        cut(&format!("{:>widest$} {bar}{text}", cut_in_the_middle(name, widest)), columns)
    };
    let mut lines: Vec<String> = shown
        .iter()
        .zip(&texts)
        .map(|(at, text)| (view.names[*at], &view.tally.jobs[*at], text))
        .map(|(name, job, text)| line(name, job.ended, job.required, text))
        .collect();
    if shown.len() < view.names.len() {
        lines.push(cut(&others(view, &shown), columns));
    }
    let (ended, required) = sums(view.tally);
    lines.push(line("total", ended, required, &total(view, ended, required)));
    lines.push(cut(&in_hand(view), columns));
    lines
}

/// A name without its middle, so that names which begin alike are told apart.
fn cut_in_the_middle(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    let start = (most - 1) / 2;
    name.chars().take(start).chain(['…']).chain(name.chars().skip(count - (most - 1 - start))).collect()
}

/// The jobs that get a line: all, or those at work, then those with something left, in the order of the graph.
fn shown(view: &View<'_>, most: usize) -> Vec<usize> {
    let mut jobs: Vec<usize> = (0..view.names.len()).collect();
    let rank = |at: &usize| {
        let job = &view.tally.jobs[*at];
        let works = view.rates[*at] > 0.0 || view.in_hand.iter().any(|held| held.job.as_str() == view.names[*at]);
        match (job.ended < job.required, works) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        }
    };
    if jobs.len() > most {
        jobs.sort_by_key(rank);
        jobs.truncate(most);
        jobs.sort_unstable();
    }
    jobs
}

fn others(view: &View<'_>, shown: &[usize]) -> String {
    let others = (0..view.names.len()).filter(|at| !shown.contains(at));
    let (finished, wait): (Vec<usize>, Vec<usize>) =
        others.partition(|at| view.tally.jobs[*at].ended >= view.tally.jobs[*at].required);
    format!("and {} more jobs: {} finished, {} with work left", finished.len() + wait.len(), finished.len(), wait.len())
}

fn counts(job: &JobTally, rate: f64, width: usize) -> String {
    let left = job.required.saturating_sub(job.ended);
    let skipped = if job.skipped > 0 { format!("  skipped {}", job.skipped) } else { String::new() };
    format!(
        "done {:>width$}  exists {:>width$}  dead {:>3}  left {left:>width$}  {rate:>6.1}/s{skipped}",
        job.done, job.exists, job.dead
    )
}

fn total(view: &View<'_>, ended: u64, required: u64) -> String {
    let left = match left(view.rates.iter().sum(), required - ended) {
        Some(left) => format!("about {} left", short(left)),
        None => "time left not known yet".into(),
    };
    let share = if required == 0 { 0.0 } else { 100.0 * ended as f64 / required as f64 };
    format!("{share:.0} % of {} entities, {left}", view.tally.entities)
}

/// What has been in hand for long, such as `in hand: mel(t-17) 58 s, 40 %; and 3 more`; empty where nothing has.
pub fn in_hand(view: &View<'_>) -> String {
    let long: Vec<String> = view
        .in_hand
        .iter()
        .filter(|held| held.took >= LONG)
        .take(3)
        .map(|held| {
            let said = (view.fraction)(held).map_or(String::new(), |fraction| format!(", {:.0} %", 100.0 * fraction));
            format!("{}({}) {}{said}", held.job, super::words::plain(held.entity.as_str(), false), short(held.took))
        })
        .collect();
    if long.is_empty() {
        return String::new();
    }
    let more = view.in_hand.len() - long.len();
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("in hand: {}{more}", long.join("; "))
}

fn bar(ended: u64, required: u64, width: usize) -> String {
    let full = if required == 0 { 0.0 } else { width as f64 * ended as f64 / required as f64 };
    let full = (full.floor() as usize).min(width);
    let head = if full < width && full > 0 { "╸" } else { "" };
    let rest = width - full - head.chars().count();
    format!("{}{head}{}", "━".repeat(full), " ".repeat(rest))
}

/// Those that came to an end, and those that are required, over all jobs.
pub fn sums(tally: &Tally) -> (u64, u64) {
    tally.jobs.iter().fold((0, 0), |(ended, required), job| (ended + job.ended, required + job.required))
}

/// How long what is left takes at this rate.
pub fn left(rate: f64, left: u64) -> Option<Duration> {
    (rate > 0.01).then(|| Duration::from_secs_f64((left as f64 / rate).min(1e9)))
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use euterpe_actors::ids::{EntityId, JobName};

    use super::*;

    fn held(job: &str, entity: &str, seconds: u64) -> Held {
        let (job, entity) = (JobName::new(job).expect("a name"), EntityId::new(entity).expect("an id"));
        Held { job, entity, took: Duration::from_secs(seconds) }
    }

    fn tally(jobs: usize) -> Tally {
        let job =
            |at: usize| JobTally { required: 120_000, ended: if at < 20 { 120_000 } else { 7 }, ..JobTally::default() };
        Tally { entities: 120_000, jobs: (0..jobs).map(job).collect(), ..Tally::default() }
    }

    #[test]
    fn forty_one_jobs_fit_eighty_columns_and_twenty_four_rows() {
        let names: Vec<String> = (0..41).map(|at| format!("a-job-with-quite-a-long-name-{at:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut rates = vec![0.0; 41];
        rates[38] = 1234.5;
        let hand = [held(names[40], "t-17", 58)];
        let view = View { names: &names, tally: &tally(41), rates: &rates, in_hand: &hand, fraction: &|_| Some(0.4) };
        let lines = lines(&view, Room { columns: 80, rows: 24 });
        assert!(lines.len() < 24, "{lines:#?}");
        assert!(lines.iter().all(|line| line.chars().count() < 80), "{lines:#?}");
        let all = lines.join("\n");
        assert!(all.contains("-name-38 done") && all.contains("1234.5/s"), "who works is shown first: {all}");
        assert!(all.contains("and 21 more jobs: 20 finished, 1 with work left"), "{all}");
        assert!(all.contains("in hand: a-job-with-quite-a-long-name-40(t-17) 58 s, 40 %"), "{all}");
    }

    #[test]
    fn a_small_graph_has_a_line_for_each_job() {
        let tally = Tally {
            entities: 10,
            jobs: vec![JobTally { required: 10, ended: 5, done: 4, dead: 1, ..JobTally::default() }],
            ..Tally::default()
        };
        let view = View { names: &["mel"], tally: &tally, rates: &[0.5], in_hand: &[], fraction: &|_| None };
        let lines = lines(&view, Room { columns: 90, rows: 24 });
        assert_eq!(
            lines,
            [
                "  mel ━━━━━━━━━━╸          done    4  exists    0  dead   1  left    5     0.5/s",
                "total ━━━━━━━━━━╸          50 % of 10 entities, about 10 s left",
                "",
            ]
        );
    }
}
